/* What the rooms of asyncio's hooks share. */
#ifndef SCHEDSCOPE_ASYNCIO_H
#define SCHEDSCOPE_ASYNCIO_H

#include "hooks.h"

/* --- asyncio.c: tasks and loops */
extern PyTypeObject *asyncio_task_type;
extern PyObject *asyncio_loop_name;
struct lane *task_open(PyObject *task, PyObject *loop);
void task_name_again(struct lane *lane, PyObject *task);

/* --- asyncio_waits.c: what became of a task after a step */
bool task_is_done(PyObject *task);
PyObject *task_coroutine(PyObject *task);
void task_after_step(PyObject *task, struct lane *lane);
bool asyncio_waits_install(PyTypeObject *loop);

/* --- asyncio_handles.c: callbacks scheduled and run */
struct handles {
    PyTypeObject *handle, *loop;
    PyObject *exception_handler; /* (handle, exception) does what Handle._run does with one */
    int may_run, may_schedule;   /* Handle._run and BaseEventLoop._call_soon are the ones whose work is done here */
};
bool asyncio_handles_install(const struct handles *with);

#endif
