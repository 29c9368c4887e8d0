/* Blocking calls: the calling thread's lane says for how long, on what and from which line of the script it was in libc.
 *
 * Every interposed function (waits.c, transfers.c) has its C library prototype and meaning; it only brackets the real call
 * with two records and keeps errno. Calls made by an observed call itself (busy) are part of it. A thread that is cancelled in
 * such a call stays busy: what its clean-up does is part of it too, and its lane ends with the thread. Reads and writes of
 * plain files come by the thousand while modules are imported: they are recorded afterwards, and only if they took longer
 * than FILE_WORTH_NS.
 */
#include "descriptors.h"
#include "observe.h"

#define FILE_WORTH_NS 50000

/* The word for a call in which a task or greenlet keeps everything else of its loop from running; NULL for a short one. It
 * still is what runs: its own lane says in what and at which line. */
static const char *holds_the_loop(enum probe_state state)
{
    switch (state) {
    case PROBE_STATE_SLEEP:
        return "sleep";
    case PROBE_STATE_LOCK:
        return "lock";
    case PROBE_STATE_POLL:
        return "poll";
    case PROBE_STATE_CHILD:
        return "child";
    case PROBE_STATE_JOIN:
        return "join";
    default:
        return NULL;
    }
}

static bool is_of_descriptor(enum probe_state state)
{
    return (state >= PROBE_STATE_READ && state <= PROBE_STATE_CONNECT) ||
           (state >= PROBE_STATE_PIPE && state <= PROBE_STATE_FILE);
}

/* What the wait is about, where the one who is about to wait knows more than the state's own number says. */
static void emit_about(struct probe_ring *ring, uint64_t t_ns, struct probe_thread *thread)
{
    struct probe_about about = thread->about;
    thread->about = (struct probe_about){0};
    if (!about.text && !about.other)
        return;
    struct probe_where said = {.text = about.text};
    probe_emit(ring, t_ns, thread->lane, PROBE_ABOUT, about.other, &said, about.who);
}

static void emit_with_place(struct probe_ring *ring, uint64_t t_ns, struct probe_thread *thread, enum probe_state state,
                            uint64_t value, const char *came)
{
    struct probe_where where = {0};
    void (*find)(struct probe_where *) = atomic_load_explicit(&probe_find, memory_order_acquire);
    if (find)
        find(&where);
    if (came)
        where.text = probe_intern(came, strlen(came));
    emit_about(ring, t_ns, thread);
    probe_emit(ring, t_ns, thread->lane, PROBE_STATE, (int)state, &where, value);
    const char *word = thread->current != thread->lane && thread->current != thread->loop ? holds_the_loop(state) : NULL;
    if (!word)
        return;
    if (!where.text)
        where.text = probe_intern(word, strlen(word));
    probe_emit(ring, t_ns, thread->current, PROBE_STATE, PROBE_STATE_RUNNING, &where, PROBE_NO_VALUE);
}

/* The thread, marked busy, when this call is to be recorded; NULL otherwise. */
struct probe_thread *probe_enter(enum probe_state state, uint64_t value)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return NULL;
    struct probe_thread *thread = probe_thread();
    if (thread->busy || thread->ended || thread->finished || !(probe_armed() || probe_arms_itself())) {
        thread->about = (struct probe_about){0};
        return NULL;
    }
    thread->busy = 1;
    if (state != PROBE_STATE_FILE && is_of_descriptor(state))
        probe_description((int)value);
    uint64_t now = probe_now();
    if (state == PROBE_STATE_FILE) {
        thread->since_ns = now;
        return thread;
    }
    emit_with_place(ring, now, thread, state, value, NULL);
    if (thread->loop && state == PROBE_STATE_POLL)
        probe_emit(ring, now, thread->loop, PROBE_STATE, PROBE_STATE_POLL, NULL, value);
    return thread;
}

void probe_leave(struct probe_thread *thread, enum probe_state state, uint64_t value)
{
    if (!thread)
        return;
    thread->busy = 0;
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return;
    uint64_t now = probe_now();
    if (state == PROBE_STATE_FILE) {
        if (now - thread->since_ns < FILE_WORTH_NS)
            return;
        probe_description((int)value);
        emit_with_place(ring, thread->since_ns, thread, state, value, NULL);
    }
    probe_emit(ring, now, thread->lane, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    if (thread->current != thread->lane && thread->current != thread->loop && holds_the_loop(state))
        probe_emit(ring, now, thread->current, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    if (thread->loop && state == PROBE_STATE_POLL)
        probe_emit(ring, now, thread->loop, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
}

/* A call that cannot wait is recorded when it is over. */
static struct probe_thread *enter_at_once(void)
{
    if (probe_idle() || probe_thread()->ended || probe_thread()->finished)
        return NULL;
    struct probe_thread *thread = probe_thread();
    thread->busy = 1;
    thread->since_ns = probe_now();
    return thread;
}

/* A pipe's two directions are one state. */
static uint64_t descriptor_value(const struct probe_io *io)
{
    return (uint64_t)io->fd | (io->state == PROBE_STATE_PIPE && io->writes ? PROBE_MOVED(0, 0, 1) : 0);
}

struct probe_io probe_begin_io(enum probe_state state, int fd, bool writes, bool never_waits)
{
    struct probe_io io = {.state = state, .fd = fd, .writes = writes};
    io.late = state != PROBE_STATE_FILE && (never_waits || probe_never_waits(fd));
    io.thread = io.late ? enter_at_once() : probe_enter(state, descriptor_value(&io));
    return io;
}

/* Of a call that never waits: what came of it, is known now. */
static void record_afterwards(struct probe_ring *ring, const struct probe_io *io, ssize_t moved)
{
    const char *came = moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? "EAGAIN" : NULL;
    emit_with_place(ring, io->thread->since_ns, io->thread, io->state, descriptor_value(io), came);
}

void probe_end_io(const struct probe_io *io, ssize_t moved)
{
    struct probe_ring *ring = io->thread ? probe_observing() : NULL;
    if (!ring || io->state == PROBE_STATE_FILE) {
        probe_leave(io->thread, io->state, (uint64_t)io->fd);
        return;
    }
    uint64_t now = probe_now();
    if (io->late) {
        probe_description(io->fd);
        record_afterwards(ring, io, moved);
    }
    io->thread->busy = 0;
    probe_emit(ring, now, io->thread->lane, PROBE_STATE, PROBE_STATE_RUNNING, NULL,
               moved > 0 && io->state != PROBE_STATE_ACCEPT ? PROBE_MOVED(io->fd, moved, io->writes) : PROBE_NO_VALUE);
}

/* Nothing would be recorded now: what it takes to find out the kind of a call can be saved. */
bool probe_idle(void)
{
    return !probe_observing() || !(probe_armed() || probe_arms_itself()) || probe_thread()->busy;
}
