/* How a process says itself that it ends: by exit, by _exit, or by becoming another program. What says nothing was killed. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "preload.h"

REAL(_exit, NULL)
REAL(execve, NULL)
REAL(fexecve, NULL)

static void end_process(int status)
{
    struct probe_ring *ring = probe_observing();
    if (ring && !probe_in_vfork_child() && !probe_armed())
        probe_arms_itself();
    if (ring && !probe_in_vfork_child())
        probe_emit(ring, probe_now(), 0, PROBE_STATE, status ? PROBE_STATE_FAILED : PROBE_STATE_FINISHED, NULL,
                   (uint64_t)(uint32_t)(status & 0xff));
}

static void on_normal_exit(int status, void *unused)
{
    (void)unused;
    end_process(status);
}

void probe_ends_start(void)
{
    on_exit(on_normal_exit, NULL);
}

EXPORT __attribute__((noreturn)) void _exit(int status)
{
    end_process(status);
    real__exit()(status);
    __builtin_unreachable();
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
    _exit(status);
}

/* --- becoming another program: the old one has ended, in good order. Not for a child of vfork, whose ring is its parent's. */

static bool says_exec(void)
{
    struct probe_ring *ring = probe_observing();
    if (!ring || probe_in_vfork_child())
        return false;
    probe_emit(ring, probe_now(), 0, PROBE_STATE, PROBE_STATE_FINISHED, NULL, PROBE_NO_VALUE);
    return true;
}

static void did_not_exec(bool said)
{
    int saved = errno;
    struct probe_ring *ring = probe_observing();
    if (said && ring)
        probe_emit(ring, probe_now(), 0, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    errno = saved;
}

EXPORT int execve(const char *path, char *const argv[], char *const environment[])
{
    bool said = says_exec();
    int result = real_execve()(path, argv, environment);
    did_not_exec(said);
    return result;
}

EXPORT int fexecve(int fd, char *const argv[], char *const environment[])
{
    bool said = says_exec();
    int result = real_fexecve()(fd, argv, environment);
    did_not_exec(said);
    return result;
}

EXPORT int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}
