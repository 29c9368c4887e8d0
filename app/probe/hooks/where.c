/* Which line of the script a thread is at: the innermost frame whose file is the user's, and the library call it made.
 *
 * Called from inside a blocking call, so without the GIL, on the thread's own frames: nothing is allocated and no reference
 * count is touched. A file is told from a library by its path; the answer is remembered by the address of the code object's
 * file name together with its bytes, so that a reused address cannot be mistaken.
 */
#include "hooks.h"

#define FILES 512u /* a power of two */
#define MOST_PATH 236
#define MOST_FRAMES 200
#define MOST_LIBRARIES 16

struct file {
    _Atomic uint32_t turn; /* odd while it changes, another even number afterwards: what was read meanwhile is not believed */
    uint16_t number;
    uint8_t users;
    uint8_t size;
    PyObject *name; /* address only */
    uint64_t ring;  /* t_start_ns of the ring the number belongs to */
    char path[MOST_PATH];
};

static struct file files[FILES];
static char libraries[MOST_LIBRARIES][MOST_PATH];
static size_t library_count;
static PyCodeObject *first_code; /* in a process of multiprocessing, NULL before there may be one */

bool code_is_first(PyCodeObject *code)
{
    return code == first_code;
}

/* first(function): where a new process begins. What called it, where it was forked, is its parent's doing. */
PyObject *where_set_first(PyObject *module, PyObject *function)
{
    (void)module;
    Py_XSETREF(first_code, PyFunction_Check(function) ? (PyCodeObject *)Py_NewRef(PyFunction_GET_CODE(function)) : NULL);
    Py_RETURN_NONE;
}

/* UTF-8 of a str without asking the interpreter; cut at `most` bytes. */
static size_t utf8(PyObject *text, char *into, size_t most)
{
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    size_t n = 0;
    if (PyUnicode_IS_ASCII(text)) { /* every path is asked for at every wait */
        n = (size_t)length < most - 3 ? (size_t)length : most - 3;
        memcpy(into, data, n);
        return n;
    }
    for (Py_ssize_t i = 0; i < length && n + 4 <= most; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c < 0x80) {
            into[n++] = (char)c;
        } else if (c < 0x800) {
            into[n++] = (char)(0xc0 | c >> 6);
            into[n++] = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            into[n++] = (char)(0xe0 | c >> 12);
            into[n++] = (char)(0x80 | (c >> 6 & 0x3f));
            into[n++] = (char)(0x80 | (c & 0x3f));
        } else {
            into[n++] = (char)(0xf0 | c >> 18);
            into[n++] = (char)(0x80 | (c >> 12 & 0x3f));
            into[n++] = (char)(0x80 | (c >> 6 & 0x3f));
            into[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return n;
}

uint32_t intern_unicode(PyObject *text)
{
    char bytes[PROBE_STRING_MAX_BYTES];
    if (!text || !PyUnicode_Check(text))
        return 0;
    return probe->intern(bytes, utf8(text, bytes, sizeof bytes));
}

static bool is_users(const char *path, size_t size)
{
    if (!size || path[0] == '<' || memmem(path, size, "/site-packages/", 15) || memmem(path, size, "/dist-packages/", 15))
        return false;
    for (size_t i = 0; i < library_count; i++) {
        size_t n = strlen(libraries[i]);
        if (n && size > n && memcmp(path, libraries[i], n) == 0)
            return false;
    }
    return true;
}

static bool recall(struct file *file, const struct file *sought, uint16_t *number, bool *users)
{
    uint32_t turn = atomic_load_explicit(&file->turn, memory_order_acquire);
    bool same = file->name == sought->name && file->ring == sought->ring && file->size == sought->size &&
                memcmp(file->path, sought->path, sought->size) == 0;
    *number = file->number;
    *users = file->users;
    atomic_thread_fence(memory_order_acquire);
    return same && !(turn & 1) && atomic_load_explicit(&file->turn, memory_order_relaxed) == turn;
}

/* Whoever finds the entry being changed leaves it: the path is merely looked at once more next time. */
static void remember(struct file *file, const struct file *known)
{
    uint32_t turn = atomic_load_explicit(&file->turn, memory_order_relaxed);
    if (turn & 1 || !atomic_compare_exchange_strong(&file->turn, &turn, turn + 1))
        return;
    atomic_thread_fence(memory_order_release);
    file->name = known->name;
    file->ring = known->ring;
    file->size = known->size;
    file->number = known->number;
    file->users = known->users;
    memcpy(file->path, known->path, known->size);
    atomic_store_explicit(&file->turn, turn + 2, memory_order_release);
}

bool code_is_users(PyCodeObject *code, uint16_t *number)
{
    struct probe_ring *ring = observing();
    PyObject *name = code->co_filename;
    if (!ring || !name || !PyUnicode_Check(name))
        return false;
    struct file this;
    this.name = name;
    this.ring = ring->t_start_ns;
    this.size = (uint8_t)utf8(name, this.path, sizeof this.path);
    struct file *file = &files[((uintptr_t)name >> 4) & (FILES - 1)];
    bool users;
    if (recall(file, &this, number, &users))
        return users;
    this.users = users = is_users(this.path, this.size);
    uint32_t known = users ? probe->intern(this.path, this.size) : 0;
    this.number = *number = known <= UINT16_MAX ? (uint16_t)known : 0;
    if (known || !users) /* a name that the full ring had no room for is told again */
        remember(file, &this);
    return users;
}

/* While the interpreter ends it frees what other threads' frames are made of. */
static bool is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

static void find(struct probe_where *where)
{
    PyThreadState *thread = is_finalizing() ? NULL : PyGILState_GetThisThreadState();
    const frame_t *frame = thread ? thread_frame(thread) : NULL;
    PyCodeObject *library = NULL;
    for (int depth = 0; frame && depth < MOST_FRAMES; depth++, frame = frame->previous) {
        PyCodeObject *code = frame_code(frame);
        if (!code)
            continue;
        if (code_is_first(code))
            break;
        if (!code_is_users(code, &where->file)) {
            library = code;
            continue;
        }
        where->line = frame_line(frame, code);
        where->text = library ? intern_unicode(library->co_qualname) : 0;
        return;
    }
    where->file = 0;
}

PyObject *where_set_library_paths(PyObject *module, PyObject *paths)
{
    (void)module;
    library_count = 0;
    for (Py_ssize_t i = 0; i < PySequence_Length(paths) && library_count < MOST_LIBRARIES; i++) {
        PyObject *path = PySequence_GetItem(paths, i);
        const char *bytes = path ? PyUnicode_AsUTF8(path) : NULL;
        if (bytes && strlen(bytes) < MOST_PATH)
            strcpy(libraries[library_count++], bytes);
        Py_XDECREF(path);
        if (!bytes)
            return NULL;
    }
    Py_RETURN_NONE;
}

void where_install(void)
{
    probe->set_where(find);
}
