/* asyncio: each task's lane, from four places.
 *
 *   Task.__init__            the lane begins, ready, made by whatever ran then
 *   Handle._run              if the handle steps a task: it runs; afterwards it is done, ready again (sleep(0)) or waits
 *   BaseEventLoop._call_soon if the callback steps a task that waits: it is ready, woken by whatever runs now
 *   BaseEventLoop.run_forever  which loop polls on this thread
 *
 * What a suspended task waits for is read off its chain of coroutines: the innermost one of the script gives the line, the
 * library coroutine it awaits gives the reason, and the future beneath decides where neither does.
 */

#include "hooks.h"

#include <structmember.h>

static PyTypeObject *task_type, *step_type, *loop_type;
static PyObject *former_run, *former_call_soon, *former_run_forever, *former_close, *exception_handler, *handle_class,
    *ready_name, *append_name;
static initproc former_task_init;
static destructor former_task_dealloc;
static getter get_fut_waiter, get_exception, get_step_self, get_cr_await, get_gi_yieldfrom;
static PyCFunction call_done, call_cancelled, call_get_coro;
static Py_ssize_t callback_offset, loop_offset, args_offset, context_offset, source_offset;
static bool may_run, may_schedule; /* Handle._run and _call_soon are the ones we know */
static PyObject *loop_name;

/* --- access to private members by their descriptors: as fast as a struct member, and checked at start */

static getter getter_of(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    getter found = NULL;
    if (descriptor && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type))
        found = ((PyGetSetDescrObject *)descriptor)->d_getset->get;
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return found;
}

static PyCFunction method_of(PyTypeObject *type, const char *name)
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

static Py_ssize_t slot_offset(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t offset = -1;
    if (descriptor && Py_IS_TYPE(descriptor, &PyMemberDescr_Type))
        offset = ((PyMemberDescrObject *)descriptor)->d_member->offset;
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return offset;
}

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
        return self && PyObject_TypeCheck(self, task_type) ? self : NULL;
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

/* --- what a suspended task waits for */

static PyObject *awaited(PyObject *coroutine) /* new reference, NULL at the end of the chain */
{
    PyObject *next = NULL;
    if (PyCoro_CheckExact(coroutine))
        next = get_cr_await(coroutine, NULL);
    else if (PyGen_CheckExact(coroutine))
        next = get_gi_yieldfrom(coroutine, NULL);
    if (next == Py_None)
        Py_CLEAR(next);
    return next;
}

static const struct reason *read_chain(PyObject *task, struct probe_where *where, uint64_t *delay)
{
    const struct reason *reason = NULL;
    PyObject *link = call_get_coro(task, NULL);
    for (int depth = 0; link && link != Py_None && depth < 64; depth++) {
        if (!PyCoro_CheckExact(link) && !PyGen_CheckExact(link))
            break;
        const frame_t *frame = coroutine_frame(link);
        PyCodeObject *code = frame_code(frame);
        const struct function *function = code ? function_of(code) : NULL;
        if (function && function->users) {
            where->file = function->file;
            where->line = (uint32_t)frame_line(frame, code);
            where->text = 0;
            reason = NULL;
        } else if (function && !reason) {
            if (!where->text)
                where->text = intern_unicode(code->co_qualname);
            reason = function->reason;
            if (reason) /* rather than whatever led to it, as Lock's __aenter__ does */
                where->text = intern_unicode(code->co_qualname);
            if (reason && reason->delays)
                *delay = delay_ns(frame_first_local(frame, code));
        }
        Py_SETREF(link, awaited(link));
    }
    Py_XDECREF(link);
    return reason;
}

static void enter_wait(struct lane *lane, PyObject *task, PyObject *future)
{
    struct probe_where where = {0};
    uint64_t value = PROBE_NO_VALUE;
    const struct reason *reason = read_chain(task, &where, &value);
    int state = reason ? reason->state : PROBE_STATE_WAIT_FUTURE;
    if (!reason && PyObject_TypeCheck(future, task_type)) {
        struct lane *other = lane_of(future);
        state = PROBE_STATE_WAIT_TASK;
        value = other ? other->number : PROBE_NO_VALUE;
    } else if (!reason && !where.text) {
        const char *name = strrchr(Py_TYPE(future)->tp_name, '.');
        name = name ? name + 1 : Py_TYPE(future)->tp_name;
        if (strcmp(name, "_GatheringFuture") == 0)
            name = "gather";
        where.text = probe->intern(name, strlen(name));
    }
    lane_enter(lane, state, &where, value);
}

static bool truth(PyObject *answer)
{
    bool yes = answer == Py_True;
    Py_XDECREF(answer);
    return yes;
}

static void after_step(PyObject *task, struct lane *lane)
{
    if (truth(call_done(task, NULL))) {
        int state = PROBE_STATE_FINISHED;
        if (truth(call_cancelled(task, NULL))) {
            state = PROBE_STATE_CANCELLED;
        } else {
            PyObject *exception = get_exception(task, NULL);
            if (exception && exception != Py_None) {
                state = PROBE_STATE_FAILED;
                lane_exception(lane, exception);
            }
            Py_XDECREF(exception);
        }
        lane_close(lane, state);
        return;
    }
    PyObject *future = get_fut_waiter(task, NULL);
    if (future && future != Py_None)
        enter_wait(lane, task, future);
    else
        lane_enter(lane, PROBE_STATE_READY, NULL, PROBE_NO_VALUE);
    Py_XDECREF(future);
}

/* --- the four places */

static uint32_t name_hash(PyObject *name)
{
    return (uint32_t)PyObject_Hash(name) | 1;
}

/* Its name and its function. A task that is done has let go of its coroutine (3.12 crashes when asked for it). */
static PyObject *task_label(PyObject *task, PyObject *name)
{
    PyObject *coroutine = truth(call_done(task, NULL)) ? NULL : call_get_coro(task, NULL);
    PyObject *function = coroutine ? PyObject_GetAttrString(coroutine, "__qualname__") : NULL;
    PyObject *label = name && function ? PyUnicode_FromFormat("%S %S", name, function) : Py_XNewRef(name);
    Py_XDECREF(coroutine);
    Py_XDECREF(function);
    PyErr_Clear();
    return label;
}

static struct lane *open_task(PyObject *task, PyObject *loop)
{
    PyObject *name = PyObject_CallMethod(task, "get_name", NULL);
    PyObject *label = task_label(task, name);
    uint32_t parent = loop ? loop_lane(loop, loop_name) : 0;
    struct lane *lane = lane_open(task, PROBE_LANE_TASK, parent, label);
    if (lane && name)
        lane->reason_text = name_hash(name);
    Py_XDECREF(label);
    Py_XDECREF(name);
    PyErr_Clear();
    return lane;
}

/* create_task(name=...) names a task after making it (3.11, 3.12): asked once more when it first runs. */
static void name_again(struct lane *lane, PyObject *task)
{
    PyObject *name = PyObject_CallMethod(task, "get_name", NULL);
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
    PyObject *loop = PyObject_CallMethod(task, "get_loop", NULL);
    /* a loop that is not built on asyncio's runs its tasks where nothing is seen of it */
    struct lane *lane = loop && PyObject_TypeCheck(loop, loop_type) ? open_task(task, loop) : NULL;
    Py_XDECREF(loop);
    PyErr_Clear();
    if (!lane)
        return result;
    lane_flow(probe->thread()->current, lane->number, PROBE_FLOW_SPAWN);
    after_step(task, lane); /* ready; or, of an eager task, done or waiting already */
    return result;
}

static void task_dealloc(PyObject *task)
{
    lane_free(task, former_task_dealloc);
}

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
    bool known = may_run && PyTuple_CheckExact(arguments) && PyContext_CheckExact(context);
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
    result = PyObject_CallFunctionObjArgs(exception_handler, handle, value, NULL);
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
        lane = open_task(task, slot(handle, loop_offset));
    if (!lane)
        return PyObject_Vectorcall(former_run, arguments, 1, NULL);
    if (lane->reason_text)
        name_again(lane, task);
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
        after_step(task, lane);
    Py_DECREF(task);
    PyErr_Restore(type, value, traceback);
    return result;
}

/* What BaseEventLoop._call_soon does, without its Python frame. */
static PyObject *schedule(PyObject *loop, PyObject *const *arguments)
{
    PyObject *const given[] = {arguments[0], arguments[1], loop, arguments[2]};
    PyObject *handle = PyObject_Vectorcall(handle_class, given, 4, NULL);
    PyObject *queue = handle ? PyObject_GetAttr(loop, ready_name) : NULL;
    PyObject *done = queue ? PyObject_CallMethodOneArg(queue, append_name, handle) : NULL;
    Py_XDECREF(queue);
    if (!done)
        Py_CLEAR(handle);
    Py_XDECREF(done);
    return handle;
}

static PyObject *call_former(PyObject *loop, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *packed[8];
    Py_ssize_t given = count + (names ? PyTuple_GET_SIZE(names) : 0);
    if (given > 7)
        return PyErr_Format(PyExc_TypeError, "_call_soon() takes 4 positional arguments but %zd were given", given + 1);
    packed[0] = loop;
    memcpy(packed + 1, arguments, (size_t)given * sizeof *packed);
    return PyObject_Vectorcall(former_call_soon, packed, (size_t)count + 1, names);
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
    PyObject *handle =
        may_schedule && count == 3 && !names ? schedule(loop, arguments) : call_former(loop, arguments, count, names);
    if (handle && !task && observing())
        remember_scheduler(handle);
    return handle;
}

static PyObject *run_forever(PyObject *loop, PyObject *unused)
{
    (void)unused;
    PyObject *const arguments[] = {loop};
    struct probe_thread *thread = probe->thread();
    uint32_t outer_loop = thread->loop, outer_current = thread->current;
    thread->loop = loop_lane(loop, loop_name);
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

static PyMethodDef run_method = {"_run", run_handle, METH_NOARGS, NULL};
static PyMethodDef call_soon_method = {"_call_soon", (PyCFunction)(void (*)(void))call_soon, METH_FASTCALL | METH_KEYWORDS,
                                       NULL};
static PyMethodDef close_method = {"close", close_loop, METH_NOARGS, "Close the event loop."};
static PyMethodDef run_forever_method = {"run_forever", run_forever, METH_NOARGS, "Run until stop() is called."};

static bool find_members(PyTypeObject *handle)
{
    get_fut_waiter = getter_of(task_type, "_fut_waiter");
    get_exception = getter_of(task_type, "_exception");
    get_cr_await = getter_of(&PyCoro_Type, "cr_await");
    get_gi_yieldfrom = getter_of(&PyGen_Type, "gi_yieldfrom");
    call_done = method_of(task_type, "done");
    call_cancelled = method_of(task_type, "cancelled");
    call_get_coro = method_of(task_type, "get_coro");
    callback_offset = slot_offset(handle, "_callback");
    loop_offset = slot_offset(handle, "_loop");
    args_offset = slot_offset(handle, "_args");
    context_offset = slot_offset(handle, "_context");
    source_offset = slot_offset(handle, "_source_traceback");
    return get_fut_waiter && get_exception && get_cr_await && get_gi_yieldfrom && call_done && call_cancelled &&
           call_get_coro && callback_offset > 0 && loop_offset > 0 && args_offset > 0 && context_offset > 0 &&
           source_offset > 0;
}

/* asyncio_install((Task, Handle, BaseEventLoop, exception_handler, may_run, may_schedule)): once, after asyncio is imported.
 * `exception_handler(handle, exception)` does what Handle._run does with one; `may_run` and `may_schedule` say that the two
 * methods are the ones whose work is done here. */
PyObject *asyncio_install(PyObject *module, PyObject *types)
{
    (void)module;
    PyTypeObject *handle;
    int run, scheduled;
    if (no_tables())
        return PyErr_Format(PyExc_RuntimeError, "%s", no_tables());
    if (!PyArg_ParseTuple(types, "O!O!O!Opp", &PyType_Type, &task_type, &PyType_Type, &handle, &PyType_Type, &loop_type,
                          &exception_handler, &run, &scheduled))
        return NULL;
    may_run = run;
    may_schedule = scheduled;
    Py_INCREF(task_type);
    Py_INCREF(loop_type);
    Py_INCREF(exception_handler);
    handle_class = Py_NewRef((PyObject *)handle);
    ready_name = PyUnicode_InternFromString("_ready");
    append_name = PyUnicode_InternFromString("append");
    if (!find_members(handle)) {
        PyErr_SetString(PyExc_RuntimeError, "this asyncio keeps its tasks in a way the probe does not know");
        return NULL;
    }
    loop_name = PyUnicode_InternFromString("asyncio");
    former_run = replace_method(handle, "_run", &run_method);
    former_call_soon = former_run ? replace_method(loop_type, "_call_soon", &call_soon_method) : NULL;
    former_run_forever = former_call_soon ? replace_method(loop_type, "run_forever", &run_forever_method) : NULL;
    former_close = former_run_forever ? replace_method(loop_type, "close", &close_method) : NULL;
    if (!former_close)
        return NULL;
    former_task_init = task_type->tp_init;
    task_type->tp_init = task_init;
    former_task_dealloc = task_type->tp_dealloc;
    task_type->tp_dealloc = task_dealloc;
    Py_RETURN_NONE;
}
