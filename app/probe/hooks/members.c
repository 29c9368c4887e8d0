/* Access to private members by their descriptors: as fast as a struct member, and checked at start. NULL or -1: it has none. */
#include "hooks.h"

#include <structmember.h>

getter getter_of(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    getter found = NULL;
    if (descriptor && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type))
        found = ((PyGetSetDescrObject *)descriptor)->d_getset->get;
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return found;
}

PyCFunction method_of(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    PyCFunction found = NULL;
    if (descriptor && Py_IS_TYPE(descriptor, &PyMethodDescr_Type)) {
        PyMethodDef *method = ((PyMethodDescrObject *)descriptor)->d_method;
        found = method->ml_flags == METH_NOARGS ? method->ml_meth : NULL;
    }
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return found;
}

Py_ssize_t slot_offset(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (descriptor && Py_IS_TYPE(descriptor, &PyMemberDescr_Type))
        offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return offset;
}

/* New references, so that without a GIL nobody takes them away meanwhile. */
PyObject *type_lookup(PyTypeObject *type, PyObject *name)
{
#if PY_VERSION_HEX >= 0x030d0000
    return _PyType_LookupRef(type, name);
#else
    return Py_XNewRef(_PyType_Lookup(type, name));
#endif
}

static PyObject *dict_lookup(PyObject *dict, PyObject *key)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *found = NULL;
    (void)PyDict_GetItemRef(dict, key, &found);
    return found;
#else
    return Py_XNewRef(PyDict_GetItemWithError(dict, key));
#endif
}

/* An attribute, found without running a line of the script: a member of C, or what lies in the instance or its class as it
 * is. A class's own __getattribute__, a property or a __getattr__ is not asked. New reference, NULL when there is none. */
PyObject *quiet_attribute(PyObject *object, const char *name)
{
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *found = key ? type_lookup(Py_TYPE(object), key) : NULL, *value;
    if (found && Py_IS_TYPE(found, &PyGetSetDescr_Type)) {
        PyGetSetDef *member = ((PyGetSetDescrObject *)found)->d_getset;
        value = member->get ? member->get(object, member->closure) : NULL;
    } else {
        PyObject **own = _PyObject_GetDictPtr(object);
        value = key && own && *own ? dict_lookup(*own, key) : NULL;
        value = value ? value : Py_XNewRef(found);
    }
    Py_XDECREF(found);
    Py_XDECREF(key);
    PyErr_Clear();
    return value;
}

/* The qualified name of a function, however it is bound; NULL of what is called otherwise. New reference. */
PyObject *quiet_qualname(PyObject *callable)
{
    if (callable && PyMethod_Check(callable))
        callable = PyMethod_GET_FUNCTION(callable);
    bool known = callable && (PyFunction_Check(callable) || PyCFunction_Check(callable) || PyType_CheckExact(callable) ||
                              PyCoro_CheckExact(callable) || PyGen_CheckExact(callable) ||
                              Py_TYPE(callable)->tp_getattro == PyObject_GenericGetAttr);
    PyObject *name = known ? PyObject_GetAttrString(callable, "__qualname__") : NULL;
    PyErr_Clear();
    return name;
}
