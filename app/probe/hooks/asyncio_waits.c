/* asyncio: what became of a task after a step: done, ready again (sleep(0)), or waiting, and for what.
 *
 * That is read off its chain of coroutines: the innermost one of the script gives the line, the library coroutine it awaits
 * gives the reason, and the future beneath decides where neither does.
 */
#include "asyncio.h"

static PyObject *former_run_in_executor;
static getter get_fut_waiter, get_exception, get_callbacks, get_cr_await, get_gi_yieldfrom;
static PyCFunction call_done, call_cancelled, call_get_coro;

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
            where->line = frame_line(frame, code);
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

/* --- futures of thread pools: remembered by address when run_in_executor makes one, and known again by the callback that
 * binds it to its executor's future: another future may have come to lie there. */

static bool is_thread_pool(PyObject *executor)
{
    for (PyTypeObject *type = Py_TYPE(executor); type; type = type->tp_base)
        if (strcmp(type->tp_name, "ThreadPoolExecutor") == 0)
            return true;
    return executor == Py_None; /* the loop's own, which is one */
}

static PyObject *run_in_executor(PyObject *loop, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    PyObject *future = call_with_self(former_run_in_executor, loop, arguments, count, names);
    if (future && count > 0 && observing() && is_thread_pool(arguments[0]))
        lane_alias(future, PROBE_LANE_THREAD, 0);
    return future;
}

static bool is_chained(PyObject *future)
{
    PyObject *callbacks = get_callbacks(future, NULL);
    PyObject *first = callbacks && PyList_Check(callbacks) && PyList_GET_SIZE(callbacks) ? PyList_GET_ITEM(callbacks, 0) : NULL;
    PyObject *callback = first && PyTuple_Check(first) && PyTuple_GET_SIZE(first) ? PyTuple_GET_ITEM(first, 0) : NULL;
    PyObject *name = quiet_qualname(callback);
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    bool yes = text && strncmp(text, "_chain_future.", 14) == 0;
    Py_XDECREF(name);
    Py_XDECREF(callbacks);
    PyErr_Clear();
    return yes;
}

static bool is_executors(PyObject *future)
{
    struct lane *known = lane_of(future);
    if (!known || known->kind != PROBE_LANE_THREAD)
        return false;
    lane_forget(known);
    return is_chained(future);
}

static void enter_wait(struct lane *lane, PyObject *task, PyObject *future)
{
    struct probe_where where = {0};
    uint64_t value = PROBE_NO_VALUE;
    const struct reason *reason = read_chain(task, &where, &value);
    int state = reason ? reason->state : PROBE_STATE_WAIT_FUTURE;
    if (!reason && PyObject_TypeCheck(future, asyncio_task_type)) {
        struct lane *other = lane_of(future);
        state = PROBE_STATE_WAIT_TASK;
        value = other ? other->number : PROBE_NO_VALUE;
    } else if (!reason && is_executors(future)) {
        state = PROBE_STATE_WAIT_THREAD;
        where.text = probe->intern("run_in_executor", 15);
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

bool task_is_done(PyObject *task)
{
    return truth(call_done(task, NULL));
}

/* New reference. A task that is done has let go of it (3.12 crashes when asked). */
PyObject *task_coroutine(PyObject *task)
{
    return task_is_done(task) ? NULL : call_get_coro(task, NULL);
}

void task_after_step(PyObject *task, struct lane *lane)
{
    if (task_is_done(task)) {
        int state = PROBE_STATE_FINISHED;
        if (truth(call_cancelled(task, NULL))) {
            state = PROBE_STATE_CANCELLED;
        } else {
            PyObject *exception = get_exception(task, NULL);
            if (exception && exception != Py_None) {
                state = PROBE_STATE_FAILED;
                lane_exception(lane->number, exception);
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

static PyMethodDef executor_method = {"run_in_executor", (PyCFunction)(void (*)(void))run_in_executor,
                                      METH_FASTCALL | METH_KEYWORDS, NULL};

bool asyncio_waits_install(PyTypeObject *loop)
{
    get_fut_waiter = getter_of(asyncio_task_type, "_fut_waiter");
    get_exception = getter_of(asyncio_task_type, "_exception");
    get_callbacks = getter_of(asyncio_task_type->tp_base, "_callbacks");
    get_cr_await = getter_of(&PyCoro_Type, "cr_await");
    get_gi_yieldfrom = getter_of(&PyGen_Type, "gi_yieldfrom");
    call_done = method_of(asyncio_task_type, "done");
    call_cancelled = method_of(asyncio_task_type, "cancelled");
    call_get_coro = method_of(asyncio_task_type, "get_coro");
    if (!get_fut_waiter || !get_exception || !get_callbacks || !get_cr_await || !get_gi_yieldfrom || !call_done ||
        !call_cancelled || !call_get_coro)
        return false;
    former_run_in_executor = replace_method(loop, "run_in_executor", &executor_method);
    return former_run_in_executor != NULL;
}
