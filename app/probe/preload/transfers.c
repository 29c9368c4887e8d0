/* Descriptors: reading, writing, connecting, and waiting until one of many is ready. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "descriptors.h"
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
    probe_is_inode(fd, status.st_ino);
    if (S_ISFIFO(status.st_mode))
        return PROBE_STATE_PIPE;
    return S_ISSOCK(status.st_mode) ? for_socket : PROBE_STATE_FILE;
}

/* What a child of vfork writes (why it could not become the other program) is not its parent's doing. */
static bool not_ours(void)
{
    return probe_idle() || probe_in_vfork_child();
}

EXPORT ssize_t read(int fd, void *into, size_t size)
{
    if (probe_idle())
        return real_read()(fd, into, size);
    OBSERVE_IO(by_descriptor(fd, PROBE_STATE_READ), fd, false, false, real_read()(fd, into, size));
}

EXPORT ssize_t readv(int fd, const struct iovec *into, int count)
{
    if (probe_idle())
        return real_readv()(fd, into, count);
    OBSERVE_IO(by_descriptor(fd, PROBE_STATE_READ), fd, false, false, real_readv()(fd, into, count));
}

EXPORT ssize_t recv(int fd, void *into, size_t size, int flags)
{
    if (probe_idle())
        return real_recv()(fd, into, size, flags);
    if (flags & MSG_PEEK) /* moves nothing */
        OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recv()(fd, into, size, flags));
    OBSERVE_IO(PROBE_STATE_READ, fd, false, flags & MSG_DONTWAIT, real_recv()(fd, into, size, flags));
}

EXPORT ssize_t recvfrom(int fd, void *restrict into, size_t size, int flags, struct sockaddr *restrict from,
                        socklen_t *restrict length)
{
    if (probe_idle())
        return real_recvfrom()(fd, into, size, flags, from, length);
    if (flags & MSG_PEEK) /* moves nothing */
        OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recvfrom()(fd, into, size, flags, from, length));
    OBSERVE_IO(PROBE_STATE_READ, fd, false, flags & MSG_DONTWAIT, real_recvfrom()(fd, into, size, flags, from, length));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (probe_idle())
        return real_recvmsg()(fd, message, flags);
    if (flags & MSG_PEEK) /* moves nothing */
        OBSERVE(ssize_t, PROBE_STATE_READ, (uint64_t)fd, real_recvmsg()(fd, message, flags));
    OBSERVE_IO(PROBE_STATE_READ, fd, false, flags & MSG_DONTWAIT, real_recvmsg()(fd, message, flags));
}

EXPORT ssize_t write(int fd, const void *from, size_t size)
{
    if (not_ours())
        return real_write()(fd, from, size);
    if (fd == 1 || fd == 2)
        probe_output(fd, from, size);
    OBSERVE_IO(by_descriptor(fd, PROBE_STATE_WRITE), fd, true, false, real_write()(fd, from, size));
}

EXPORT ssize_t writev(int fd, const struct iovec *from, int count)
{
    if (not_ours())
        return real_writev()(fd, from, count);
    for (int i = 0; (fd == 1 || fd == 2) && i < count; i++)
        probe_output(fd, from[i].iov_base, from[i].iov_len);
    OBSERVE_IO(by_descriptor(fd, PROBE_STATE_WRITE), fd, true, false, real_writev()(fd, from, count));
}

EXPORT ssize_t send(int fd, const void *from, size_t size, int flags)
{
    if (probe_idle())
        return real_send()(fd, from, size, flags);
    OBSERVE_IO(PROBE_STATE_WRITE, fd, true, flags & MSG_DONTWAIT, real_send()(fd, from, size, flags));
}

EXPORT ssize_t sendto(int fd, const void *from, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    if (probe_idle())
        return real_sendto()(fd, from, size, flags, to, length);
    OBSERVE_IO(PROBE_STATE_WRITE, fd, true, flags & MSG_DONTWAIT, real_sendto()(fd, from, size, flags, to, length));
}

static bool sends_descriptors(const struct msghdr *message)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR((struct msghdr *)message, at))
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
            return true;
    return false;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (probe_idle())
        return real_sendmsg()(fd, message, flags);
    if (message && sends_descriptors(message))
        probe_none_is_ours();
    OBSERVE_IO(PROBE_STATE_WRITE, fd, true, flags & MSG_DONTWAIT, real_sendmsg()(fd, message, flags));
}

/* What was there under this number is another connection now. */
static int accepted(int fd)
{
    probe_forget(fd);
    probe_is_ours(fd);
    return fd;
}

EXPORT int accept(int fd, struct sockaddr *restrict from, socklen_t *restrict length)
{
    OBSERVE_IO(PROBE_STATE_ACCEPT, fd, false, false, accepted(real_accept()(fd, from, length)));
}

EXPORT int accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict length, int flags)
{
    OBSERVE_IO(PROBE_STATE_ACCEPT, fd, false, false, accepted(real_accept4()(fd, from, length, flags)));
}

static void about(uint32_t text)
{
    probe_thread()->about = (struct probe_about){.text = text};
}

static int connected(int fd, int result)
{
    probe_forget(fd);
    return result;
}

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    char address[120];
    if (probe_idle() || !to || length < sizeof to->sa_family)
        return real_connect()(fd, to, length);
    about(probe_intern(address, probe_address(to, length, address)));
    OBSERVE(int, PROBE_STATE_CONNECT, (uint64_t)fd, connected(fd, real_connect()(fd, to, length)));
}

/* Of many descriptors their number says enough; a single one is named. */
static void about_polled(const struct pollfd *fds, nfds_t count)
{
    if (count == 1 && !probe_idle())
        about(probe_description(fds->fd));
}

EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    about_polled(fds, count);
    OBSERVE(int, PROBE_STATE_POLL, count, real_poll()(fds, count, timeout_ms));
}

EXPORT int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    about_polled(fds, count);
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
