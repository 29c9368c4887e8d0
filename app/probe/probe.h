/* What the recorder and everything inside an observed process agree on: the 32-byte record and the ring it is written to.
 *
 * One ring per process, a file in the run's bounded tmpfs, mapped shared, so that it survives SIGKILL of its process.
 * Many threads write, with or without the GIL; one recorder reads, from outside, with pread: draining costs the observed
 * process nothing. The numbers of lanes, states, flows and marks are those of app/core/records.py; a test holds them equal.
 *
 *   writer   reserve slots by moving `head` (fails when that would overtake `tail`: counted in `dropped`),
 *            fill them, then publish each by storing its `kind` last
 *   reader   takes the published prefix behind `tail`, then moves `tail`
 *
 * A slot is published when the top bit of its kind tells the current lap (set on even laps), so nothing is ever cleared.
 * `alive` is a robust mutex held by the process's first thread: the kernel itself marks it (FUTEX_OWNER_DIED) when that
 * thread is gone, by whatever death, or when the process becomes another program. No descriptor has to stay open for it.
 */
#ifndef SCHEDSCOPE_PROBE_H
#define SCHEDSCOPE_PROBE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define PROBE_MAGIC 0x474e495250534353ULL /* "SCSPRING" */
#define PROBE_VERSION 3
#define PROBE_SLOTS_OFFSET 4096
#define PROBE_PUBLISHED_EVEN_LAP 0x80

enum probe_kind {
    PROBE_STATE = 1,     /* lane enters state; text, file, line, value say why */
    PROBE_STRING = 2,    /* a piece of a string: see struct probe_string_record */
    PROBE_LANE = 3,      /* lane begins: state = its kind, text = name, line = thread id, value = parent | creator << 32 */
    PROBE_NAME = 4,      /* lane is called text from now on */
    PROBE_FLOW = 5,      /* state = flow kind, from lane, value = to lane */
    PROBE_MARK = 6,      /* state = mark kind, text */
    PROBE_COUNTER = 7,   /* a semaphore of several processes: line = its id, value = places << 32 | how many are taken */
    PROBE_GIL = 8,       /* state = enum probe_gil, lane = thread, value = which GIL, the main interpreter's is 0 */
    PROBE_KERNEL = 9,    /* reserved for context switches */
    PROBE_OBJECT = 10,   /* descriptor `value` is text from now on; without a text: no longer what it was */
    PROBE_ABOUT = 11,    /* of the lane's next state: text = its object, value = who has that, state = enum probe_other */
    PROBE_FAR_FLOW = 12, /* as PROBE_FLOW, but lane is where it leads to, value the id of the thread it comes from */
};

enum probe_other { PROBE_OTHER_NOBODY = 0, PROBE_OTHER_LANE = 1, PROBE_OTHER_THREAD = 2 };

enum probe_gil {
    PROBE_GIL_TAKE = 1,
    PROBE_GIL_DROP = 2,
    PROBE_GIL_WAIT = 3,  /* ends with the take */
    PROBE_GIL_LEAVE = 4, /* for another one that is not observed, or not yet */
    PROBE_GIL_GONE = 5,  /* with its interpreter */
};
#define PROBE_MOST_GILS 256u /* that a process may have had */

enum probe_lane_kind {
    PROBE_LANE_PROCESS = 2,
    PROBE_LANE_THREAD = 4,
    PROBE_LANE_LOOP = 5,
    PROBE_LANE_TASK = 6,
    PROBE_LANE_GREENLET = 7,
};

enum probe_state {
    PROBE_STATE_UNOBSERVED = 0,
    PROBE_STATE_RUNNING = 1,
    PROBE_STATE_READY = 2,
    PROBE_STATE_STARTING = 3,
    PROBE_STATE_SLEEP = 8,
    PROBE_STATE_LOCK = 9,
    PROBE_STATE_READ = 10,
    PROBE_STATE_WRITE = 11,
    PROBE_STATE_ACCEPT = 12,
    PROBE_STATE_CONNECT = 13,
    PROBE_STATE_POLL = 14,
    PROBE_STATE_CHILD = 15,
    PROBE_STATE_JOIN = 16,
    PROBE_STATE_PIPE = 17,
    PROBE_STATE_FILE = 18,
    PROBE_STATE_WAIT = 24,
    PROBE_STATE_WAIT_TIMER = 25,
    PROBE_STATE_WAIT_READ = 26,
    PROBE_STATE_WAIT_WRITE = 27,
    PROBE_STATE_WAIT_CONNECT = 28,
    PROBE_STATE_WAIT_ACCEPT = 29,
    PROBE_STATE_WAIT_LOCK = 30,
    PROBE_STATE_WAIT_QUEUE = 31,
    PROBE_STATE_WAIT_FUTURE = 32,
    PROBE_STATE_WAIT_TASK = 33,
    PROBE_STATE_WAIT_EVENT = 34,
    PROBE_STATE_WAIT_THREAD = 35,
    PROBE_STATE_WAIT_CHILD = 36,
    PROBE_STATE_FINISHED = 40,
    PROBE_STATE_FAILED = 41,
    PROBE_STATE_CANCELLED = 42,
    PROBE_STATE_KILLED = 43,
};

enum probe_flow_kind { PROBE_FLOW_SPAWN = 1, PROBE_FLOW_WAKE = 2, PROBE_FLOW_HANDOVER = 3, PROBE_FLOW_JOIN = 5 };

enum probe_mark_kind {
    PROBE_MARK_STDOUT = 1,
    PROBE_MARK_STDERR = 2,
    PROBE_MARK_EXCEPTION = 3,
    PROBE_MARK_ANNOTATION = 4,
    PROBE_MARK_DROPPED = 5,
    PROBE_MARK_HOOK = 7,
};

/* The value of the state that follows a call that read or wrote: what it moved. Its first bit is a write's to a pipe, too. */
#define PROBE_MOVED(fd, bytes, writes)                                                                                         \
    ((uint64_t)(writes) << 63 | ((uint64_t)(fd)&0x7fffff) << 40 | ((uint64_t)(bytes)&0xffffffffff))

struct probe_record {
    uint64_t t_ns; /* CLOCK_MONOTONIC */
    uint32_t lane; /* process-local: 0 is the process, 1 its first thread */
    _Atomic uint8_t kind;
    uint8_t state;
    uint16_t file;  /* string number of the script's file, 0 none */
    uint32_t line;  /* 1-based, 0 unknown */
    uint32_t text;  /* string number, 0 none */
    uint64_t value; /* its unit is the state's (records.py); PROBE_NO_VALUE when there is none */
};

#define PROBE_NO_VALUE UINT64_MAX
#define PROBE_STRING_BYTES 24
#define PROBE_STRING_LAST 0x80
#define PROBE_STRING_MAX_BYTES 240

struct probe_string_record { /* the same 32 bytes when kind is PROBE_STRING */
    uint8_t head[8];
    uint32_t number;
    _Atomic uint8_t kind;
    uint8_t bytes; /* 0 to 24, with PROBE_STRING_LAST on the last piece */
    uint16_t piece;
    uint8_t rest[16];
};

struct probe_ring {
    uint64_t magic;
    uint32_t version;
    uint32_t slots; /* a power of two */
    int32_t pid;    /* as the process itself sees it */
    int32_t ppid;
    uint64_t t_start_ns;
    char program[128]; /* how the process was started: the interpreter's path */
    pthread_mutex_t alive;
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t tail;
    _Alignas(64) _Atomic uint64_t dropped;
    _Atomic uint32_t next_lane;
    _Atomic uint32_t next_string;
};

/* What a wait is about, as the wait's ABOUT record will say it. */
struct probe_about {
    uint64_t who;
    uint32_t text;
    uint8_t other; /* enum probe_other */
};

/* What kind of lock a semaphore is, as far as the script is concerned. */
enum probe_lock {
    PROBE_LOCK_UNKNOWN = 0,
    PROBE_LOCK_MUTEX = 1,  /* whoever took it last has it */
    PROBE_LOCK_THREAD = 2, /* held by a thread for as long as it lives */
    PROBE_LOCK_OTHER = 3,  /* part of an Event, a Condition, a Queue, …: it is nobody's */
};

struct probe_named { /* in the upper two bits of a word its kind, in the others its string */
    uint32_t text;
    enum probe_lock kind;
};

/* What a thread knows of itself. Lives in thread-local storage of the preloaded library. */
struct probe_thread {
    uint32_t lane;    /* its own lane, 0 before it has one */
    uint32_t current; /* the lane that runs on it now: a task, a greenlet or the thread itself */
    uint32_t loop;    /* the event loop that polls on it, 0 none */
    uint32_t waker;   /* while a callback runs: the lane that scheduled it, 0 none */
    uint32_t busy;    /* inside an observed call: inner calls are part of it */
    bool ended;
    bool failed;   /* by an uncaught exception */
    bool finished; /* said so itself, before the last of it was over */
    uint8_t gil;   /* the last enum probe_gil it said, 0 none */
    uint32_t gil_number;
    uint32_t tid;
    uint64_t since_ns;        /* when the observed call began, while it is one that is recorded afterwards */
    struct probe_about about; /* of the wait that is about to begin */
    struct probe_about joins; /* of any wait without a name meanwhile: the thread it joins */
    const void *lock;         /* the object, not a semaphore, that any wait is for meanwhile: a method of its own runs */
    uint32_t heir;            /* the lane that waited for what this thread has let go last, 0 nobody */
};

struct probe_where {
    uint16_t file;
    uint32_t line;
    uint32_t text; /* the library call the script made, as "Thread.join" */
};

/* The face of the preloaded library towards the hooks: found by dlsym as schedscope_probe. */
struct probe_api {
    uint32_t version;
    struct probe_ring *_Atomic *ring; /* NULL while this process is not observed */
    struct probe_thread *(*thread)(void);
    uint32_t (*open_lane)(uint64_t t_ns, enum probe_lane_kind kind, uint32_t parent, uint32_t creator, uint32_t name);
    uint32_t (*intern)(const char *bytes, size_t size);
    uint32_t (*text)(const char *bytes, size_t size);
    void (*set_where)(void (*find)(struct probe_where *));
    void (*gil_begin)(void); /* calibration: begin, release the GIL, released, take it, end */
    void (*gil_released)(void);
    const char *(*gil_end)(void); /* NULL, or why the GIL is not observed */
    void (*arm)(void);            /* from now on what happens is the script's doing */
    /* what the lock that this thread has just failed to take is to the script, a semaphore or thread()->lock; called only while
     * it holds the GIL */
    void (*set_name)(struct probe_named (*name)(const void *lock));
    /* of a lock that is no semaphore: as the preloaded library itself notices it of one (preload/wakes.h) */
    void (*lock_failed)(const void *lock);
    void (*lock_taken)(const void *lock);
    void (*lock_released)(const void *lock);
    void (*lock_handed)(const void *lock);
    void (*lock_forgotten)(const void *lock);
};

static inline uint64_t probe_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The index of the first of n reserved slots, or UINT64_MAX when the ring is full (the loss is counted). */
static inline uint64_t probe_reserve(struct probe_ring *ring, uint32_t n)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    do {
        if (head + n - atomic_load_explicit(&ring->tail, memory_order_acquire) > ring->slots) {
            atomic_fetch_add_explicit(&ring->dropped, n, memory_order_relaxed);
            return UINT64_MAX;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ring->head, &head, head + n, memory_order_relaxed, memory_order_relaxed));
    return head;
}

static inline struct probe_record *probe_slot(struct probe_ring *ring, uint64_t index)
{
    struct probe_record *slots = (struct probe_record *)((char *)ring + PROBE_SLOTS_OFFSET);
    return &slots[index & (ring->slots - 1)];
}

static inline uint8_t probe_published(struct probe_ring *ring, uint64_t index, uint8_t kind)
{
    return (index / ring->slots) & 1 ? kind : (uint8_t)(kind | PROBE_PUBLISHED_EVEN_LAP);
}

static inline void probe_emit(struct probe_ring *ring, uint64_t t_ns, uint32_t lane, enum probe_kind kind, int state,
                              const struct probe_where *where, uint64_t value)
{
    uint64_t index = probe_reserve(ring, 1);
    if (index == UINT64_MAX)
        return;
    struct probe_record *slot = probe_slot(ring, index);
    slot->t_ns = t_ns;
    slot->lane = lane;
    slot->state = (uint8_t)state;
    slot->file = where ? where->file : 0;
    slot->line = where ? where->line : 0;
    slot->text = where ? where->text : 0;
    slot->value = value;
    atomic_store_explicit(&slot->kind, probe_published(ring, index, (uint8_t)kind), memory_order_release);
}

#endif
