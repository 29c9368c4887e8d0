/* Waiting for time, for a lock, for a child, for a thread. */
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>

#include "observe.h"
#include "wakes.h"

REAL(nanosleep, NULL)
REAL(clock_nanosleep, NULL)
REAL(sem_wait, NULL)
REAL(sem_trywait, NULL)
REAL(sem_timedwait, NULL)
REAL(sem_clockwait, NULL)
REAL(waitpid, NULL)
REAL(wait4, NULL)
REAL(waitid, NULL)
REAL(pthread_join, NULL)

static uint64_t nanoseconds(const struct timespec *t)
{
    return t ? (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec : PROBE_NO_VALUE;
}

EXPORT int nanosleep(const struct timespec *want, struct timespec *left)
{
    OBSERVE(int, PROBE_STATE_SLEEP, nanoseconds(want), real_nanosleep()(want, left));
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want, struct timespec *left)
{
    uint64_t delay = nanoseconds(want);
    if (flags & TIMER_ABSTIME) {
        struct timespec now;
        clock_gettime(clock, &now);
        delay = delay > nanoseconds(&now) ? delay - nanoseconds(&now) : 0;
    }
    OBSERVE(int, PROBE_STATE_SLEEP, delay, real_clock_nanosleep()(clock, flags, want, left));
}

/* A semaphore that is free is taken without a record: only a wait that may last is one. Taking it is a cancellation point. */
static bool taken_at_once(sem_t *lock)
{
    int saved = errno;
    pthread_testcancel();
    bool taken = real_sem_trywait()(lock) == 0;
    errno = saved;
    if (taken)
        probe_taken(lock);
    else
        probe_waits_for(lock);
    return taken;
}

static int woken(int result, const sem_t *lock, uint64_t posts_before)
{
    if (result == 0) {
        probe_woken(lock, posts_before);
        probe_taken(lock);
    }
    return result;
}

EXPORT int sem_trywait(sem_t *lock)
{
    int result = real_sem_trywait()(lock);
    if (result == 0) {
        probe_taken(lock);
    } else if (errno == EAGAIN) {
        probe_failed(lock);
        errno = EAGAIN;
    }
    return result;
}

EXPORT int sem_wait(sem_t *lock)
{
    uint64_t posts = probe_posts(lock);
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)probe_meant(lock), woken(real_sem_wait()(lock), lock, posts));
}

EXPORT int sem_timedwait(sem_t *restrict lock, const struct timespec *restrict until)
{
    uint64_t posts = probe_posts(lock);
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)probe_meant(lock), woken(real_sem_timedwait()(lock, until), lock, posts));
}

EXPORT int sem_clockwait(sem_t *restrict lock, clockid_t clock, const struct timespec *restrict until)
{
    uint64_t posts = probe_posts(lock);
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)probe_meant(lock), woken(real_sem_clockwait()(lock, clock, until), lock, posts));
}

/* A child's end leads to whoever learns of it: from its first thread, whose id is the process's. */
static pid_t reaped(pid_t pid)
{
    struct probe_ring *ring = pid > 0 ? probe_observing() : NULL;
    if (ring && probe_armed() && !probe_in_vfork_child() && !probe_thread()->ended && !probe_thread()->finished)
        probe_emit(ring, probe_now(), probe_thread()->lane, PROBE_FAR_FLOW, PROBE_FLOW_JOIN, NULL, (uint32_t)pid);
    return pid;
}

static int reaped_by_id(int result, const siginfo_t *info)
{
    if (result == 0 && info && (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED))
        reaped(info->si_pid);
    return result;
}

static uint64_t child(pid_t pid)
{
    return pid > 0 ? (uint64_t)pid : PROBE_NO_VALUE;
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
    OBSERVE(pid_t, PROBE_STATE_CHILD, child(pid), reaped(real_waitpid()(pid, status, options)));
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    OBSERVE(pid_t, PROBE_STATE_CHILD, child(pid), reaped(real_wait4()(pid, status, options, usage)));
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    OBSERVE(int, PROBE_STATE_CHILD, type == P_PID ? id : PROBE_NO_VALUE,
            reaped_by_id(real_waitid()(type, id, info, options), info));
}

EXPORT int pthread_join(pthread_t thread, void **result)
{
    OBSERVE(int, PROBE_STATE_JOIN, PROBE_NO_VALUE, real_pthread_join()(thread, result));
}
