/* Who holds a GIL, exactly: it is a mutex with two condition variables, the main interpreter's inside the exported object
 * _PyRuntime, a subinterpreter's own on the heap.
 *
 * CPython's drop_gil signals the first (cond) at every release, take_gil signals the second (switch_cond) at every take, and
 * whoever waits for the GIL waits on the first (Python/ceval_gil.c; a release on request also waits on the second until
 * somebody has taken it). Both signals are sent under the GIL's own mutex, so that a release is stamped before the take that
 * follows it. Which two of the addresses they are is found out when an interpreter starts, by one release and one take
 * (calibration), never by an offset; if that does not show exactly one of each, nothing is called its GIL. A subinterpreter's
 * two must lie as far apart as the main interpreter's, and are forgotten when they are destroyed.
 *
 * From when a GIL is made (two condition variables as far apart) until its calibration, and for good where that fails, the
 * thread that made it has said LEAVE: it may well hold a GIL, so that it must not be shown as running without one.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>

#include "preload.h"

#define GLIBC_CONDITIONS "GLIBC_2.3.2" /* a plain dlsym may hand back the older version of these */
REAL(pthread_cond_signal, GLIBC_CONDITIONS)
REAL(pthread_cond_timedwait, GLIBC_CONDITIONS)
REAL(pthread_cond_wait, GLIBC_CONDITIONS)
REAL(pthread_cond_init, GLIBC_CONDITIONS)
REAL(pthread_cond_destroy, GLIBC_CONDITIONS)

#define MOST_AT_ONCE 64u
#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))

struct gil {
    _Atomic uintptr_t dropped_at, taken_at; /* cond and switch_cond; 0 while the place is free */
    uint32_t number;                        /* in order of calibration: the main interpreter's is 0 */
};

static struct gil gils[MOST_AT_ONCE];
static _Atomic uint32_t places, numbers; /* of `gils` ever used; given out */
static uintptr_t runtime_begin, runtime_end;
static _Atomic bool some_unknown; /* a subinterpreter's GIL could not be calibrated: whoever drops one may hold that */

enum phase { NOT_CALIBRATING, RELEASING, TAKING };
static THREAD_LOCAL struct {
    enum phase phase;
    int seen;
    uintptr_t seen_at, released_at;
    bool ahead; /* has made a GIL: each drop of another one, as while it imports extensions, may be for that */
} calibrating;
static _Atomic uintptr_t apart; /* how far the main interpreter's two are from one another, 0 before their calibration */

static void find_runtime(void)
{
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    void *runtime = dlsym(RTLD_DEFAULT, "_PyRuntime");
    if (!runtime || !dladdr1(runtime, &info, (void **)&symbol, RTLD_DL_SYMENT) || !symbol)
        return;
    runtime_begin = (uintptr_t)runtime;
    runtime_end = runtime_begin + symbol->st_size;
}

static bool in_runtime(uintptr_t condition)
{
    return condition >= runtime_begin && condition < runtime_end;
}

/* The GIL that this condition variable is a part of, NULL when it is of none. */
static struct gil *gil_of(uintptr_t condition)
{
    uint32_t n = atomic_load_explicit(&places, memory_order_acquire);
    for (struct gil *gil = gils; gil < gils + n; gil++)
        if (condition == atomic_load_explicit(&gil->dropped_at, memory_order_relaxed) ||
            condition == atomic_load_explicit(&gil->taken_at, memory_order_relaxed))
            return gil;
    return NULL;
}

static void say(enum probe_gil what, uint32_t number)
{
    struct probe_ring *ring = probe_observing();
    struct probe_thread *thread = ring ? probe_thread() : NULL;
    if (!thread || thread->ended)
        return;
    thread->gil = what;
    thread->gil_number = number;
    probe_emit(ring, probe_now(), thread->lane, PROBE_GIL, (int)what, NULL, number);
}

static void dropped(const struct gil *gil)
{
    say(PROBE_GIL_DROP, gil->number);
    if (calibrating.ahead || atomic_load_explicit(&some_unknown, memory_order_relaxed))
        say(PROBE_GIL_LEAVE, gil->number);
}

/* Called with the condition variable that is about to be signalled. */
static void signalled(uintptr_t condition)
{
    const struct gil *gil = gil_of(condition);
    if (calibrating.phase != NOT_CALIBRATING && (numbers || in_runtime(condition))) {
        calibrating.seen++;
        calibrating.seen_at = condition;
    }
    if (gil && condition == atomic_load_explicit(&gil->taken_at, memory_order_relaxed))
        say(PROBE_GIL_TAKE, gil->number);
    else if (gil)
        dropped(gil);
}

/* Whether the calling thread has one for certain. */
bool probe_gil_held(void)
{
    return atomic_load_explicit(&places, memory_order_relaxed) && probe_observing() && probe_thread()->gil == PROBE_GIL_TAKE;
}

/* Whether it may have one that is not observed. */
bool probe_gil_elsewhere(void)
{
    return probe_observing() && probe_thread()->gil == PROBE_GIL_LEAVE;
}

/* A thread that waits in several turns of the switch interval waits once. */
static void waits(uintptr_t condition)
{
    const struct gil *gil = gil_of(condition);
    if (gil && probe_observing() && probe_thread()->gil != PROBE_GIL_WAIT)
        say(PROBE_GIL_WAIT, gil->number);
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
    signalled((uintptr_t)condition);
    return real_pthread_cond_signal()(condition);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                  const struct timespec *restrict until)
{
    waits((uintptr_t)condition);
    return real_pthread_cond_timedwait()(condition, mutex, until);
}

EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    waits((uintptr_t)condition);
    return real_pthread_cond_wait()(condition, mutex);
}

EXPORT int pthread_cond_init(pthread_cond_t *restrict condition, const pthread_condattr_t *restrict attributes)
{
    static THREAD_LOCAL uintptr_t before;
    uintptr_t distance = atomic_load_explicit(&apart, memory_order_relaxed), former = before;
    before = (uintptr_t)condition;
    if (distance && before - former == distance && probe_observing() && probe_thread()->gil == PROBE_GIL_DROP) {
        calibrating.ahead = true;
        if (!atomic_load(&probe_find)) /* nobody to calibrate it */
            atomic_store(&some_unknown, true);
        say(PROBE_GIL_LEAVE, probe_thread()->gil_number);
    }
    return real_pthread_cond_init()(condition, attributes);
}

/* A subinterpreter's GIL ends with it: whatever lies there afterwards is something else. */
EXPORT int pthread_cond_destroy(pthread_cond_t *condition)
{
    struct gil *gil = gil_of((uintptr_t)condition);
    if (gil && !in_runtime((uintptr_t)condition)) {
        uint32_t number = gil->number;
        atomic_store(&gil->taken_at, 0);
        atomic_store(&gil->dropped_at, 0);
        struct probe_ring *ring = probe_observing();
        if (ring && !probe_thread()->ended)
            probe_emit(ring, probe_now(), probe_thread()->lane, PROBE_GIL, PROBE_GIL_GONE, NULL, number);
    }
    return real_pthread_cond_destroy()(condition);
}

/* --- calibration: the hooks call begin, release the GIL, call `released`, take it again and call end */

void probe_gil_begin(void)
{
    if (!runtime_begin)
        find_runtime();
    calibrating.seen = 0;
    calibrating.phase = RELEASING;
}

void probe_gil_released(void)
{
    calibrating.released_at = calibrating.seen == 1 ? calibrating.seen_at : 0;
    calibrating.seen = 0;
    calibrating.phase = TAKING;
}

static const char *keep(uintptr_t dropped_at, uintptr_t taken_at)
{
    uint32_t number = atomic_fetch_add(&numbers, 1);
    for (uint32_t i = 0; number < PROBE_MOST_GILS && i < MOST_AT_ONCE; i++) {
        uintptr_t none = 0;
        if (!atomic_compare_exchange_strong(&gils[i].dropped_at, &none, dropped_at))
            continue;
        gils[i].number = number;
        atomic_store(&gils[i].taken_at, taken_at);
        uint32_t used = atomic_load(&places);
        while (used <= i && !atomic_compare_exchange_weak(&places, &used, i + 1))
            ;
        say(PROBE_GIL_TAKE, number);
        return NULL;
    }
    return "there are too many";
}

static const char *judge(void)
{
    uintptr_t dropped_at = calibrating.released_at, taken_at = calibrating.seen_at;
    if (!runtime_begin)
        return "_PyRuntime is not in the dynamic symbol table";
    if (!dropped_at || calibrating.seen != 1 || taken_at == dropped_at)
        return "one release and one take did not signal one condition variable each";
    const struct gil *known = gil_of(taken_at);
    if (known)
        return known == gil_of(dropped_at) ? NULL : "one release and one take were of two";
    uintptr_t distance = 0;
    atomic_compare_exchange_strong(&apart, &distance, taken_at - dropped_at);
    bool as_the_first = taken_at - dropped_at == atomic_load(&apart);
    return as_the_first ? keep(dropped_at, taken_at) : "its condition variables do not lie as they should";
}

/* NULL when the GIL is now observed, otherwise why it is not. The caller holds it. */
const char *probe_gil_end(void)
{
    calibrating.phase = NOT_CALIBRATING;
    calibrating.ahead = false;
    const char *why = judge();
    if (why && atomic_load(&numbers))
        atomic_store(&some_unknown, true);
    return why;
}

/* The child of a fork goes on holding what its parent's thread held; a thread starts where whoever made it was. */
void probe_gil_again(enum probe_gil what, uint32_t number)
{
    if (what == PROBE_GIL_TAKE || what == PROBE_GIL_LEAVE)
        say(what, number);
}
