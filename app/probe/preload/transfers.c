/* Descriptors: reading, writing, connecting, and waiting until one of many is ready. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "observe.h"

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

static bool waits(int fd, int flags)
{
    int saved = errno;
    int status = fcntl(fd, F_GETFL);
    errno = saved;
    return !(flags & MSG_DONTWAIT) && (status < 0 || !(status & O_NONBLOCK));
}

/* A read that does not wait for data fails with EAGAIN when there are none: its record says so. */
#define OBSERVE_READ(what, fd, flags, call)                                                                                    \
    do {                                                                                                                       \
        enum probe_state reads = what;                                                                                         \
        if (reads == PROBE_STATE_FILE || probe_idle() || waits(fd, flags))                                                     \
            OBSERVE(ssize_t, reads, (uint64_t)fd, call);                                                                       \
        struct probe_thread *trying = probe_enter_at_once();                                                                   \
        ssize_t got = (call);                                                                                                  \
        int failed = errno;                                                                                                    \
        probe_leave_at_once(trying, reads, (uint64_t)fd, got < 0 && failed == EAGAIN ? "EAGAIN" : NULL);                       \
        errno = failed;                                                                                                        \
        return got;                                                                                                            \
    } while (0)

/* What a child of vfork writes (why it could not become the other program) is not its parent's doing. */
static bool not_ours(void)
{
    return probe_idle() || probe_in_vfork_child();
}

EXPORT ssize_t read(int fd, void *into, size_t size)
{
    if (probe_idle())
        return real_read()(fd, into, size);
    OBSERVE_READ(by_descriptor(fd, PROBE_STATE_READ), fd, 0, real_read()(fd, into, size));
}

EXPORT ssize_t readv(int fd, const struct iovec *into, int count)
{
    if (probe_idle())
        return real_readv()(fd, into, count);
    OBSERVE_READ(by_descriptor(fd, PROBE_STATE_READ), fd, 0, real_readv()(fd, into, count));
}

EXPORT ssize_t recv(int fd, void *into, size_t size, int flags)
{
    OBSERVE_READ(PROBE_STATE_READ, fd, flags, real_recv()(fd, into, size, flags));
}

EXPORT ssize_t recvfrom(int fd, void *restrict into, size_t size, int flags, struct sockaddr *restrict from,
                        socklen_t *restrict length)
{
    OBSERVE_READ(PROBE_STATE_READ, fd, flags, real_recvfrom()(fd, into, size, flags, from, length));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    OBSERVE_READ(PROBE_STATE_READ, fd, flags, real_recvmsg()(fd, message, flags));
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
