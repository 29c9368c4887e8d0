/* The layout of an interpreter frame, which differs by version: everything else asks here.
 *
 * Read from the running interpreter's own headers. A thread reads only its own chain while it sits in a call, or the frame
 * of a suspended coroutine while it holds the GIL; either is stable for that long (CPython, Include/internal/pycore_frame.h).
 */
#ifndef SCHEDSCOPE_FRAMES_H
#define SCHEDSCOPE_FRAMES_H

#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE_MODULE 1
#include <Python.h>
#include <frameobject.h>
#include "internal/pycore_frame.h"

#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe.h"
#endif

typedef struct _PyInterpreterFrame frame_t;

/* The frame's code object (borrowed), NULL for a frame that runs no Python code. */
static inline PyCodeObject *frame_code(const frame_t *frame)
{
#if PY_VERSION_HEX >= 0x030e0000
    PyObject *code = PyStackRef_AsPyObjectBorrow(((frame_t *)frame)->f_executable);
    return code && PyCode_Check(code) && frame->owner < FRAME_OWNED_BY_INTERPRETER ? (PyCodeObject *)code : NULL;
#elif PY_VERSION_HEX >= 0x030d0000
    PyObject *code = frame->f_executable;
    return code && PyCode_Check(code) && frame->owner < FRAME_OWNED_BY_CSTACK ? (PyCodeObject *)code : NULL;
#elif PY_VERSION_HEX >= 0x030c0000
    return frame->owner < FRAME_OWNED_BY_CSTACK ? frame->f_code : NULL;
#else
    return frame->f_code;
#endif
}

/* Of the instruction it is at, in bytes from the first. */
static inline int frame_offset(const frame_t *frame, PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030e0000
    const _Py_CODEUNIT *at = frame->instr_ptr, *first = _PyFrame_GetBytecode((frame_t *)frame); /* a free thread's own copy */
#elif PY_VERSION_HEX >= 0x030d0000
    const _Py_CODEUNIT *at = frame->instr_ptr, *first = _PyCode_CODE(code);
#else
    const _Py_CODEUNIT *at = frame->prev_instr, *first = _PyCode_CODE(code);
#endif
    return (int)((at - first) * (Py_ssize_t)sizeof(_Py_CODEUNIT));
}

static inline PyObject *frame_local(const frame_t *frame, int index)
{
#if PY_VERSION_HEX >= 0x030e0000
    return PyStackRef_AsPyObjectBorrow(((frame_t *)frame)->localsplus[index]);
#else
    return frame->localsplus[index];
#endif
}

static inline PyObject *frame_first_local(const frame_t *frame, PyCodeObject *code)
{
    return code->co_argcount < 1 ? NULL : frame_local(frame, 0);
}

static inline const frame_t *thread_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030d0000
    return thread->current_frame;
#else
    return thread->cframe ? thread->cframe->current_frame : NULL;
#endif
}

/* The frame of a suspended coroutine or generator; the caller holds the GIL. */
static inline const frame_t *coroutine_frame(PyObject *coroutine)
{
#if PY_VERSION_HEX >= 0x030e0000
    return &((PyGenObject *)coroutine)->gi_iframe;
#else
    return (const frame_t *)((PyGenObject *)coroutine)->gi_iframe;
#endif
}

static inline const frame_t *object_frame(PyObject *frame)
{
    return ((struct _frame *)frame)->f_frame;
}

#endif
