/* The extension's face: what `sitecustomize` calls to install the hooks. */
#include <dlfcn.h>

#include "hooks.h"
#ifdef Py_GIL_DISABLED
#include "internal/pycore_ceval.h"
#endif

const struct probe_api *probe;

static PyObject *name_lane(PyObject *module, PyObject *arguments)
{
    (void)module;
    int whole_process;
    PyObject *name;
    if (!PyArg_ParseTuple(arguments, "pU", &whole_process, &name))
        return NULL;
    struct probe_ring *ring = observing();
    if (ring) {
        struct probe_where said = {.text = intern_unicode(name)};
        /* a "thread" may be a greenlet, where threading is monkey-patched: what runs now is what is named */
        probe_emit(ring, probe_now(), whole_process ? 0 : probe->thread()->current, PROBE_NAME, 0, &said, 0);
    }
    Py_RETURN_NONE;
}

/* mark(kind, text): a tick on whatever lane runs on this thread; text beyond 240 bytes is cut. */
static PyObject *mark(PyObject *module, PyObject *arguments)
{
    (void)module;
    int kind;
    PyObject *text;
    if (!PyArg_ParseTuple(arguments, "iU", &kind, &text))
        return NULL;
    struct probe_ring *ring = observing();
    if (ring) {
        struct probe_where said = {.text = intern_unicode(text)};
        probe_emit(ring, probe_now(), probe->thread()->current, PROBE_MARK, kind, &said, PROBE_NO_VALUE);
    }
    Py_RETURN_NONE;
}

static const char *calibrate(void)
{
    probe->gil_begin();
    PyThreadState *thread = PyEval_SaveThread();
    probe->gil_released();
    PyEval_RestoreThread(thread);
    return probe->gil_end();
}

#ifdef Py_GIL_DISABLED
/* A free-threaded interpreter turns its GIL on when an extension is imported that asks for it (Python/ceval_gil.c): looked at
 * whenever anything is audited, which the start of a thread and the next import are. */
static _Atomic bool may_get_a_gil;

static void look_for_gil(void)
{
    PyThreadState *thread = atomic_load(&may_get_a_gil) ? PyThreadState_GetUnchecked() : NULL;
    struct probe_ring *ring = thread ? observing() : NULL;
    if (!ring || !_PyEval_IsGILEnabled(thread) || !atomic_exchange(&may_get_a_gil, false))
        return;
    const char *why = calibrate();
    char text[200];
    int size = snprintf(text, sizeof text, "an extension has turned the GIL on%s%s", why ? ", it is not observed: " : "",
                        why ? why : "");
    struct probe_where said = {.text = probe->intern(text, (size_t)size)};
    probe_emit(ring, probe_now(), probe->thread()->lane, PROBE_MARK, PROBE_MARK_HOOK, &said, PROBE_NO_VALUE);
}
#else
static void look_for_gil(void)
{
}
#endif

/* gil(): None when the GIL is observed from now on, else why it is not. */
static PyObject *calibrate_gil(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    const char *why = observing() ? calibrate() : NULL;
    return why ? PyUnicode_FromString(why) : Py_NewRef(Py_None);
}

/* failed(exception): what runs on this thread ends with it, uncaught. */
static PyObject *failed(PyObject *module, PyObject *exception)
{
    (void)module;
    struct probe_ring *ring = observing();
    if (ring) {
        struct probe_thread *thread = probe->thread();
        lane_exception(thread->current, exception);
        thread->failed = thread->current == thread->lane;
    }
    Py_RETURN_NONE;
}

/* thread_ended(): this Python thread's work is done. Said before join() can return in another thread, which may be the last. */
static PyObject *thread_ended(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    struct probe_ring *ring = observing();
    struct probe_thread *thread = ring ? probe->thread() : NULL;
    if (thread && thread->current == thread->lane && !thread->finished) {
        thread->finished = true;
        probe_emit(ring, probe_now(), thread->lane, PROBE_STATE, thread->failed ? PROBE_STATE_FAILED : PROBE_STATE_FINISHED,
                   NULL, PROBE_NO_VALUE);
    }
    Py_RETURN_NONE;
}

static PyObject *arm(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (probe)
        probe->arm();
#ifdef Py_GIL_DISABLED
    atomic_store(&may_get_a_gil, !_PyEval_IsGILEnabled(PyThreadState_Get()));
#endif
    Py_RETURN_NONE;
}

/* The interpreter is about to show an exception that nobody has caught, and end: it says so to auditors, whatever
 * sys.excepthook the script has set (Python/pythonrun.c). What a thread dies of, threading says itself. */
static int on_audit(const char *event, PyObject *arguments, void *unused)
{
    (void)unused;
    look_for_gil();
    if (event[0] != 's' || strcmp(event, "sys.excepthook") != 0 || !PyTuple_Check(arguments) || PyTuple_GET_SIZE(arguments) < 3)
        return 0;
    PyObject *exception = PyTuple_GET_ITEM(arguments, 2);
    struct probe_thread *thread = observing() ? probe->thread() : NULL;
    if (thread && PyExceptionInstance_Check(exception) && PyInterpreterState_Get() == PyInterpreterState_Main())
        lane_exception(thread->lane, exception);
    return 0;
}

static bool is_main_interpreter(void)
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

/* Whether this interpreter is observed: the preloaded library is there, speaks our version and has a ring. The hooks are the
 * main interpreter's; of a subinterpreter its GIL, and what its threads do in libc, are seen. */
static PyObject *is_observed(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyBool_FromLong(is_main_interpreter() && observing() != NULL);
}

static PyMethodDef methods[] = {
    {"observed", is_observed, METH_NOARGS, NULL},
    {"gil", calibrate_gil, METH_NOARGS, NULL},
    {"thread_ended", thread_ended, METH_NOARGS, NULL},
    {"failed", failed, METH_O, NULL},
    {"arm", arm, METH_NOARGS, NULL},
    {"name_locks", names_install, METH_O, NULL},
    {"queues", queues_install, METH_O, NULL},
    {"joins", joins_install, METH_O, NULL},
    {"library_paths", where_set_library_paths, METH_O, NULL},
    {"first", where_set_first, METH_O, NULL},
    {"name", name_lane, METH_VARARGS, NULL},
    {"mark", mark, METH_VARARGS, NULL},
    {"asyncio", asyncio_install, METH_O, NULL},
    {"greenlet", greenlet_install, METH_O, NULL},
    {"trace_thread", greenlet_trace_thread, METH_NOARGS, NULL},
    {"gevent", gevent_install, METH_O, NULL},
    {"gevent_waits", gevent_waits, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int start(PyObject *module)
{
    (void)module;
    if (!is_main_interpreter())
        return 0;
    const struct probe_api *(*find)(void);
    *(void **)&find = dlsym(RTLD_DEFAULT, "schedscope_probe");
    const struct probe_api *api = find ? find() : NULL;
    if (api && api->version == PROBE_VERSION && atomic_load(api->ring)) {
        probe = api;
        where_install();
        if (PySys_AddAuditHook(on_audit, NULL) != 0)
            PyErr_Clear();
    }
    return PyType_Ready(&ObservedMethod_Type);
}

/* In two phases, so that it is loaded in any interpreter and leaves no trace in sys.modules. */
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)start},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_hooks", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__hooks(void)
{
    return PyModuleDef_Init(&definition);
}
