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
