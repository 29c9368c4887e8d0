/* Greenlets: each one's lane, from greenlet's own trace function.
 *
 * The trace function is called in the target, after the switch: the origin is suspended or dead. Its saved frames say which
 * line of the script waits and in which gevent function; waits of gevent's compiled parts have no frame, so their public
 * methods (Queue.get, Event.wait, Greenlet.join, ...) name their reason for as long as they run (observed_method).
 * A thread's main greenlet is the thread itself; gevent's hub is the event loop.
 */
#include "greenlets.h"

static PyTypeObject *hub_type;
static PyObject *trace_function, *settrace, *hub_name, *exit_type;
PyTypeObject *greenlet_type;
static getter get_frame, get_dead, get_parent;
static initproc former_greenlet_init;
static destructor former_greenlet_dealloc;

/* The reason that a named call has put the running greenlet of this thread into. */
static __thread uint8_t reason_state;
static __thread uint32_t reason_text;

void greenlet_reason(int state, uint32_t text, uint8_t *former_state, uint32_t *former_text)
{
    if (former_state) {
        *former_state = reason_state;
        *former_text = reason_text;
        if (reason_state) /* the outermost call is the one that the script made */
            return;
    }
    reason_state = (uint8_t)state;
    reason_text = text;
}

static bool is_hub(PyObject *greenlet)
{
    return hub_type && PyObject_TypeCheck(greenlet, hub_type);
}

/* The function it runs, and a number in order of first sight. A name that the script gave is asked of the instance alone:
 * gevent makes one up on demand, at the price of several objects a greenlet. */
static PyObject *label_of(PyObject *greenlet)
{
    static unsigned long seen;
    PyObject *run = quiet_attribute(greenlet, "_run"); /* gevent's */
    if (!run)
        run = quiet_attribute(greenlet, "run"); /* greenlet's, until it starts */
    PyObject *function = quiet_qualname(run);
    PyObject **members = _PyObject_GetDictPtr(greenlet);
    PyObject *name = members && *members ? PyDict_GetItemString(*members, "name") : NULL; /* borrowed */
    if (name && !PyUnicode_CheckExact(name))
        name = NULL;
    PyErr_Clear();
    unsigned long number = seen++;
    const char *kind = hub_type ? "Greenlet" : "greenlet";
    PyObject *label = name       ? Py_NewRef(name)
                      : function ? PyUnicode_FromFormat("%s-%lu %S", kind, number, function)
                                 : PyUnicode_FromFormat("%s-%lu", kind, number);
    Py_XDECREF(run);
    Py_XDECREF(function);
    PyErr_Clear();
    return label;
}

/* A greenlet's entry; its kind tells a thread's main greenlet (the thread itself), the hub (the loop) and the others apart. */
struct lane *greenlet_open(PyObject *greenlet)
{
    struct probe_thread *thread = probe->thread();
    if (is_hub(greenlet)) {
        loop_lane(greenlet, hub_name);
        return lane_of(greenlet);
    }
    PyObject *parent = get_parent(greenlet, NULL);
    struct lane *lane;
    if (parent == Py_None) {
        lane = lane_alias(greenlet, PROBE_LANE_THREAD, thread->lane);
    } else {
        uint32_t above = parent && is_hub(parent) ? loop_lane(parent, hub_name) : thread->lane;
        PyObject *label = label_of(greenlet);
        lane = lane_open(greenlet, PROBE_LANE_GREENLET, above, label);
        Py_XDECREF(label);
    }
    Py_XDECREF(parent);
    return lane;
}

static struct lane *lane_for(PyObject *greenlet)
{
    struct lane *lane = lane_of(greenlet);
    if (lane && lane->kind == PROBE_LANE_THREAD) /* entered at the address of a former thread's, it would be that thread */
        lane->number = probe->thread()->lane;
    return lane ? lane : greenlet_open(greenlet);
}

/* --- what a suspended greenlet waits for */

static int read_frames(PyObject *greenlet, struct probe_where *where, uint64_t *value)
{
    PyObject *top = get_frame(greenlet, NULL);
    int state = PROBE_STATE_WAIT;
    PyCodeObject *library = NULL;
    const struct reason *reason = NULL;
    const frame_t *frame = top && top != Py_None ? object_frame(top) : NULL;
    for (int depth = 0; frame && depth < 64; depth++, frame = frame->previous) {
        PyCodeObject *code = frame_code(frame);
        if (!code)
            continue;
        const struct function *function = function_of(code);
        if (function->users) {
            where->file = function->file;
            where->line = frame_line(frame, code);
            break;
        }
        library = code;
        if (function->reason) {
            reason = function->reason;
            *value = reason->delays ? delay_ns(frame_first_local(frame, code)) : PROBE_NO_VALUE;
            if (reason->delays && *value == 0) { /* sleep(0) waits for nothing but its turn */
                *value = PROBE_NO_VALUE;
                Py_DECREF(top);
                return PROBE_STATE_READY;
            }
        }
    }
    if (library)
        where->text = intern_unicode(library->co_qualname);
    if (reason)
        state = reason->state;
    Py_XDECREF(top);
    return state;
}

static void suspend(struct lane *lane, PyObject *greenlet)
{
    struct probe_where where = {0};
    uint64_t value = PROBE_NO_VALUE;
    int state = read_frames(greenlet, &where, &value);
    if (state == PROBE_STATE_WAIT && reason_state) {
        state = reason_state;
        where.text = reason_text;
    }
    lane_enter(lane, state, &where, value);
}

/* gevent keeps a greenlet's exception; a plain one throws it into its parent. */
static int end_state(struct lane *lane, PyObject *greenlet, bool thrown)
{
    PyObject *exception = quiet_attribute(greenlet, "exception"), *value = quiet_attribute(greenlet, "value");
    int state = thrown && !exception ? PROBE_STATE_FAILED : PROBE_STATE_FINISHED;
    if (exception && PyExceptionInstance_Check(exception)) {
        state = PROBE_STATE_FAILED;
        lane_exception(lane->number, exception);
    }
    if (value && exit_type && PyType_IsSubtype(Py_TYPE(value), (PyTypeObject *)exit_type))
        state = PROBE_STATE_CANCELLED;
    Py_XDECREF(exception);
    Py_XDECREF(value);
    return state;
}

static bool is_dead(PyObject *greenlet)
{
    PyObject *dead = get_dead(greenlet, NULL);
    bool yes = dead == Py_True;
    Py_XDECREF(dead);
    return yes;
}

/* The loop's lane tells polling from running by itself, and a thread's lane what the thread does. */
static void leave_origin(PyObject *origin, PyObject *event)
{
    struct lane *lane = lane_for(origin);
    if (!lane)
        return;
    if (lane->kind == PROBE_LANE_GREENLET && is_dead(origin)) {
        lane_close(lane, end_state(lane, origin, PyUnicode_CompareWithASCIIString(event, "throw") == 0));
        return;
    }
    if (lane->kind == PROBE_LANE_GREENLET)
        suspend(lane, origin);
    lane->reason = reason_state;
    lane->reason_text = reason_text;
}

/* A switch between two greenlets, neither of them a loop: one hands control to the other. */
static void hand_over(PyObject *origin, PyObject *target)
{
    struct lane *from = lane_of(origin), *to = lane_for(target);
    if (!to || to->kind != PROBE_LANE_GREENLET)
        return;
    if (from && from->kind != PROBE_LANE_LOOP)
        lane_flow(from->number, to->number, PROBE_FLOW_HANDOVER);
}

static void enter_target(PyObject *target, struct probe_thread *thread)
{
    struct lane *lane = lane_for(target);
    if (!lane)
        return;
    thread->current = lane->number;
    reason_state = lane->reason;
    reason_text = lane->reason_text;
    if (lane->kind == PROBE_LANE_LOOP)
        thread->loop = lane->number;
    if (lane->kind == PROBE_LANE_GREENLET)
        lane_enter(lane, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
}

static PyObject *trace(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 2 || !observing() || !PyTuple_CheckExact(arguments[1]) || PyTuple_GET_SIZE(arguments[1]) != 2)
        Py_RETURN_NONE;
    PyObject *origin = PyTuple_GET_ITEM(arguments[1], 0), *target = PyTuple_GET_ITEM(arguments[1], 1);
    if (!hub_type)
        hand_over(origin, target);
    leave_origin(origin, arguments[0]);
    enter_target(target, probe->thread());
    Py_RETURN_NONE;
}

/* --- installation */

static PyMethodDef trace_method = {"schedscope_trace", (PyCFunction)(void (*)(void))trace, METH_FASTCALL, NULL};

/* trace_thread(): greenlet's trace function belongs to a thread; called at the start of each one. */
PyObject *greenlet_trace_thread(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    if (!settrace)
        Py_RETURN_NONE;
    PyObject *former = PyObject_CallOneArg(settrace, trace_function);
    if (former && former != Py_None && former != trace_function) { /* the program traces itself: leave it */
        PyObject *again = PyObject_CallOneArg(settrace, former);
        Py_XDECREF(again);
    }
    return former;
}

/* A plain greenlet's lane begins when it is made: afterwards it no longer knows its function. */
static int greenlet_init(PyObject *greenlet, PyObject *arguments, PyObject *names)
{
    int result = former_greenlet_init(greenlet, arguments, names);
    if (result != 0 || !observing() || !Py_IS_TYPE(greenlet, greenlet_type))
        return result;
    struct lane *lane = greenlet_open(greenlet);
    if (lane && lane->kind == PROBE_LANE_GREENLET) {
        lane_flow(probe->thread()->current, lane->number, PROBE_FLOW_SPAWN);
        lane_enter(lane, PROBE_STATE_STARTING, NULL, PROBE_NO_VALUE);
    }
    return result;
}

static void greenlet_dealloc(PyObject *greenlet)
{
    lane_free(greenlet, former_greenlet_dealloc);
}

/* greenlet_install((greenlet type, settrace)): called once, after greenlet is imported. */
PyObject *greenlet_install(PyObject *module, PyObject *parts)
{
    if (no_tables())
        return PyErr_Format(PyExc_RuntimeError, "%s", no_tables());
    if (!PyArg_ParseTuple(parts, "O!O", &PyType_Type, &greenlet_type, &settrace))
        return NULL;
    Py_INCREF(greenlet_type);
    Py_INCREF(settrace);
    get_frame = getter_of(greenlet_type, "gr_frame");
    get_dead = getter_of(greenlet_type, "dead");
    get_parent = getter_of(greenlet_type, "parent");
    former_greenlet_init = greenlet_type->tp_init;
    trace_function = PyCFunction_New(&trace_method, NULL);
    if (!trace_function || !get_frame || !get_dead || !get_parent) {
        PyErr_SetString(PyExc_RuntimeError, "this greenlet keeps its state in a way the probe does not know");
        Py_CLEAR(settrace);
        return NULL;
    }
    greenlet_type->tp_init = greenlet_init;
    former_greenlet_dealloc = greenlet_type->tp_dealloc;
    greenlet_type->tp_dealloc = greenlet_dealloc;
    return greenlet_trace_thread(module, NULL);
}

/* From now on a greenlet of type `hub` is an event loop, and one whose value is an `exit` was killed. */
void greenlet_hubs(PyTypeObject *hub, PyObject *exit)
{
    hub_type = (PyTypeObject *)Py_NewRef((PyObject *)hub);
    exit_type = Py_NewRef(exit);
    hub_name = PyUnicode_InternFromString("gevent hub");
}
