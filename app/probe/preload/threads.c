/* Threads: each gets a lane when it is made, and its lane ends with it. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

static __thread struct probe_thread self __attribute__((tls_model("initial-exec")));
static pthread_key_t end_key;

REAL(pthread_create, NULL)

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

static void end_thread(void *unused)
{
    (void)unused;
    struct probe_ring *ring = probe_observing();
    self.ended = true;
    if (ring && !self.finished)
        probe_emit(ring, probe_now(), self.lane, PROBE_STATE, self.failed ? PROBE_STATE_FAILED : PROBE_STATE_FINISHED, NULL,
                   PROBE_NO_VALUE);
}

void probe_threads_start(void)
{
    pthread_key_create(&end_key, end_thread);
}

/* Busy meanwhile: a signal handler that comes in between must not begin the thread a second time. */
static void begin_thread(uint32_t creator, uint64_t t_ns, const char *name)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return;
    self.busy = 1;
    uint32_t text = probe_intern(name, strlen(name));
    self.tid = (uint32_t)syscall(SYS_gettid);
    self.lane = probe_open_lane(t_ns, PROBE_LANE_THREAD, 0, creator, text);
    self.current = self.lane;
    int state = probe_armed() ? PROBE_STATE_RUNNING : PROBE_STATE_STARTING;
    probe_emit(ring, t_ns, self.lane, PROBE_STATE, state, NULL, PROBE_NO_VALUE);
    if (creator) {
        struct probe_where none = {0};
        probe_emit(ring, t_ns, creator, PROBE_FLOW, PROBE_FLOW_SPAWN, &none, self.lane);
    }
    self.busy = 0;
}

/* A thread that is not the process's first ends by itself; that one ends with the process. */
static void begin_later_thread(uint32_t creator)
{
    begin_thread(creator, probe_now(), "thread");
    if (self.lane)
        pthread_setspecific(end_key, &self);
}

struct probe_thread *probe_thread(void)
{
    if (!self.lane && !self.ended && !self.busy)
        begin_later_thread(0);
    return &self;
}

/* In a new process, and in the child of a fork, the calling thread is the first one. */
void probe_thread_after_fork(void)
{
    enum probe_gil gil = self.gil;
    uint32_t number = self.gil_number;
    self = (struct probe_thread){0};
    pthread_setspecific(end_key, NULL);
    begin_thread(0, probe_now(), "MainThread");
    probe_gil_again(gil, number);
}

struct start {
    void *(*routine)(void *);
    void *argument;
    uint32_t creator;
    bool gil_elsewhere;
};

static void *run_thread(void *packed)
{
    struct start start = *(struct start *)packed;
    free(packed);
    begin_later_thread(start.creator);
    if (start.gil_elsewhere)
        probe_gil_again(PROBE_GIL_LEAVE, 0);
    return start.routine(start.argument);
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument)
{
    struct start *start = probe_observing() ? malloc(sizeof *start) : NULL;
    if (!start)
        return real_pthread_create()(thread, attributes, routine, argument);
    if (!probe_armed())
        probe_arms_itself();
    *start = (struct start){routine, argument, probe_thread()->current, probe_gil_elsewhere()};
    int error = real_pthread_create()(thread, attributes, run_thread, start);
    if (error)
        free(start);
    return error;
}
