/* Threads: each gets a lane when it is made, and its lane ends with it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

static __thread struct probe_thread self __attribute__((tls_model("initial-exec")));
static pthread_key_t end_key;
static pthread_once_t end_key_once = PTHREAD_ONCE_INIT;

uint32_t probe_open_lane(uint64_t t_ns, enum probe_lane_kind kind, uint32_t parent, uint32_t creator, uint32_t name)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return 0;
    uint32_t lane = atomic_fetch_add_explicit(&ring->next_lane, 1, memory_order_relaxed);
    struct probe_where said = {.text = name};
    if (kind == PROBE_LANE_THREAD)
        said.line = (uint32_t)syscall(SYS_gettid);
    probe_emit(ring, t_ns, lane, PROBE_LANE, (int)kind, &said, parent | (uint64_t)creator << 32);
    return lane;
}

static void end_thread(void *lane)
{
    struct probe_ring *ring = probe_observing();
    self.ended = true;
    if (ring && !self.finished)
        probe_emit(ring, probe_now(), (uint32_t)(uintptr_t)lane, PROBE_STATE,
                   self.failed ? PROBE_STATE_FAILED : PROBE_STATE_FINISHED, NULL, PROBE_NO_VALUE);
}

static void make_end_key(void)
{
    pthread_key_create(&end_key, end_thread);
}

static void begin_thread(uint32_t creator, uint64_t t_ns, const char *name)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return;
    uint32_t text = probe_intern(name, strlen(name));
    self.lane = probe_open_lane(t_ns, PROBE_LANE_THREAD, 0, creator, text);
    self.current = self.lane;
    int state = probe_armed() ? PROBE_STATE_RUNNING : PROBE_STATE_STARTING;
    probe_emit(ring, t_ns, self.lane, PROBE_STATE, state, NULL, PROBE_NO_VALUE);
    if (creator) {
        struct probe_where none = {0};
        probe_emit(ring, t_ns, creator, PROBE_FLOW, PROBE_FLOW_SPAWN, &none, self.lane);
    }
}

struct probe_thread *probe_thread(void)
{
    if (!self.lane && !self.ended)
        begin_thread(0, probe_now(), "thread");
    return &self;
}

/* In a new process, and in the child of a fork, the calling thread is the first one. */
void probe_thread_after_fork(void)
{
    bool held = self.gil == PROBE_GIL_TAKE;
    self = (struct probe_thread){0};
    begin_thread(0, probe_now(), "MainThread");
    probe_gil_after_fork(held);
}

struct start {
    void *(*routine)(void *);
    void *argument;
    uint32_t creator;
};

static void *run_thread(void *packed)
{
    struct start start = *(struct start *)packed;
    free(packed);
    begin_thread(start.creator, probe_now(), "thread");
    pthread_setspecific(end_key, (void *)(uintptr_t)self.lane);
    return start.routine(start.argument);
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real)
        *(void **)&real = probe_real("pthread_create", NULL);
    struct start *start = probe_observing() ? malloc(sizeof *start) : NULL;
    if (!start)
        return real(thread, attributes, routine, argument);
    pthread_once(&end_key_once, make_end_key);
    *start = (struct start){routine, argument, probe_thread()->current};
    int error = real(thread, attributes, run_thread, start);
    if (error)
        free(start);
    return error;
}
