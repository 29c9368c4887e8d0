/* Which lane a task, greenlet or loop has, by its address: an open-addressing table, changed only under the GIL.
 *
 * No reference is held. An object is forgotten when its lane closes, and a task or greenlet that dies without ending (pending
 * and collected, never started) when it is deallocated: another may be made at the same address at once.
 */
#include "hooks.h"

static struct lane *table;
static size_t slots, used;
static uint64_t ring_started; /* the ring the table belongs to: after a fork all lanes are the parent's */

static size_t slot_of(const void *object)
{
    return ((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15ULL >> 20 & (slots - 1);
}

static struct lane *find(void *object)
{
    for (size_t i = slot_of(object);; i = (i + 1) & (slots - 1))
        if (!table[i].object || table[i].object == object)
            return &table[i];
}

static bool grow(void)
{
    struct lane *old = table;
    size_t n = slots;
    struct lane *bigger = calloc(n ? n * 2 : 1024, sizeof *bigger);
    if (!bigger)
        return false;
    table = bigger;
    slots = n ? n * 2 : 1024;
    for (size_t i = 0; i < n; i++)
        if (old[i].object)
            *find(old[i].object) = old[i];
    free(old);
    return true;
}

static bool ready(void)
{
    struct probe_ring *ring = observing();
    if (!ring)
        return false;
    if (ring->t_start_ns != ring_started) {
        if (table)
            memset(table, 0, slots * sizeof *table);
        used = 0;
        ring_started = ring->t_start_ns;
    }
    return (used * 2 < slots) || grow();
}

struct lane *lane_of(void *object)
{
    struct probe_ring *ring = observing();
    if (!table || !ring || ring->t_start_ns != ring_started)
        return NULL;
    static struct lane *recent[2]; /* a loop and one of its greenlets take turns: what is left next was entered last */
    static const void *recent_table;
    if (recent_table != table) {
        recent[0] = recent[1] = table;
        recent_table = table;
    }
    if (recent[0]->object == object)
        return recent[0];
    if (recent[1]->object == object)
        return recent[1];
    struct lane *lane = find(object);
    if (!lane->object)
        return NULL;
    recent[lane->kind == PROBE_LANE_LOOP] = lane;
    return lane;
}

/* The same lane a little later: entries move when the table grows or a neighbour is forgotten. */
struct lane *lane_again(struct lane *lane, void *object, const void *former_table)
{
    return former_table == table && lane->object == object ? lane : lane_of(object);
}

const void *lane_table(void)
{
    return table;
}

struct lane *lane_open(void *object, enum probe_lane_kind kind, uint32_t parent, PyObject *name)
{
    if (!ready())
        return NULL;
    struct probe_thread *thread = probe->thread();
    const char *bytes = name ? PyUnicode_AsUTF8(name) : NULL;
    if (!bytes)
        PyErr_Clear();
    struct lane *lane = find(object);
    if (!lane->object)
        used++;
    uint32_t text = bytes ? probe->text(bytes, strlen(bytes)) : 0;
    uint32_t number = probe->open_lane(probe_now(), kind, parent, thread->current, text);
    *lane = (struct lane){.object = object, .number = number, .kind = (uint8_t)kind};
    return lane;
}

/* An object that is another lane: a thread's main greenlet is its thread. */
struct lane *lane_alias(void *object, enum probe_lane_kind kind, uint32_t number)
{
    if (!ready())
        return NULL;
    struct lane *lane = find(object);
    if (!lane->object)
        used++;
    *lane = (struct lane){.object = object, .number = number, .kind = (uint8_t)kind};
    return lane;
}

void lane_enter(struct lane *lane, int state, const struct probe_where *where, uint64_t value)
{
    struct probe_ring *ring = observing();
    lane->state = (uint8_t)state;
    if (ring)
        probe_emit(ring, probe_now(), lane->number, PROBE_STATE, state, where, value);
}

/* Forget the object: entries behind the gap move up so that they are still found. */
void lane_forget(struct lane *lane)
{
    size_t gap = (size_t)(lane - table);
    used--;
    for (size_t i = (gap + 1) & (slots - 1); table[i].object; i = (i + 1) & (slots - 1)) {
        size_t home = slot_of(table[i].object);
        if (((i - home) & (slots - 1)) >= ((i - gap) & (slots - 1))) {
            table[gap] = table[i];
            gap = i;
        }
    }
    table[gap] = (struct lane){0};
}

void lane_close(struct lane *lane, int state)
{
    lane_enter(lane, state, NULL, PROBE_NO_VALUE);
    lane_forget(lane);
}

/* The kinds differ in what their death means: a main greenlet's thread goes on. */
static void lane_gone(struct lane *lane)
{
    struct probe_thread *thread = probe->thread();
    if (lane->kind == PROBE_LANE_LOOP && thread->loop == lane->number)
        thread->loop = 0;
    if (lane->kind == PROBE_LANE_THREAD)
        lane_forget(lane);
    else
        lane_close(lane, lane->kind == PROBE_LANE_LOOP ? PROBE_STATE_FINISHED : PROBE_STATE_KILLED);
}

/* A suspended greenlet is ended by its own deallocation, so that comes first; the number tells whether the entry is still
 * this object's, for its memory may have been given to the next. */
void lane_free(PyObject *object, destructor former)
{
    struct lane *lane = lane_of(object);
    uint32_t number = lane ? lane->number : 0;
    former(object);
    lane = number ? lane_of(object) : NULL;
    if (lane && lane->number == number)
        lane_gone(lane);
}

void lane_rename(struct lane *lane, PyObject *name)
{
    struct probe_ring *ring = observing();
    if (!ring || !name)
        return;
    struct probe_where said = {.text = intern_unicode(name)};
    probe_emit(ring, probe_now(), lane->number, PROBE_NAME, 0, &said, 0);
}

/* Whether it can be made a text of without a line of the script: no __str__ of its own, and nothing inside that has one. */
static bool is_plain(PyObject *exception)
{
    PyObject *key = PyUnicode_InternFromString("__str__");
    PyObject *method = key ? type_lookup(Py_TYPE(exception), key) : NULL;
    PyObject *arguments = quiet_attribute(exception, "args");
    bool plain = method && Py_IS_TYPE(method, &PyWrapperDescr_Type) && arguments && PyTuple_Check(arguments);
    for (Py_ssize_t i = 0; plain && i < PyTuple_GET_SIZE(arguments); i++) {
        PyObject *given = PyTuple_GET_ITEM(arguments, i);
        plain = PyUnicode_CheckExact(given) || PyLong_CheckExact(given) || PyFloat_CheckExact(given) ||
                PyBytes_CheckExact(given) || PyBool_Check(given) || given == Py_None;
    }
    Py_XDECREF(arguments);
    Py_XDECREF(method);
    Py_XDECREF(key);
    PyErr_Clear();
    return plain;
}

/* Where in the script it was raised, or last left it: " (script.py:7)". */
static PyObject *raised_at(PyObject *exception)
{
    PyObject *traceback = PyException_GetTraceback(exception), *place = NULL;
    PyTracebackObject *link = traceback && PyTraceBack_Check(traceback) ? (PyTracebackObject *)Py_NewRef(traceback) : NULL;
    while (link) {
        PyCodeObject *code = PyFrame_GetCode(link->tb_frame);
        uint16_t file;
        if (code_is_users(code, &file)) {
            const char *path = PyUnicode_AsUTF8(code->co_filename), *name = path ? strrchr(path, '/') : NULL;
            PyObject *former = place;
            place = PyUnicode_FromFormat(" (%s:%d)",
                                         name   ? name + 1
                                         : path ? path
                                                : "?",
                                         PyCode_Addr2Line(code, link->tb_lasti));
            Py_XDECREF(former);
        }
        Py_DECREF(code);
        PyTracebackObject *next = (PyTracebackObject *)Py_XNewRef((PyObject *)link->tb_next);
        Py_DECREF(link);
        link = next;
    }
    Py_XDECREF(traceback);
    PyErr_Clear();
    return place ? place : PyUnicode_FromString("");
}

/* A mark that names the exception a task, greenlet or thread ended with, as the last line of its traceback would. */
void lane_exception(uint32_t lane, PyObject *exception)
{
    struct probe_ring *ring = observing();
    PyObject *name = PyUnicode_FromString(_PyType_Name(Py_TYPE(exception)));
    PyObject *words = is_plain(exception) ? PyObject_Str(exception) : NULL;
    PyErr_Clear();
    bool says = words && PyUnicode_Check(words) && PyUnicode_GET_LENGTH(words);
    PyObject *place = raised_at(exception);
    PyObject *text = !name || !place ? NULL
                     : says          ? PyUnicode_FromFormat("%U: %U%U", name, words, place)
                                     : PyUnicode_FromFormat("%U%U", name, place);
    Py_XDECREF(place);
    if (ring && text) {
        struct probe_where said = {.text = intern_unicode(text)};
        probe_emit(ring, probe_now(), lane, PROBE_MARK, PROBE_MARK_EXCEPTION, &said, PROBE_NO_VALUE);
    }
    Py_XDECREF(name);
    Py_XDECREF(words);
    Py_XDECREF(text);
    PyErr_Clear();
}

void lane_flow(uint32_t from, uint32_t to, enum probe_flow_kind kind)
{
    struct probe_ring *ring = observing();
    if (ring && from != to)
        probe_emit(ring, probe_now(), from, PROBE_FLOW, (int)kind, NULL, to);
}

uint32_t loop_lane(PyObject *loop, PyObject *name)
{
    struct lane *lane = lane_of(loop);
    if (!lane || lane->kind != PROBE_LANE_LOOP) {
        lane = lane_open(loop, PROBE_LANE_LOOP, probe->thread()->lane, name);
        if (lane)
            lane_enter(lane, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    }
    return lane ? lane->number : 0;
}
