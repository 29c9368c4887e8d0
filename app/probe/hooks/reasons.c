/* What a library function makes its caller wait for: a table by file and qualified name. Tables before branches. */
#include "hooks.h"

static const struct reason reasons[] = {
    {"asyncio/tasks.py", "sleep", PROBE_STATE_WAIT_TIMER, true},
    {"asyncio/threads.py", "to_thread", PROBE_STATE_WAIT_THREAD, false},
    {"asyncio/locks.py", "Event.wait", PROBE_STATE_WAIT_EVENT, false},
    {"asyncio/locks.py", "Lock.acquire", PROBE_STATE_WAIT_LOCK, false},
    {"asyncio/locks.py", "Condition.wait", PROBE_STATE_WAIT_LOCK, false},
    {"asyncio/locks.py", "Semaphore.acquire", PROBE_STATE_WAIT_LOCK, false},
    {"asyncio/locks.py", "Barrier.wait", PROBE_STATE_WAIT_EVENT, false},
    {"asyncio/queues.py", "Queue.get", PROBE_STATE_WAIT_QUEUE, false},
    {"asyncio/queues.py", "Queue.put", PROBE_STATE_WAIT_QUEUE, false},
    {"asyncio/queues.py", "Queue.join", PROBE_STATE_WAIT_QUEUE, false},
    {"asyncio/streams.py", "StreamReader._wait_for_data", PROBE_STATE_WAIT_READ, false},
    {"asyncio/streams.py", "StreamWriter.drain", PROBE_STATE_WAIT_WRITE, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_recv", PROBE_STATE_WAIT_READ, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_recv_into", PROBE_STATE_WAIT_READ, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_recvfrom", PROBE_STATE_WAIT_READ, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_sendall", PROBE_STATE_WAIT_WRITE, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_connect", PROBE_STATE_WAIT_CONNECT, false},
    {"asyncio/selector_events.py", "BaseSelectorEventLoop.sock_accept", PROBE_STATE_WAIT_ACCEPT, false},
    {"asyncio/base_events.py", "BaseEventLoop.create_connection", PROBE_STATE_WAIT_CONNECT, false},
    {"asyncio/subprocess.py", "Process.wait", PROBE_STATE_WAIT_CHILD, false},
    {"asyncio/subprocess.py", "Process.communicate", PROBE_STATE_WAIT_CHILD, false},
    {"gevent/hub.py", "sleep", PROBE_STATE_WAIT_TIMER, true},
    {"gevent/_socket3.py", "socket.accept", PROBE_STATE_WAIT_ACCEPT, false},
    {"gevent/_socket3.py", "socket.connect", PROBE_STATE_WAIT_CONNECT, false},
    {"gevent/_socketcommon.py", "SocketMixin.accept", PROBE_STATE_WAIT_ACCEPT, false},
    {"gevent/_socketcommon.py", "SocketMixin.connect", PROBE_STATE_WAIT_CONNECT, false},
    {"gevent/_socketcommon.py", "SocketMixin.recv", PROBE_STATE_WAIT_READ, false},
    {"gevent/_socketcommon.py", "SocketMixin.recvfrom", PROBE_STATE_WAIT_READ, false},
    {"gevent/_socketcommon.py", "SocketMixin.recv_into", PROBE_STATE_WAIT_READ, false},
    {"gevent/_socketcommon.py", "SocketMixin.send", PROBE_STATE_WAIT_WRITE, false},
    {"gevent/_socketcommon.py", "SocketMixin.sendall", PROBE_STATE_WAIT_WRITE, false},
    {"gevent/_socketcommon.py", "SocketMixin.sendto", PROBE_STATE_WAIT_WRITE, false},
    {"gevent/subprocess.py", "Popen.wait", PROBE_STATE_WAIT_CHILD, false},
    {"gevent/threadpool.py", "ThreadPool.apply", PROBE_STATE_WAIT_THREAD, false},
};

#define CACHE 512u

static struct function cache[CACHE];

static bool ends_with(const char *text, Py_ssize_t size, const char *end)
{
    Py_ssize_t n = (Py_ssize_t)strlen(end);
    return size >= n && memcmp(text + size - n, end, (size_t)n) == 0;
}

static const struct reason *look_up(PyCodeObject *code)
{
    Py_ssize_t size = 0;
    const char *file = PyUnicode_AsUTF8AndSize(code->co_filename, &size);
    const char *function = file ? PyUnicode_AsUTF8(code->co_qualname) : NULL;
    if (!function) {
        PyErr_Clear();
        return NULL;
    }
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(function, reasons[i].function) == 0 && ends_with(file, size, reasons[i].file))
            return &reasons[i];
    return NULL;
}

static void learn(struct function *function, PyCodeObject *code)
{
    PyCodeObject *former = function->code;
    struct probe_ring *ring = observing();
    function->users = code_is_users(code, &function->file);
    function->reason = function->users ? NULL : look_up(code);
    function->ring = ring && (function->file || !function->users) ? ring->t_start_ns : 0; /* else asked again */
    function->code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    Py_XDECREF(former);
}

const struct function *function_of(PyCodeObject *code)
{
    struct function *function = &cache[((uintptr_t)code >> 5) & (CACHE - 1)];
    struct probe_ring *ring = observing();
    if (function->code != code || !ring || function->ring != ring->t_start_ns)
        learn(function, code);
    return function;
}

uint64_t delay_ns(PyObject *seconds)
{
    double s = -1;
    if (seconds && PyFloat_Check(seconds))
        s = PyFloat_AS_DOUBLE(seconds);
    else if (seconds && PyLong_Check(seconds))
        s = PyLong_AsDouble(seconds);
    if (s == -1 && PyErr_Occurred())
        PyErr_Clear();
    return s >= 0 && s < 1e9 ? (uint64_t)(s * 1e9) : PROBE_NO_VALUE;
}
