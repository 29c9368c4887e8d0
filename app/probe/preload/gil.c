/* Who holds the GIL, exactly: it is a mutex with two condition variables inside the exported object _PyRuntime.
 *
 * CPython's drop_gil signals the first (cond) at every release, take_gil signals the second (switch_cond) at every take, and
 * whoever waits for the GIL waits on the first (Python/ceval_gil.c; a release on request also waits on the second until
 * somebody has taken it). Both signals are sent under the GIL's own mutex, so that a release is stamped before the take that
 * follows it. Which two of the addresses they are is found out at start, by one release and one take (calibration), never by
 * an offset; if that does not show exactly one of each, nothing is called the GIL. Subinterpreters with a GIL of their own
 * keep it elsewhere: not observed.
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

enum phase { NOT_CALIBRATED, RELEASING, TAKING, CALIBRATED };

static uintptr_t runtime_begin, runtime_end;
static _Atomic uintptr_t dropped_at, taken_at; /* cond and switch_cond, 0 before calibration */
static __thread enum phase phase __attribute__((tls_model("initial-exec")));
static int seen;
static uintptr_t seen_at, released_at;

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

static void say(enum probe_gil what, uintptr_t condition)
{
    struct probe_ring *ring = probe_observing();
    struct probe_thread *thread = ring ? probe_thread() : NULL;
    if (!thread || thread->ended)
        return;
    thread->gil = what;
    probe_emit(ring, probe_now(), thread->lane, PROBE_GIL, (int)what, NULL, condition);
}

/* Called with the condition variable that is about to be signalled. */
static void signalled(uintptr_t condition)
{
    if (condition == atomic_load_explicit(&dropped_at, memory_order_relaxed))
        say(PROBE_GIL_DROP, condition);
    else if (condition == atomic_load_explicit(&taken_at, memory_order_relaxed))
        say(PROBE_GIL_TAKE, condition);
    else if (phase == RELEASING || phase == TAKING) {
        if (condition >= runtime_begin && condition < runtime_end) {
            seen++;
            seen_at = condition;
        }
    }
}

/* Whether the calling thread has it for certain. */
bool probe_gil_held(void)
{
    return atomic_load_explicit(&taken_at, memory_order_relaxed) && probe_observing() && probe_thread()->gil == PROBE_GIL_TAKE;
}

static bool is_gil(uintptr_t condition)
{
    uintptr_t at = atomic_load_explicit(&dropped_at, memory_order_relaxed);
    return at && (condition == at || condition == atomic_load_explicit(&taken_at, memory_order_relaxed));
}

/* A thread that waits in several turns of the switch interval waits once. */
static void waits(uintptr_t condition)
{
    if (is_gil(condition) && probe_observing() && probe_thread()->gil != PROBE_GIL_WAIT)
        say(PROBE_GIL_WAIT, condition);
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

/* --- calibration: the hooks call begin, release the GIL, call `released`, take it again and call end */

void probe_gil_begin(void)
{
    find_runtime();
    seen = 0;
    phase = RELEASING;
}

void probe_gil_released(void)
{
    released_at = seen == 1 ? seen_at : 0;
    seen = 0;
    phase = TAKING;
}

/* NULL when the GIL is now observed, otherwise why it is not. The caller holds it. */
const char *probe_gil_end(void)
{
    phase = CALIBRATED;
    if (!runtime_begin)
        return "_PyRuntime is not in the dynamic symbol table";
    if (!released_at || seen != 1 || seen_at == released_at)
        return "one release and one take did not signal one condition variable each";
    atomic_store(&taken_at, seen_at);
    atomic_store(&dropped_at, released_at);
    say(PROBE_GIL_TAKE, seen_at);
    return NULL;
}

/* The child of a fork goes on holding what its parent's thread held. */
void probe_gil_after_fork(bool held)
{
    if (held && atomic_load(&taken_at))
        say(PROBE_GIL_TAKE, atomic_load(&taken_at));
}
