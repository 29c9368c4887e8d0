/* A C function in a method's place. No Python frame is added, so tracebacks read as they would unobserved. */

#include "hooks.h"

#include <structmember.h>

int set_type_attribute(PyTypeObject *type, const char *name, PyObject *value)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE && !(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE))
        return PyObject_SetAttrString((PyObject *)type, name, value);
    if (PyDict_SetItemString(type->tp_dict, name, value) < 0) /* an extension's static type */
        return -1;
    PyType_Modified(type);
    return 0;
}

PyObject *replace_method(PyTypeObject *type, const char *name, PyMethodDef *with)
{
    PyObject *former = PyObject_GetAttrString((PyObject *)type, name);
    PyObject *method = former ? PyDescr_NewMethod(&PyBaseObject_Type, with) : NULL;
    if (!method || set_type_attribute(type, name, method) < 0)
        Py_CLEAR(former);
    Py_XDECREF(method);
    return former;
}

/* The former method, as the one in its place was called. */
PyObject *call_with_self(PyObject *function, PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *few[16];
    Py_ssize_t given = count + (names ? PyTuple_GET_SIZE(names) : 0);
    PyObject **all = given < 16 ? few : PyMem_Malloc((size_t)(given + 1) * sizeof *all);
    if (!all)
        return PyErr_NoMemory();
    all[0] = self;
    memcpy(all + 1, arguments, (size_t)given * sizeof *all);
    PyObject *result = PyObject_Vectorcall(function, all, (size_t)count + 1, names);
    if (all != few)
        PyMem_Free(all);
    return result;
}

/* --- a method that says, while it runs, what the calling greenlet waits for */

struct observed {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *original;
    int state;
    const char *text;
};

static PyObject *call_observed(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    struct observed *method = (struct observed *)self;
    uint8_t state;
    uint32_t text;
    greenlet_reason(method->state, probe->intern(method->text, strlen(method->text)), &state, &text);
    PyObject *result = PyObject_Vectorcall(method->original, arguments, count, names);
    greenlet_reason(state, text, NULL, NULL);
    return result;
}

static PyObject *bind_observed(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object && object != Py_None ? PyMethod_New(self, object) : Py_NewRef(self);
}

static PyObject *get_observed(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(((struct observed *)self)->original, name);
}

static void free_observed(PyObject *self)
{
    Py_XDECREF(((struct observed *)self)->original);
    PyObject_Free(self);
}

PyTypeObject ObservedMethod_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "schedscope.observed_method",
    .tp_basicsize = sizeof(struct observed),
    .tp_dealloc = free_observed,
    .tp_vectorcall_offset = offsetof(struct observed, call),
    .tp_call = PyVectorcall_Call,
    .tp_getattro = get_observed,
    .tp_descr_get = bind_observed,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
};

PyObject *observed_method(PyObject *original, int state, const char *text)
{
    struct observed *method = PyObject_New(struct observed, &ObservedMethod_Type);
    if (!method)
        return NULL;
    method->call = call_observed;
    method->original = Py_NewRef(original);
    method->state = state;
    method->text = text;
    return (PyObject *)method;
}
