/* asyncio: each task's lane, and its loop's.
 *
 *   Task.__init__              the lane begins, ready, made by whatever ran then
 *   Task's deallocation        a task that is collected while it waits ends with that
 *   BaseEventLoop.run_forever  which loop polls on this thread
 *   BaseEventLoop.close        the loop's lane ends
 *
 * What happens in between is in asyncio_handles.c.
 */
#include "asyncio.h"

PyTypeObject *asyncio_task_type;
PyObject *asyncio_loop_name;
static PyTypeObject *loop_type;
static PyObject *former_run_forever, *former_close;
static initproc former_task_init;
static destructor former_task_dealloc;
static getter get_loop;
static PyCFunction call_get_name;

static uint32_t name_hash(PyObject *name)
{
    return (uint32_t)PyObject_Hash(name) | 1;
}

/* Its name and its function. */
static PyObject *task_label(PyObject *task, PyObject *name)
{
    PyObject *coroutine = task_coroutine(task);
    PyObject *function = quiet_qualname(coroutine);
    PyObject *label = name && function ? PyUnicode_FromFormat("%S %S", name, function) : Py_XNewRef(name);
    Py_XDECREF(coroutine);
    Py_XDECREF(function);
    PyErr_Clear();
    return label;
}

struct lane *task_open(PyObject *task, PyObject *loop)
{
    PyObject *name = call_get_name(task, NULL);
    PyObject *label = task_label(task, name);
    uint32_t parent = loop ? loop_lane(loop, asyncio_loop_name) : 0;
    struct lane *lane = lane_open(task, PROBE_LANE_TASK, parent, label);
    if (lane && name)
        lane->reason_text = name_hash(name);
    Py_XDECREF(label);
    Py_XDECREF(name);
    PyErr_Clear();
    return lane;
}

/* create_task(name=...) names a task after making it (3.11, 3.12): asked once more when it first runs. */
void task_name_again(struct lane *lane, PyObject *task)
{
    PyObject *name = call_get_name(task, NULL);
    if (name && name_hash(name) != lane->reason_text) {
        PyObject *label = task_label(task, name);
        lane_rename(lane, label);
        Py_XDECREF(label);
    }
    lane->reason_text = 0;
    Py_XDECREF(name);
    PyErr_Clear();
}

static int task_init(PyObject *task, PyObject *arguments, PyObject *names)
{
    int result = former_task_init(task, arguments, names);
    if (result != 0 || !observing())
        return result;
    PyObject *loop = get_loop(task, NULL);
    /* a loop that is not built on asyncio's runs its tasks where nothing is seen of it */
    struct lane *lane = loop && PyObject_TypeCheck(loop, loop_type) ? task_open(task, loop) : NULL;
    Py_XDECREF(loop);
    PyErr_Clear();
    if (!lane)
        return result;
    lane_flow(probe->thread()->current, lane->number, PROBE_FLOW_SPAWN);
    task_after_step(task, lane); /* ready; or, of an eager task, done or waiting already */
    return result;
}

static void task_dealloc(PyObject *task)
{
    lane_free(task, former_task_dealloc);
}

static PyObject *run_forever(PyObject *loop, PyObject *unused)
{
    (void)unused;
    PyObject *const arguments[] = {loop};
    struct probe_thread *thread = probe->thread();
    uint32_t outer_loop = thread->loop, outer_current = thread->current;
    thread->loop = loop_lane(loop, asyncio_loop_name);
    thread->current = thread->loop ? thread->loop : thread->current;
    PyObject *result = PyObject_Vectorcall(former_run_forever, arguments, 1, NULL);
    thread = probe->thread();
    thread->loop = outer_loop;
    thread->current = outer_current;
    return result;
}

/* A closed loop's lane has ended; the next loop may be made at the same address. */
static PyObject *close_loop(PyObject *loop, PyObject *unused)
{
    (void)unused;
    PyObject *const arguments[] = {loop};
    PyObject *result = PyObject_Vectorcall(former_close, arguments, 1, NULL);
    struct lane *lane = result ? lane_of(loop) : NULL;
    if (lane && lane->kind == PROBE_LANE_LOOP)
        lane_close(lane, PROBE_STATE_FINISHED);
    return result;
}

static PyMethodDef close_method = {"close", close_loop, METH_NOARGS, "Close the event loop."};
static PyMethodDef run_forever_method = {"run_forever", run_forever, METH_NOARGS, "Run until stop() is called."};

/* asyncio_install((Task, Handle, BaseEventLoop, exception_handler, may_run, may_schedule)): once, after asyncio is imported;
 * see struct handles. */
PyObject *asyncio_install(PyObject *module, PyObject *types)
{
    (void)module;
    struct handles handles;
    if (no_tables())
        return PyErr_Format(PyExc_RuntimeError, "%s", no_tables());
    if (!PyArg_ParseTuple(types, "O!O!O!Opp", &PyType_Type, &asyncio_task_type, &PyType_Type, &handles.handle, &PyType_Type,
                          &loop_type, &handles.exception_handler, &handles.may_run, &handles.may_schedule))
        return NULL;
    handles.loop = loop_type;
    Py_INCREF(asyncio_task_type);
    Py_INCREF(loop_type);
    asyncio_loop_name = PyUnicode_InternFromString("asyncio");
    get_loop = getter_of(asyncio_task_type, "_loop");
    call_get_name = method_of(asyncio_task_type, "get_name");
    if (!get_loop || !call_get_name || !asyncio_waits_install(loop_type) || !asyncio_handles_install(&handles)) {
        PyErr_SetString(PyExc_RuntimeError, "this asyncio keeps its tasks in a way the probe does not know");
        return NULL;
    }
    former_run_forever = replace_method(loop_type, "run_forever", &run_forever_method);
    former_close = former_run_forever ? replace_method(loop_type, "close", &close_method) : NULL;
    if (!former_close)
        return NULL;
    former_task_init = asyncio_task_type->tp_init;
    asyncio_task_type->tp_init = task_init;
    former_task_dealloc = asyncio_task_type->tp_dealloc;
    asyncio_task_type->tp_dealloc = task_dealloc;
    Py_RETURN_NONE;
}
