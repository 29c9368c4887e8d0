/* What a lock that a thread could not take at once is to the script: its kind and the name of the variable that holds it.
 *
 * Called while the thread still has the GIL, so that dictionaries may be read; nothing of the script is run. Either the script
 * has called a method of a library's object (Event.wait, Queue.get, Thread.join): then that object is meant. Or it took the
 * lock itself: then the lock is looked for among what the calling frame can see, and known by its semaphore or its address.
 * Globals come before locals, because two functions call one lock by two names.
 */
#include "hooks.h"

#define MOST_NAMES 512
#define MOST_ITEMS 64
#define MOST_DEPTH 200
#define LOCK_OFFSET sizeof(PyObject) /* of the semaphore's address in the objects that `kinds` lists; checked at the start */

static const struct {
    const char *type, *word;
    enum probe_lock kind;
} kinds[] = {
    {"_thread.lock", "Lock", PROBE_LOCK_MUTEX},
    {"_thread.RLock", "RLock", PROBE_LOCK_MUTEX},
    {"_queue.SimpleQueue", "SimpleQueue", PROBE_LOCK_OTHER},
    {"_multiprocessing.SemLock", "SemLock", PROBE_LOCK_OTHER},
    {"Lock", "Lock", PROBE_LOCK_MUTEX}, /* multiprocessing's, which have a SemLock */
    {"RLock", "RLock", PROBE_LOCK_MUTEX},
    {"Semaphore", "Semaphore", PROBE_LOCK_OTHER},
    {"BoundedSemaphore", "BoundedSemaphore", PROBE_LOCK_OTHER},
};
#define C_KINDS 4
#define KINDS (sizeof kinds / sizeof *kinds)

struct sought {
    const void *semaphore; /* NULL when it is `object` that is meant */
    PyObject *object;
    PyObject *found; /* borrowed: the object that is meant */
    char name[100];
};

static int kind_at(PyObject *object, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (strcmp(Py_TYPE(object)->tp_name, kinds[i].type) == 0)
            return (int)i;
    return -1;
}

static bool has_semaphore(PyObject *object, const void *semaphore)
{
    if (kind_at(object, 0, C_KINDS) >= 0)
        return *(const void **)((char *)object + LOCK_OFFSET) == semaphore;
    if (kind_at(object, C_KINDS, KINDS) < 0 || Py_TYPE(object)->tp_getattro != PyObject_GenericGetAttr)
        return false;
    PyObject *key = PyUnicode_InternFromString("_semlock");
    PyObject *inner = key ? PyObject_GenericGetAttr(object, key) : NULL;
    bool has = inner && kind_at(inner, 0, C_KINDS) >= 0 && *(const void **)((char *)inner + LOCK_OFFSET) == semaphore;
    Py_XDECREF(inner);
    Py_XDECREF(key);
    PyErr_Clear();
    return has;
}

static bool is_sought(struct sought *sought, PyObject *object)
{
    if (!object || (sought->semaphore ? !has_semaphore(object, sought->semaphore) : object != sought->object))
        return false;
    sought->found = object;
    return true;
}

static void write_name(struct sought *sought, const char *before, PyObject *name, const char *after)
{
    const char *text = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    PyErr_Clear();
    snprintf(sought->name, sizeof sought->name, "%s%s%s", before, text ? text : "?", after);
}

/* locks[3], locks['a'] */
static bool is_in(struct sought *sought, PyObject *name, PyObject *container)
{
    char index[60];
    bool list = container && PyList_CheckExact(container);
    if (list || (container && PyTuple_CheckExact(container))) {
        Py_ssize_t count = list ? PyList_GET_SIZE(container) : PyTuple_GET_SIZE(container);
        for (Py_ssize_t i = 0; i < count && i < MOST_ITEMS; i++) {
            if (!is_sought(sought, list ? PyList_GET_ITEM(container, i) : PyTuple_GET_ITEM(container, i)))
                continue;
            snprintf(index, sizeof index, "[%zd]", i);
            write_name(sought, "", name, index);
            return true;
        }
        return false;
    }
    Py_ssize_t at = 0, count = 0;
    PyObject *key, *value;
    while (container && PyDict_CheckExact(container) && count++ < MOST_ITEMS && PyDict_Next(container, &at, &key, &value)) {
        if (!is_sought(sought, value))
            continue;
        const char *text = PyUnicode_CheckExact(key) ? PyUnicode_AsUTF8(key) : NULL;
        if (PyLong_CheckExact(key))
            snprintf(index, sizeof index, "[%ld]", PyLong_AsLong(key));
        else
            snprintf(index, sizeof index, "['%.40s']", text ? text : "?");
        PyErr_Clear();
        write_name(sought, "", name, index);
        return true;
    }
    return false;
}

static bool in_dictionary(struct sought *sought, PyObject *names, const char *before, bool containers)
{
    Py_ssize_t at = 0, count = 0;
    PyObject *name, *value;
    while (names && PyDict_Check(names) && count++ < MOST_NAMES && PyDict_Next(names, &at, &name, &value)) {
        if (!containers && is_sought(sought, value)) {
            write_name(sought, before, name, "");
            return true;
        }
        if (containers && is_in(sought, name, value))
            return true;
    }
    return false;
}

static bool in_locals(struct sought *sought, const frame_t *frame, PyCodeObject *code, bool containers)
{
    for (int i = 0; i < code->co_nlocalsplus && i < MOST_NAMES; i++) {
        PyObject *value = frame_local(frame, i);
        if (value && PyCell_Check(value))
            value = PyCell_GET(value);
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (!containers && is_sought(sought, value)) {
            write_name(sought, "", name, "");
            return true;
        }
        if (containers && is_in(sought, name, value))
            return true;
    }
    return false;
}

static bool in_self(struct sought *sought, const frame_t *frame, PyCodeObject *code)
{
    PyObject *self = frame_first_local(frame, code);
    if (!self || Py_TYPE(self)->tp_getattro != PyObject_GenericGetAttr || !_PyObject_GetDictPtr(self))
        return false;
    PyObject *attributes = PyObject_GenericGetDict(self, NULL);
    bool found = in_dictionary(sought, attributes, "self.", false) || in_dictionary(sought, attributes, "self.", true);
    Py_XDECREF(attributes);
    PyErr_Clear();
    return found;
}

static bool seen_from(struct sought *sought, const frame_t *frame, PyCodeObject *code)
{
    PyObject *globals = frame->f_globals;
    return in_dictionary(sought, globals, "", false) || in_dictionary(sought, globals, "", true) ||
           in_locals(sought, frame, code, false) || in_locals(sought, frame, code, true) || in_self(sought, frame, code);
}

/* --- */

static bool is_method_of(PyCodeObject *code, PyObject *object)
{
    PyObject *name = code->co_argcount ? PyTuple_GET_ITEM(code->co_localsplusnames, 0) : NULL;
    return object && name && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "self") == 0;
}

static struct probe_named named(const struct sought *sought)
{
    char text[160];
    const char *type = Py_TYPE(sought->found)->tp_name, *word = strrchr(type, '.');
    int at = kind_at(sought->found, 0, KINDS);
    word = at >= 0 ? kinds[at].word : word ? word + 1 : type;
    enum probe_lock kind = at >= 0 ? kinds[at].kind : PROBE_LOCK_OTHER;
    int size = snprintf(text, sizeof text, "%.50s%s%s", word, *sought->name ? " " : "", sought->name);
    return (struct probe_named){probe->intern(text, (size_t)size), kind};
}

/* Of a Thread's methods: the thread, by its own name. */
static bool is_threads(PyCodeObject *code)
{
    const char *name = PyUnicode_AsUTF8(code->co_qualname);
    PyErr_Clear();
    return name && strncmp(name, "Thread.", 7) == 0;
}

static struct probe_named named_thread(PyObject *thread)
{
    char text[160];
    PyObject *name = quiet_attribute(thread, "_name");
    const char *words = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    int size = snprintf(text, sizeof text, "Thread%s%.120s", words ? " " : "", words ? words : "");
    Py_XDECREF(name);
    PyErr_Clear();
    return (struct probe_named){probe->intern(text, (size_t)size), PROBE_LOCK_THREAD};
}

/* Of a semaphore, or of the object that a lock is by itself, whichever is given. */
static struct probe_named look_up(const void *semaphore, PyObject *object)
{
    PyThreadState *thread = PyThreadState_Get();
    const frame_t *frame = thread_frame(thread), *library = NULL;
    for (int depth = 0; frame && depth < MOST_DEPTH; depth++, frame = frame->previous) {
        PyCodeObject *code = frame_code(frame);
        uint16_t file;
        if (!code)
            continue;
        if (code_is_first(code))
            break;
        if (!code_is_users(code, &file)) {
            library = frame;
            continue;
        }
        struct sought sought = {.semaphore = semaphore, .object = object, .found = object};
        PyCodeObject *called = library ? frame_code(library) : NULL;
        PyObject *self = called ? frame_first_local(library, called) : NULL;
        if (called && is_method_of(called, self)) {
            if (is_threads(called))
                return named_thread(self);
            sought.semaphore = NULL;
            sought.object = sought.found = self;
        }
        seen_from(&sought, frame, code);
        return sought.found ? named(&sought) : (struct probe_named){0};
    }
    return (struct probe_named){0};
}

static struct probe_named name_of(const void *lock)
{
    if (!observing() || PyInterpreterState_Get() != PyInterpreterState_Main())
        return (struct probe_named){0};
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    bool object = probe->thread()->lock == lock;
    struct probe_named name = object ? look_up(NULL, (PyObject *)lock) : look_up(lock, NULL);
    PyErr_Restore(type, value, traceback);
    return name;
}

static const char *unknown_locks(PyObject *lock, PyObject *rlock)
{
#if defined(Py_GIL_DISABLED)
    return no_tables();
#elif PY_VERSION_HEX >= 0x030e0000
    return locks_install(lock, rlock);
#else
    bool known = kind_at(lock, 0, 1) == 0 && Py_TYPE(lock)->tp_basicsize >= (Py_ssize_t)(LOCK_OFFSET + sizeof(void *));
    return known ? NULL : "this interpreter keeps its locks in a way the probe does not know";
#endif
}

/* name_locks((lock, rlock)): from now on; a threading.Lock and an RLock that nobody has. */
PyObject *names_install(PyObject *module, PyObject *locks)
{
    (void)module;
    PyObject *lock, *rlock;
    if (!PyArg_ParseTuple(locks, "OO", &lock, &rlock))
        return NULL;
    const char *unknown = unknown_locks(lock, rlock);
    if (PyErr_Occurred())
        return NULL;
    if (unknown)
        return PyErr_Format(PyExc_RuntimeError, "%s", unknown);
    probe->set_name(name_of);
    Py_RETURN_NONE;
}
