/* What the rooms of the extension share. Every function here needs the GIL unless it says otherwise. */
#ifndef SCHEDSCOPE_HOOKS_H
#define SCHEDSCOPE_HOOKS_H

#include "../probe.h"
#include "frames.h"

extern const struct probe_api *probe;

static inline struct probe_ring *observing(void)
{
    return probe ? atomic_load_explicit(probe->ring, memory_order_acquire) : NULL;
}

/* --- where.c: which line of the script */
struct place {
    PyCodeObject *user;    /* innermost code of the script (borrowed), NULL if none */
    PyCodeObject *library; /* the library code it called, NULL if it waits by itself */
    struct probe_where where;
};
bool code_is_users(PyCodeObject *code, uint16_t *file); /* without the GIL too */
bool code_is_first(PyCodeObject *code);                 /* of a process: its callers are its parent's */
uint32_t intern_unicode(PyObject *text);                /* without the GIL too */
PyObject *where_set_first(PyObject *module, PyObject *function);
PyObject *where_set_library_paths(PyObject *module, PyObject *paths);
void where_install(void);

/* --- lines.c: which line a frame is at */
uint32_t frame_line(const frame_t *frame, PyCodeObject *code); /* without the GIL too */

/* --- names.c: what a lock is called */
PyObject *names_install(PyObject *module, PyObject *locks);

/* --- locks.c: locks that are no semaphores */
const char *locks_install(PyObject *lock, PyObject *rlock); /* NULL, or why they are not observed */
PyObject *queues_install(PyObject *module, PyObject *queue);

/* --- lanes.c: the lane of a task, a greenlet or a loop, by its address */
struct lane {
    void *object; /* NULL while the slot is free */
    uint32_t number;
    uint8_t state;
    uint8_t kind;
    uint8_t reason;       /* greenlets: the state that a named call has put it into, 0 none */
    uint32_t reason_text; /* its string; of a task: a hash of the name it was opened under, until it first ran;
                             of an asyncio handle: a part of its callback's address */
};
struct lane *lane_of(void *object); /* NULL when it has none */
struct lane *lane_again(struct lane *lane, void *object, const void *former_table);
const void *lane_table(void);
struct lane *lane_open(void *object, enum probe_lane_kind kind, uint32_t parent, PyObject *name);
struct lane *lane_alias(void *object, enum probe_lane_kind kind, uint32_t number);
void lane_enter(struct lane *lane, int state, const struct probe_where *where, uint64_t value);
void lane_rename(struct lane *lane, PyObject *name);
void lane_exception(uint32_t lane, PyObject *exception);
void lane_forget(struct lane *lane);
void lane_close(struct lane *lane, int state);
void lane_free(PyObject *object, destructor former); /* a type's tp_dealloc: what dies without having ended, ends here */
void lane_flow(uint32_t from, uint32_t to, enum probe_flow_kind kind);
uint32_t loop_lane(PyObject *loop, PyObject *name);

/* --- reasons.c: what a library function waits for, by its qualified name */
struct reason {
    const char *file; /* end of the file's path */
    const char *function;
    uint8_t state;
    bool delays; /* its first argument is a delay in seconds */
};
struct function {       /* what is known of a code object */
    PyCodeObject *code; /* strong, so that the address stays this code's */
    const struct reason *reason;
    uint64_t ring;
    uint16_t file;
    bool users;
};
const struct function *function_of(PyCodeObject *code);
uint64_t delay_ns(PyObject *seconds);

/* --- methods.c: put a C function in a method's place */
PyObject *replace_method(PyTypeObject *type, const char *name, PyMethodDef *with); /* new reference to the former one */
int set_type_attribute(PyTypeObject *type, const char *name, PyObject *value);
PyObject *observed_method(PyObject *original, int state, const char *text);
extern PyTypeObject ObservedMethod_Type;
PyObject *call_with_self(PyObject *function, PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

/* --- members.c: private members by their descriptors */
getter getter_of(PyTypeObject *type, const char *name);
PyCFunction method_of(PyTypeObject *type, const char *name);
Py_ssize_t slot_offset(PyTypeObject *type, const char *name);
PyObject *type_lookup(PyTypeObject *type, PyObject *name); /* new reference */
PyObject *quiet_attribute(PyObject *object, const char *name);
PyObject *quiet_qualname(PyObject *callable);

/* Why tasks and greenlets of this interpreter cannot be observed, NULL if they can. */
static inline const char *no_tables(void)
{
#ifdef Py_GIL_DISABLED
    return "a free-threaded interpreter changes them on many threads at once";
#else
    return NULL;
#endif
}

/* --- joins.c: which thread is joined */
PyObject *joins_install(PyObject *module, PyObject *thread);

/* --- asyncio.c, greenlets.c */
PyObject *asyncio_install(PyObject *module, PyObject *modules);
PyObject *greenlet_install(PyObject *module, PyObject *greenlet);
PyObject *greenlet_trace_thread(PyObject *module, PyObject *ignored);
PyObject *gevent_install(PyObject *module, PyObject *parts);
PyObject *gevent_waits(PyObject *module, PyObject *waits);
void greenlet_reason(int state, uint32_t text, uint8_t *former_state, uint32_t *former_text);

#endif
