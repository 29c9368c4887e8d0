/* gevent: when a greenlet becomes ready (loop.run_callback), and the methods that say what it waits for. */
#include "greenlets.h"

static PyObject *former_run_callback;

/* Callbacks come from few types, mostly gevent's waiters: the answer for the last two is remembered. */
static bool is_greenlet(PyObject *object)
{
    static PyTypeObject *greenlets, *others;
    PyTypeObject *type = Py_TYPE(object);
    if (type == others)
        return false;
    if (type == greenlets)
        return true;
    PyTypeObject **remembered = PyType_IsSubtype(type, greenlet_type) ? &greenlets : &others;
    PyTypeObject *former = *remembered;
    *remembered = (PyTypeObject *)Py_NewRef((PyObject *)type);
    Py_XDECREF(former);
    return remembered == &greenlets;
}

/* The greenlet that a callback will switch to: greenlet.switch, greenlet.throw, or gevent's _kill(greenlet, ...). */
static PyObject *switched_by(PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *callback = arguments[0], *greenlet = NULL;
    const char *wanted = "switch throw";
    if (PyCFunction_Check(callback)) {
        greenlet = PyCFunction_GET_SELF(callback);
    } else if (PyMethod_Check(callback)) {
        greenlet = PyMethod_GET_SELF(callback);
    } else if (count > 1) {
        greenlet = arguments[1];
        wanted = "_kill";
    }
    if (!greenlet || !is_greenlet(greenlet))
        return NULL;
    PyObject *function = PyMethod_Check(callback) ? PyMethod_GET_FUNCTION(callback) : callback;
    bool quiet = Py_TYPE(function)->tp_getattro == PyObject_GenericGetAttr; /* nothing of the script's answers */
    PyObject *name = quiet ? PyObject_GetAttrString(function, "__name__") : NULL;
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    bool switches = text && *text && strstr(wanted, text);
    Py_XDECREF(name);
    PyErr_Clear();
    return switches ? greenlet : NULL;
}

/* loop.run_callback(greenlet.switch): from now on that greenlet is ready. */
static PyObject *run_callback(PyObject *loop, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *greenlet = count > 0 && observing() ? switched_by(arguments, count) : NULL;
    if (greenlet) {
        struct lane *lane = lane_of(greenlet);
        bool fresh = !lane;
        uint32_t from = probe->thread()->current;
        lane = lane ? lane : greenlet_open(greenlet);
        if (lane && lane->kind == PROBE_LANE_GREENLET && lane->state != PROBE_STATE_RUNNING) {
            lane_flow(from, lane->number, fresh ? PROBE_FLOW_SPAWN : PROBE_FLOW_WAKE);
            lane_enter(lane, PROBE_STATE_READY, NULL, PROBE_NO_VALUE);
        }
    }
    return call_with_self(former_run_callback, loop, arguments, count, names);
}

static PyMethodDef run_callback_method = {"run_callback", (PyCFunction)(void (*)(void))run_callback,
                                          METH_FASTCALL | METH_KEYWORDS, NULL};

/* gevent_waits([(type, method, state, text)]): methods that say what the greenlet calling them waits for. */
PyObject *gevent_waits(PyObject *module, PyObject *waits)
{
    (void)module;
    if (no_tables())
        return PyErr_Format(PyExc_RuntimeError, "%s", no_tables());
    if (!PyList_Check(waits))
        return PyErr_Format(PyExc_TypeError, "waits is a list");
    PyObject *type;
    const char *name, *text;
    int state;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(waits); i++) {
        if (!PyArg_ParseTuple(PyList_GET_ITEM(waits, i), "O!sis", &PyType_Type, &type, &name, &state, &text))
            return NULL;
        PyObject *original = PyObject_GetAttrString(type, name);
        PyObject *method = original ? observed_method(original, state, strdup(text)) : NULL;
        if (!method || set_type_attribute((PyTypeObject *)type, name, method) < 0)
            return NULL;
        Py_DECREF(original);
        Py_DECREF(method);
    }
    Py_RETURN_NONE;
}

/* gevent_install((Hub, loop type, GreenletExit)): called once, after gevent is imported. */
PyObject *gevent_install(PyObject *module, PyObject *parts)
{
    (void)module;
    PyTypeObject *hub, *loop;
    PyObject *exit;
    if (no_tables())
        return PyErr_Format(PyExc_RuntimeError, "%s", no_tables());
    if (!PyArg_ParseTuple(parts, "O!O!O", &PyType_Type, &hub, &PyType_Type, &loop, &exit))
        return NULL;
    greenlet_hubs(hub, exit);
    former_run_callback = replace_method(loop, "run_callback", &run_callback_method);
    if (!former_run_callback)
        return NULL;
    Py_RETURN_NONE;
}
