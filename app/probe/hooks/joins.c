/* Which thread a Thread.join waits for, where its end is no semaphore of its own (CPython 3.13 and newer: a futex-like event,
 * Modules/_threadmodule.c). While the call runs, a wait without a name of its own is for that thread. */
#include "hooks.h"

static PyObject *former_join;

static struct probe_about about_thread(PyObject *thread)
{
    PyObject *name = quiet_attribute(thread, "_name"), *number = quiet_attribute(thread, "_native_id");
    const char *words = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    char text[160];
    int size = snprintf(text, sizeof text, "Thread%s%.120s", words ? " " : "", words ? words : "");
    long id = number && PyLong_CheckExact(number) ? PyLong_AsLong(number) : 0;
    Py_XDECREF(name);
    Py_XDECREF(number);
    PyErr_Clear();
    return (struct probe_about){
        .text = probe->intern(text, (size_t)size),
        .who = id > 0 ? (uint64_t)id : 0,
        .other = id > 0 ? PROBE_OTHER_THREAD : PROBE_OTHER_NOBODY,
    };
}

static PyObject *join(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (!observing())
        return call_with_self(former_join, self, arguments, count, names);
    struct probe_thread *thread = probe->thread();
    struct probe_about former = thread->joins;
    const void *former_lock = thread->lock;
    thread->joins = about_thread(self);
    thread->lock = NULL;
    PyObject *result = call_with_self(former_join, self, arguments, count, names);
    thread->joins = former;
    thread->lock = former_lock;
    return result;
}

static PyMethodDef join_method = {"join", (PyCFunction)(void (*)(void))join, METH_FASTCALL | METH_KEYWORDS,
                                  PyDoc_STR("join($self, timeout=None)\n--\n\nWait until the thread terminates.")};

/* joins(Thread): from now on, where they would have no name otherwise. */
PyObject *joins_install(PyObject *module, PyObject *thread)
{
    (void)module;
    if (PY_VERSION_HEX < 0x030d0000 || former_join)
        Py_RETURN_NONE;
    if (!PyType_Check(thread))
        return PyErr_Format(PyExc_TypeError, "a type is wanted");
    former_join = replace_method((PyTypeObject *)thread, "join", &join_method);
    if (!former_join)
        return NULL;
    Py_RETURN_NONE;
}
