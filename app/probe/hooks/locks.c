/* Locks that are no semaphores: threading.Lock and RLock from CPython 3.14 (a byte, PyMutex; Modules/_threadmodule.c), and
 * queue.SimpleQueue from 3.13 (Modules/_queuemodule.c). No call into the C library shows that one of them is taken or let go,
 * and whoever has to wait does so at a semaphore made for this one wait. So their methods themselves say what they are about.
 *
 * A function is put into the method's own definition: types, descriptors and bound methods stay what they are, and so do the
 * interpreter's short cuts to them. One shape serves all calling conventions: up to five arguments are in registers on the
 * machines that the probe knows, and whoever takes fewer does not look at the others.
 */
#include "hooks.h"

#if PY_VERSION_HEX < 0x030d0000 || defined(Py_GIL_DISABLED)

const char *locks_install(PyObject *lock, PyObject *rlock)
{
    (void)lock;
    (void)rlock;
    return NULL;
}

PyObject *queues_install(PyObject *module, PyObject *queue)
{
    (void)module;
    (void)queue;
    Py_RETURN_NONE;
}

#else
#include "internal/pycore_lock.h"

typedef PyObject *function(PyObject *self, void *a, void *b, void *c, void *d);

struct byte_lock {
    PyObject_HEAD
    PyMutex mutex;
};

struct byte_rlock {
    PyObject_HEAD
    _PyRecursiveMutex lock; /* begins with its mutex; its level is how often it was taken again */
};

static function *is_empty;

static bool is_locked(PyObject *lock)
{
    return ((struct byte_lock *)lock)->mutex._bits & _Py_LOCKED;
}

static bool is_mine(PyObject *rlock)
{
    return is_locked(rlock) && ((struct byte_rlock *)rlock)->lock.thread == PyThread_get_thread_ident_ex();
}

/* --- what the methods do beside what they did; each while it holds the GIL, apart from waiting */

static PyObject *take(function *former, PyObject *lock, void *a, void *b, void *c, void *d)
{
    if (!observing())
        return former(lock, a, b, c, d);
    struct probe_thread *thread = probe->thread();
    const void *before = thread->lock;
    thread->lock = lock;
    if (is_locked(lock))
        probe->lock_failed(lock);
    PyObject *result = former(lock, a, b, c, d);
    thread->lock = before;
    if (result && result != Py_False)
        probe->lock_taken(lock);
    return result;
}

static PyObject *take_again(function *former, PyObject *rlock, void *a, void *b, void *c, void *d)
{
    return is_mine(rlock) ? former(rlock, a, b, c, d) : take(former, rlock, a, b, c, d);
}

/* A lock that is still locked afterwards was handed over: who waits needs the GIL to take one that is free. */
static PyObject *give(function *former, PyObject *lock, void *a, void *b, void *c, void *d)
{
    if (!observing())
        return former(lock, a, b, c, d);
    struct probe_thread *thread = probe->thread();
    const void *before = thread->lock;
    thread->lock = lock;
    thread->heir = 0;
    probe->lock_released(lock);
    PyObject *result = former(lock, a, b, c, d);
    thread->lock = before;
    if (result && thread->heir && is_locked(lock))
        probe->lock_handed(lock);
    return result;
}

static PyObject *give_once(function *former, PyObject *rlock, void *a, void *b, void *c, void *d)
{
    bool last = is_mine(rlock) && ((struct byte_rlock *)rlock)->lock.level == 0;
    return last ? give(former, rlock, a, b, c, d) : former(rlock, a, b, c, d);
}

static PyObject *give_all(function *former, PyObject *rlock, void *a, void *b, void *c, void *d)
{
    return is_mine(rlock) ? give(former, rlock, a, b, c, d) : former(rlock, a, b, c, d);
}

static PyObject *get(function *former, PyObject *queue, void *a, void *b, void *c, void *d)
{
    if (!observing())
        return former(queue, a, b, c, d);
    struct probe_thread *thread = probe->thread();
    const void *before = thread->lock;
    thread->lock = queue;
    PyObject *empty = is_empty(queue, NULL, NULL, NULL, NULL);
    if (empty == Py_True)
        probe->lock_failed(queue);
    Py_XDECREF(empty);
    PyObject *result = former(queue, a, b, c, d);
    thread->lock = before;
    return result;
}

/* --- the methods */

enum type { LOCK, RLOCK, QUEUE, TYPES };

#define METHODS(X)                                                                                                             \
    X(lock_acquire, LOCK, "acquire", take)                                                                                     \
    X(lock_acquire_lock, LOCK, "acquire_lock", take)                                                                           \
    X(lock_enter, LOCK, "__enter__", take)                                                                                     \
    X(lock_release, LOCK, "release", give)                                                                                     \
    X(lock_release_lock, LOCK, "release_lock", give)                                                                           \
    X(lock_exit, LOCK, "__exit__", give)                                                                                       \
    X(rlock_acquire, RLOCK, "acquire", take_again)                                                                             \
    X(rlock_enter, RLOCK, "__enter__", take_again)                                                                             \
    X(rlock_restore, RLOCK, "_acquire_restore", take)                                                                          \
    X(rlock_release, RLOCK, "release", give_once)                                                                              \
    X(rlock_exit, RLOCK, "__exit__", give_once)                                                                                \
    X(rlock_save, RLOCK, "_release_save", give_all)                                                                            \
    X(queue_get, QUEUE, "get", get)

#define DEFINE(id, type, name, does)                                                                                           \
    static function *former_##id;                                                                                              \
    static PyObject *id(PyObject *self, void *a, void *b, void *c, void *d)                                                    \
    {                                                                                                                          \
        return does(former_##id, self, a, b, c, d);                                                                            \
    }
METHODS(DEFINE)

#define ENTRY(id, type, name, does) {type, name, id, &former_##id},
static const struct {
    enum type type;
    const char *name;
    function *in_place;
    function **former;
} methods[] = {METHODS(ENTRY)};

static PyMethodDef *definition(PyTypeObject *type, const char *name)
{
    PyObject *descriptor = PyObject_GetAttrString((PyObject *)type, name); /* the type keeps it */
    Py_XDECREF(descriptor);
    PyErr_Clear();
    return descriptor && Py_IS_TYPE(descriptor, &PyMethodDescr_Type) ? ((PyMethodDescrObject *)descriptor)->d_method : NULL;
}

static void replace(PyTypeObject *type, enum type which)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        PyMethodDef *method = methods[i].type == which ? definition(type, methods[i].name) : NULL;
        if (!method || (function *)method->ml_meth == methods[i].in_place)
            continue;
        *methods[i].former = (function *)method->ml_meth;
        method->ml_meth = (PyCFunction)(void (*)(void))methods[i].in_place;
    }
}

/* --- an object that is gone: the next one at its address is another */

static destructor former_frees[TYPES];

static void forget(PyObject *object, enum type which)
{
    probe->lock_forgotten(object);
    former_frees[which](object);
}

static void free_lock(PyObject *lock)
{
    forget(lock, LOCK);
}

static void free_rlock(PyObject *rlock)
{
    forget(rlock, RLOCK);
}

static void free_queue(PyObject *queue)
{
    forget(queue, QUEUE);
}

static void observe(PyTypeObject *type, enum type which)
{
    static const destructor frees[TYPES] = {free_lock, free_rlock, free_queue};
    if (former_frees[which])
        return;
    replace(type, which);
    former_frees[which] = type->tp_dealloc;
    type->tp_dealloc = frees[which];
}

/* --- */

/* Are they laid out as they are read here? */
static bool turns(PyObject *lock, const char *method, bool locked)
{
    PyObject *result = PyObject_CallMethod(lock, method, NULL);
    Py_XDECREF(result);
    return result && is_locked(lock) == locked;
}

static bool are_bytes(PyObject *lock, PyObject *rlock)
{
    struct byte_rlock *inner = (struct byte_rlock *)rlock;
    if (Py_TYPE(lock)->tp_basicsize < (Py_ssize_t)sizeof(struct byte_lock) ||
        Py_TYPE(rlock)->tp_basicsize < (Py_ssize_t)sizeof(struct byte_rlock) || is_locked(lock) || is_locked(rlock))
        return false;
    return turns(lock, "acquire", true) && turns(lock, "release", false) && turns(rlock, "acquire", true) && is_mine(rlock) &&
           inner->lock.level == 0 && turns(rlock, "acquire", true) && inner->lock.level == 1 && turns(rlock, "release", true) &&
           turns(rlock, "release", false);
}

const char *locks_install(PyObject *lock, PyObject *rlock)
{
    if (!are_bytes(lock, rlock))
        return "this interpreter keeps its locks in a way the probe does not know";
    observe(Py_TYPE(lock), LOCK);
    observe(Py_TYPE(rlock), RLOCK);
    return NULL;
}

/* queues(SimpleQueue): from now on. */
PyObject *queues_install(PyObject *module, PyObject *queue)
{
    (void)module;
    PyMethodDef *empty = PyType_Check(queue) ? definition((PyTypeObject *)queue, "empty") : NULL;
    if (!empty || empty->ml_flags != METH_NOARGS)
        return PyErr_Format(PyExc_RuntimeError, "a SimpleQueue of a kind the probe does not know");
    is_empty = (function *)empty->ml_meth;
    observe((PyTypeObject *)queue, QUEUE);
    Py_RETURN_NONE;
}
#endif
