/* Blocking calls: the calling thread's lane says for how long, on what and from which line of the script it was in libc.
 *
 * Every function here has its C library prototype and meaning; it only brackets the real call with two records and keeps
 * errno. Calls made by an observed call itself (busy) are part of it. Reads and writes of plain files come by the thousand
 * while modules are imported: they are recorded afterwards, and only if they took longer than FILE_WORTH_NS.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload.h"
#include "wakes.h"

#define FILE_WORTH_NS 50000

static void emit_with_place(struct probe_ring *ring, uint64_t t_ns, struct probe_thread *thread, enum probe_state state,
                            uint64_t value)
{
    struct probe_where where = {0};
    void (*find)(struct probe_where *) = atomic_load_explicit(&probe_find, memory_order_acquire);
    if (find)
        find(&where);
    probe_emit(ring, t_ns, thread->lane, PROBE_STATE, (int)state, &where, value);
}

/* The thread, marked busy, when this call is to be recorded; NULL otherwise. */
static struct probe_thread *enter(enum probe_state state, uint64_t value)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return NULL;
    struct probe_thread *thread = probe_thread();
    if (thread->busy || thread->ended || thread->finished || !probe_armed())
        return NULL;
    thread->busy = 1;
    uint64_t now = probe_now();
    if (state == PROBE_STATE_FILE) {
        thread->since_ns = now;
        return thread;
    }
    emit_with_place(ring, now, thread, state, value);
    if (thread->loop && state == PROBE_STATE_POLL)
        probe_emit(ring, now, thread->loop, PROBE_STATE, PROBE_STATE_POLL, NULL, value);
    return thread;
}

static void leave(struct probe_thread *thread, enum probe_state state, uint64_t value)
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
        emit_with_place(ring, thread->since_ns, thread, state, value);
    }
    probe_emit(ring, now, thread->lane, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
    if (thread->loop && state == PROBE_STATE_POLL)
        probe_emit(ring, now, thread->loop, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
}

/* Bracket `call` and give its result; errno stays what the call made it. */
#define OBSERVE(type, what, number, call)                                                                                      \
    do {                                                                                                                       \
        enum probe_state state = what;                                                                                         \
        uint64_t value = number;                                                                                               \
        struct probe_thread *observed = enter(state, value);                                                                   \
        type given = (call);                                                                                                   \
        int saved = errno;                                                                                                     \
        leave(observed, state, value);                                                                                         \
        errno = saved;                                                                                                         \
        return given;                                                                                                          \
    } while (0)

/* read and write serve files, pipes and sockets alike; which it is costs one fstat. */
static enum probe_state by_descriptor(int fd, enum probe_state for_socket)
{
    struct stat status;
    int saved = errno;
    int known = fstat(fd, &status);
    errno = saved;
    if (known != 0)
        return for_socket;
    if (S_ISFIFO(status.st_mode))
        return PROBE_STATE_PIPE;
    return S_ISSOCK(status.st_mode) ? for_socket : PROBE_STATE_FILE;
}

static bool idle(void)
{
    return !probe_observing() || !probe_armed() || probe_thread()->busy;
}

/* What a child of vfork writes (why it could not become the other program) is not its parent's doing. */
static bool not_ours(void)
{
    return idle() || probe_in_vfork_child();
}

static uint64_t nanoseconds(const struct timespec *t)
{
    return t ? (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec : PROBE_NO_VALUE;
}

REAL(nanosleep, NULL)
REAL(clock_nanosleep, NULL)
REAL(sem_wait, NULL)
REAL(sem_trywait, NULL)
REAL(sem_timedwait, NULL)
REAL(sem_clockwait, NULL)
REAL(read, NULL)
REAL(readv, NULL)
REAL(recv, NULL)
REAL(recvfrom, NULL)
REAL(recvmsg, NULL)
REAL(write, NULL)
REAL(writev, NULL)
REAL(send, NULL)
REAL(sendto, NULL)
REAL(sendmsg, NULL)
REAL(accept, NULL)
REAL(accept4, NULL)
REAL(connect, NULL)
REAL(poll, NULL)
REAL(ppoll, NULL)
REAL(select, NULL)
REAL(pselect, NULL)
REAL(epoll_wait, NULL)
REAL(epoll_pwait, NULL)
REAL(waitpid, NULL)
REAL(wait4, NULL)
REAL(waitid, NULL)
REAL(pthread_join, NULL)

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
    return taken;
}

static int woken(int result, const sem_t *lock)
{
    if (result == 0)
        probe_woken(lock);
    return result;
}

EXPORT int sem_wait(sem_t *lock)
{
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)lock, woken(real_sem_wait()(lock), lock));
}

EXPORT int sem_timedwait(sem_t *restrict lock, const struct timespec *restrict until)
{
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)lock, woken(real_sem_timedwait()(lock, until), lock));
}

EXPORT int sem_clockwait(sem_t *restrict lock, clockid_t clock, const struct timespec *restrict until)
{
    if (taken_at_once(lock))
        return 0;
    OBSERVE(int, PROBE_STATE_LOCK, (uintptr_t)lock, woken(real_sem_clockwait()(lock, clock, until), lock));
}

EXPORT ssize_t read(int fd, void *into, size_t size)
{
    if (idle())
        return real_read()(fd, into, size);
    OBSERVE(ssize_t, by_descriptor(fd, PROBE_STATE_READ), (uint64_t)fd, real_read()(fd, into, size));
}

EXPORT ssize_t readv(int fd, const struct iovec *into, int count)
{
    if (idle())
        return real_readv()(fd, into, count);
    OBSERVE(ssize_t, by_descriptor(fd, PROBE_STATE_READ), (uint64_t)fd, real_readv()(fd, into, count));
}

EXPORT ssize_t recv(int fd, void *into, size_t size, int flags)
{
    OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recv()(fd, into, size, flags));
}

EXPORT ssize_t recvfrom(int fd, void *restrict into, size_t size, int flags, struct sockaddr *restrict from,
                        socklen_t *restrict length)
{
    OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recvfrom()(fd, into, size, flags, from, length));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recvmsg()(fd, message, flags));
}

EXPORT ssize_t write(int fd, const void *from, size_t size)
{
    if (not_ours())
        return real_write()(fd, from, size);
    if (fd == 1 || fd == 2)
        probe_output(fd, from, size);
    OBSERVE(ssize_t, by_descriptor(fd, PROBE_STATE_WRITE), (uint64_t)fd, real_write()(fd, from, size));
}

EXPORT ssize_t writev(int fd, const struct iovec *from, int count)
{
    if (not_ours())
        return real_writev()(fd, from, count);
    for (int i = 0; (fd == 1 || fd == 2) && i < count; i++)
        probe_output(fd, from[i].iov_base, from[i].iov_len);
    OBSERVE(ssize_t, by_descriptor(fd, PROBE_STATE_WRITE), (uint64_t)fd, real_writev()(fd, from, count));
}

EXPORT ssize_t send(int fd, const void *from, size_t size, int flags)
{
    OBSERVE(ssize_t, PROBE_STATE_WRITE, (uint64_t)fd, real_send()(fd, from, size, flags));
}

EXPORT ssize_t sendto(int fd, const void *from, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    OBSERVE(ssize_t, PROBE_STATE_WRITE, (uint64_t)fd, real_sendto()(fd, from, size, flags, to, length));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    OBSERVE(ssize_t, PROBE_STATE_WRITE, (uint64_t)fd, real_sendmsg()(fd, message, flags));
}

EXPORT int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict length)
{
    OBSERVE(int, PROBE_STATE_ACCEPT, (uint64_t)fd, real_accept()(fd, from, length));
}

EXPORT int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length, int flags)
{
    OBSERVE(int, PROBE_STATE_ACCEPT, (uint64_t)fd, real_accept4()(fd, from, length, flags));
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    OBSERVE(int, PROBE_STATE_CONNECT, (uint64_t)fd, real_connect()(fd, to, length));
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    OBSERVE(int, PROBE_STATE_POLL, count, real_poll()(fds, count, timeout_ms));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    OBSERVE(int, PROBE_STATE_POLL, count, real_ppoll()(fds, count, timeout, mask));
}

EXPORT int select(int count, fd_set *restrict r, fd_set *restrict w, fd_set *restrict x, struct timeval *restrict timeout)
{
    /* select without descriptors is the old way to sleep */
    bool sleeps = count == 0 && timeout;
    uint64_t delay = timeout ? (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_usec * 1000u : 0;
    OBSERVE(int, sleeps ? PROBE_STATE_SLEEP : PROBE_STATE_POLL, sleeps ? delay : (uint64_t)count,
            real_select()(count, r, w, x, timeout));
}

EXPORT int pselect(int count, fd_set *restrict r, fd_set *restrict w, fd_set *restrict x,
                   const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
    OBSERVE(int, PROBE_STATE_POLL, (uint64_t)count, real_pselect()(count, r, w, x, timeout, mask));
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    OBSERVE(int, PROBE_STATE_POLL, PROBE_NO_VALUE, real_epoll_wait()(fd, events, most, timeout_ms));
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int most, int timeout_ms, const sigset_t *mask)
{
    OBSERVE(int, PROBE_STATE_POLL, PROBE_NO_VALUE, real_epoll_pwait()(fd, events, most, timeout_ms, mask));
}

static uint64_t child(pid_t pid)
{
    return pid > 0 ? (uint64_t)pid : PROBE_NO_VALUE;
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
    OBSERVE(pid_t, PROBE_STATE_CHILD, child(pid), real_waitpid()(pid, status, options));
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    OBSERVE(pid_t, PROBE_STATE_CHILD, child(pid), real_wait4()(pid, status, options, usage));
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    OBSERVE(int, PROBE_STATE_CHILD, type == P_PID ? id : PROBE_NO_VALUE, real_waitid()(type, id, info, options));
}

EXPORT int pthread_join(pthread_t thread, void **result)
{
    OBSERVE(int, PROBE_STATE_JOIN, PROBE_NO_VALUE, real_pthread_join()(thread, result));
}
