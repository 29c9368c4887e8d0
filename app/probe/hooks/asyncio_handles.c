/* asyncio: the callbacks of a loop. One that steps a task makes it run; one that is scheduled for it makes it ready.
 *
 *   Handle._run              if the handle steps a task: it runs; afterwards see asyncio_waits.c
 *   BaseEventLoop._call_soon if the callback steps a task that waits: it is ready, woken by whatever runs now
 */
#include "asyncio.h"

static struct handles with;
static PyTypeObject *step_type;
static PyObject *former_run, *former_call_soon, *ready_name, *append_name;
static getter get_step_self;
static Py_ssize_t callback_offset, loop_offset, args_offset, context_offset, source_offset;

static PyObject *slot(PyObject *object, Py_ssize_t offset)
{
    return *(PyObject **)((char *)object + offset);
}

/* --- which task a callback steps */

static PyObject *task_of(PyObject *callback) /* borrowed, NULL when it is no task's */
{
    if (!callback)
        return NULL;
    if (PyCFunction_Check(callback)) { /* task.__wakeup */
        PyObject *self = PyCFunction_GET_SELF(callback);
        return self && PyObject_TypeCheck(self, asyncio_task_type) ? self : NULL;
    }
    if (!step_type && strstr(Py_TYPE(callback)->tp_name, "TaskStepMethWrapper")) {
        step_type = Py_TYPE(callback);
        get_step_self = getter_of(step_type, "__self__");
    }
    if (Py_IS_TYPE(callback, step_type) && get_step_self) {
        PyObject *task = get_step_self(callback, NULL);
        Py_XDECREF(task); /* the callback holds it */
        return task;
    }
    return NULL;
}

/* --- running */

/* Context.run, in an entered context. The handle lets go of callback and arguments when it is cancelled: they are held. */
static PyObject *run_in(PyObject *context, PyObject *callback, PyObject *arguments)
{
    Py_INCREF(callback);
    Py_INCREF(arguments);
    PyObject *result = PyObject_Call(callback, arguments, NULL);
    Py_DECREF(callback);
    Py_DECREF(arguments);
    if (PyContext_Exit(context) < 0)
        Py_CLEAR(result);
    return result;
}

/* What Handle._run does with a task's step, without its Python frame: the call is made in the handle's context. A task keeps
 * its coroutine's exception to itself; what comes out all the same goes where Handle._run would send it. */
static PyObject *step(PyObject *handle)
{
    PyObject *context = slot(handle, context_offset), *arguments = slot(handle, args_offset);
    bool known = with.may_run && PyTuple_CheckExact(arguments) && PyContext_CheckExact(context);
    bool debug = slot(handle, source_offset) != Py_None;   /* then stacks are shown, with Handle._run in them */
    if (!known || debug || PyContext_Enter(context) < 0) { /* one entered already is Handle._run's to report */
        PyErr_Clear();
        PyObject *const packed[] = {handle};
        return PyObject_Vectorcall(former_run, packed, 1, NULL);
    }
    PyObject *result = run_in(context, slot(handle, callback_offset), arguments);
    if (result) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
    if (PyErr_ExceptionMatches(PyExc_SystemExit) || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
        return NULL;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback)
        PyException_SetTraceback(value, traceback);
    result = PyObject_CallFunctionObjArgs(with.exception_handler, handle, value, NULL);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return result;
}

/* A handle that was cancelled dies unrun and leaves its entry; a timer made at its address has another callback. */
static uint32_t mark_of(PyObject *handle)
{
    return (uint32_t)((uintptr_t)slot(handle, callback_offset) >> 4);
}

/* A callback that is no task's step. Whoever scheduled it (the task whose end it reports, a thread that called
 * call_soon_threadsafe) is the waker of the tasks it wakes. */
static PyObject *run_callback(PyObject *handle)
{
    PyObject *const arguments[] = {handle};
    struct lane *scheduler = observing() ? lane_of(handle) : NULL;
    struct probe_thread *thread = scheduler && scheduler->reason_text == mark_of(handle) ? probe->thread() : NULL;
    if (thread)
        thread->waker = scheduler->number;
    if (scheduler)
        lane_forget(scheduler);
    PyObject *result = PyObject_Vectorcall(former_run, arguments, 1, NULL);
    if (thread)
        probe->thread()->waker = 0;
    return result;
}

static PyObject *run_handle(PyObject *handle, PyObject *unused)
{
    (void)unused;
    PyObject *const arguments[] = {handle};
    PyObject *task = observing() ? task_of(slot(handle, callback_offset)) : NULL;
    if (!task)
        return run_callback(handle);
    struct lane *lane = lane_of(task);
    if (!lane)
        lane = task_open(task, slot(handle, loop_offset));
    if (!lane)
        return PyObject_Vectorcall(former_run, arguments, 1, NULL);
    if (lane->reason_text)
        task_name_again(lane, task);
    struct probe_thread *thread = probe->thread();
    uint32_t outer = thread->current;
    thread->current = lane->number;
    Py_INCREF(task); /* its last step may drop the last other reference */
    const void *table = lane_table();
    lane_enter(lane, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    PyObject *result = step(handle);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    thread = probe->thread(); /* the step may have forked */
    thread->current = outer;
    lane = lane_again(lane, task, table);
    if (lane)
        task_after_step(task, lane);
    Py_DECREF(task);
    PyErr_Restore(type, value, traceback);
    return result;
}

/* --- scheduling */

/* What BaseEventLoop._call_soon does, without its Python frame. */
static PyObject *schedule(PyObject *loop, PyObject *const *arguments)
{
    PyObject *const given[] = {arguments[0], arguments[1], loop, arguments[2]};
    PyObject *handle = PyObject_Vectorcall((PyObject *)with.handle, given, 4, NULL);
    PyObject *queue = handle ? PyObject_GetAttr(loop, ready_name) : NULL;
    PyObject *done = queue ? PyObject_CallMethodOneArg(queue, append_name, handle) : NULL;
    Py_XDECREF(queue);
    if (!done)
        Py_CLEAR(handle);
    Py_XDECREF(done);
    return handle;
}

static void remember_scheduler(PyObject *handle)
{
    struct probe_thread *thread = probe->thread();
    uint32_t scheduler = thread->waker ? thread->waker : thread->current;
    struct lane *stale = lane_of(handle);
    if (stale)
        lane_forget(stale);
    struct lane *entry = scheduler != thread->loop ? lane_alias(handle, PROBE_LANE_LOOP, scheduler) : NULL;
    if (entry)
        entry->reason_text = mark_of(handle);
}

static PyObject *call_soon(PyObject *loop, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *task = count > 0 && observing() ? task_of(arguments[0]) : NULL;
    struct lane *lane = task ? lane_of(task) : NULL;
    if (lane && lane->state >= PROBE_STATE_WAIT && lane->state < PROBE_STATE_FINISHED) {
        struct probe_thread *thread = probe->thread();
        uint32_t waker = thread->waker ? thread->waker : thread->current;
        if (waker != thread->loop)
            lane_flow(waker, lane->number, PROBE_FLOW_WAKE);
        lane_enter(lane, PROBE_STATE_READY, NULL, PROBE_NO_VALUE);
    }
    PyObject *handle = with.may_schedule && count == 3 && !names
                           ? schedule(loop, arguments)
                           : call_with_self(former_call_soon, loop, arguments, count, names);
    if (handle && !task && observing())
        remember_scheduler(handle);
    return handle;
}

static PyMethodDef run_method = {"_run", run_handle, METH_NOARGS, NULL};
static PyMethodDef call_soon_method = {"_call_soon", (PyCFunction)(void (*)(void))call_soon, METH_FASTCALL | METH_KEYWORDS,
                                       NULL};

bool asyncio_handles_install(const struct handles *given)
{
    with = *given;
    Py_INCREF(with.handle);
    Py_INCREF(with.exception_handler);
    ready_name = PyUnicode_InternFromString("_ready");
    append_name = PyUnicode_InternFromString("append");
    callback_offset = slot_offset(with.handle, "_callback");
    loop_offset = slot_offset(with.handle, "_loop");
    args_offset = slot_offset(with.handle, "_args");
    context_offset = slot_offset(with.handle, "_context");
    source_offset = slot_offset(with.handle, "_source_traceback");
    if (callback_offset <= 0 || loop_offset <= 0 || args_offset <= 0 || context_offset <= 0 || source_offset <= 0)
        return false;
    former_run = replace_method(with.handle, "_run", &run_method);
    former_call_soon = former_run ? replace_method(with.loop, "_call_soon", &call_soon_method) : NULL;
    return former_call_soon != NULL;
}
