/* Which descriptors never wait (O_NONBLOCK), remembered: to ask is a system call, and it would be asked at each read and write.
 *
 * Remembered only of sockets that this process has made itself and nobody else can have, and only that one never waits: until
 * its number is closed, and of all of them until somebody makes any of them wait again. A child that is forked has what its
 * parent has, and may change it unseen; so has whoever is sent descriptors. All others are asked each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "descriptors.h"
#include "preload.h"

REAL(fcntl, NULL)
REAL(fcntl64, NULL)
REAL(ioctl, NULL)
REAL(socket, NULL)

enum { NOT_OURS, OURS, FIRST_TURN };

static _Atomic uint32_t known[PROBE_DESCRIPTORS]; /* NOT_OURS, OURS, or the turn in which it was found never to wait */
static _Atomic uint32_t turn = FIRST_TURN;

static void set(int fd, uint32_t what)
{
    if (fd >= 0 && fd < PROBE_DESCRIPTORS)
        atomic_store_explicit(&known[fd], what, memory_order_relaxed);
}

void probe_is_ours(int fd)
{
    set(fd, OURS);
}

void probe_is_not_ours(int fd)
{
    set(fd, NOT_OURS);
}

void probe_none_is_ours(void)
{
    for (int fd = 0; fd < PROBE_DESCRIPTORS; fd++)
        set(fd, NOT_OURS);
}

bool probe_never_waits(int fd)
{
    uint32_t now = atomic_load_explicit(&turn, memory_order_acquire); /* read first: what is changed meanwhile is a later one */
    uint32_t before = fd >= 0 && fd < PROBE_DESCRIPTORS ? atomic_load_explicit(&known[fd], memory_order_relaxed) : NOT_OURS;
    if (before == now)
        return true;
    int saved = errno, flags = real_fcntl()(fd, F_GETFL);
    errno = saved;
    bool never = flags >= 0 && flags & O_NONBLOCK;
    if (before != NOT_OURS && never) /* unless it was closed meanwhile */
        atomic_compare_exchange_strong(&known[fd], &before, now);
    return never;
}

EXPORT int socket(int domain, int type, int protocol)
{
    int fd = real_socket()(domain, type, protocol);
    probe_is_ours(fd);
    return fd;
}

/* --- where one is made to wait again: told afterwards, as whoever asks before that is told what was */

static void waits_again(bool yes)
{
    if (yes)
        atomic_fetch_add_explicit(&turn, 1, memory_order_release);
}

#define OBSERVE_FLAGS(last, asks, real)                                                                                        \
    do {                                                                                                                       \
        va_list more;                                                                                                          \
        va_start(more, last);                                                                                                  \
        void *argument = va_arg(more, void *);                                                                                 \
        va_end(more);                                                                                                          \
        int result = real()(fd, last, argument);                                                                               \
        waits_again(asks);                                                                                                     \
        return result;                                                                                                         \
    } while (0)

EXPORT int fcntl(int fd, int command, ...)
{
    OBSERVE_FLAGS(command, command == F_SETFL && !((uintptr_t)argument & O_NONBLOCK), real_fcntl);
}

EXPORT int fcntl64(int fd, int command, ...)
{
    OBSERVE_FLAGS(command, command == F_SETFL && !((uintptr_t)argument & O_NONBLOCK), real_fcntl64);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    OBSERVE_FLAGS(request, request == FIONBIO && result == 0 && *(int *)argument == 0, real_ioctl);
}
