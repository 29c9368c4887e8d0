/* What a descriptor is: said once, when a call on it is first recorded, and again when the number has come to mean another
 * thing.
 *
 * Which thing it is, its inode tells: read and write ask for it anyway; for calls that do not, whoever closes or replaces a
 * descriptor forgets it. A description names both ends where there are two, own end first, so that who reads what another
 * wrote can be found: "TCP 127.0.0.1:8000 ↔ 127.0.0.1:40512", "pipe:[4711]", "socketpair:[17] ↔ [18]".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "preload.h"
#include "descriptors.h"

#define PAIRS 256u
#define BOTH " \xe2\x86\x94 "
#define ADDRESS 120
#define TEXT PROBE_STRING_MAX_BYTES

REAL(close, NULL)
REAL(dup2, NULL)
REAL(dup3, NULL)
REAL(close_range, NULL)
REAL(socketpair, NULL)

struct described {
    _Atomic uint64_t inode;
    _Atomic uint32_t text; /* 0 while it is not described in this ring */
};

static struct described descriptors[PROBE_DESCRIPTORS];
static struct pair {
    uint64_t one, other; /* inodes of the two ends of a socketpair; those of a fork are its parent's too */
} pairs[PAIRS];
static _Atomic uint32_t pair_count;

void probe_descriptors_forget(void)
{
    for (size_t i = 0; i < PROBE_DESCRIPTORS; i++)
        atomic_store_explicit(&descriptors[i].text, 0, memory_order_relaxed);
}

void probe_forget(int fd)
{
    if (fd >= 0 && fd < PROBE_DESCRIPTORS)
        atomic_store_explicit(&descriptors[fd].text, 0, memory_order_relaxed);
}

static void replaced(int fd)
{
    probe_forget(fd);
    probe_is_not_ours(fd);
}

void probe_is_inode(int fd, uint64_t inode)
{
    if (fd >= 0 && fd < PROBE_DESCRIPTORS && atomic_load_explicit(&descriptors[fd].inode, memory_order_relaxed) != inode)
        replaced(fd);
}

/* --- words */

size_t probe_address(const struct sockaddr *address, socklen_t size, char *into)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (size >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        return (size_t)snprintf(into, ADDRESS, "%s:%u", host, ntohs(in->sin_port));
    }
    if (size >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        return (size_t)snprintf(into, ADDRESS, "[%s]:%u", host, ntohs(in->sin6_port));
    }
    if (address->sa_family != AF_UNIX || size <= offsetof(struct sockaddr_un, sun_path))
        return (size_t)(into[0] = 0);
    const char *path = ((const struct sockaddr_un *)address)->sun_path; /* an abstract one begins with a zero */
    int length = (int)(size - offsetof(struct sockaddr_un, sun_path)), hidden = path[0] == 0;
    int wrote = snprintf(into, ADDRESS, "%s%.*s", hidden ? "@" : "", length - hidden, path + hidden);
    return (size_t)(wrote < ADDRESS ? wrote : ADDRESS - 1);
}

static const char *protocol(int fd, int family)
{
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    if (family == AF_UNIX)
        return "Unix";
    return type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "socket";
}

static bool say_pair(uint64_t inode, char *into)
{
    uint32_t count = atomic_load_explicit(&pair_count, memory_order_acquire);
    for (uint32_t i = count > PAIRS ? count - PAIRS : 0; i < count; i++) {
        struct pair pair = pairs[i % PAIRS];
        uint64_t other = pair.one == inode ? pair.other : pair.other == inode ? pair.one : 0;
        if (!other)
            continue;
        snprintf(into, TEXT, "socketpair:[%llu]" BOTH "[%llu]", (unsigned long long)inode, (unsigned long long)other);
        return true;
    }
    return false;
}

static void say_socket(int fd, uint64_t inode, char *into)
{
    struct sockaddr_storage address;
    struct sockaddr *at = (struct sockaddr *)&address;
    char own[ADDRESS] = "", peer[ADDRESS] = "";
    socklen_t size = sizeof address;
    if (getsockname(fd, at, &size) != 0) {
        snprintf(into, TEXT, "socket:[%llu]", (unsigned long long)inode);
        return;
    }
    int family = address.ss_family;
    probe_address(at, size, own);
    size = sizeof address;
    bool connected = getpeername(fd, at, &size) == 0;
    if (connected)
        probe_address(at, size, peer);
    if (family == AF_UNIX && say_pair(inode, into))
        return;
    int listens = 0;
    socklen_t length = sizeof listens;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
    snprintf(into, TEXT, "%s%s %s%s%s", protocol(fd, family), listens ? " listen" : "", own, *peer ? BOTH : "", peer);
}

static void say_link(int fd, char *into)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, into, TEXT - 1);
    into[size > 0 ? size : 0] = 0;
}

static void say(int fd, const struct stat *status, char *into)
{
    into[0] = 0;
    if (S_ISFIFO(status->st_mode))
        snprintf(into, TEXT, "pipe:[%llu]", (unsigned long long)status->st_ino);
    else if (S_ISSOCK(status->st_mode))
        say_socket(fd, status->st_ino, into);
    else
        say_link(fd, into);
}

/* Its string, made the first time; 0 when it has none. */
uint32_t probe_description(int fd)
{
    struct probe_ring *ring = probe_observing();
    if (!ring || fd < 0 || fd >= PROBE_DESCRIPTORS)
        return 0;
    uint32_t known = atomic_load_explicit(&descriptors[fd].text, memory_order_relaxed);
    if (known)
        return known;
    int saved = errno;
    struct stat status;
    char text[TEXT];
    if (fstat(fd, &status) == 0) {
        say(fd, &status, text);
        known = *text ? probe_text(text, strlen(text)) : 0;
    }
    errno = saved;
    if (!known)
        return 0;
    struct probe_where said = {.text = known};
    probe_emit(ring, probe_now(), 0, PROBE_OBJECT, 0, &said, (uint64_t)fd);
    atomic_store_explicit(&descriptors[fd].inode, status.st_ino, memory_order_relaxed);
    atomic_store_explicit(&descriptors[fd].text, known, memory_order_relaxed);
    return known;
}

/* --- where a number comes to mean another thing */

EXPORT int close(int fd)
{
    replaced(fd);
    return real_close()(fd);
}

EXPORT int dup2(int from, int to)
{
    replaced(to);
    return real_dup2()(from, to);
}

EXPORT int dup3(int from, int to, int flags)
{
    replaced(to);
    return real_dup3()(from, to, flags);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
    for (unsigned int fd = first; fd <= last && fd < PROBE_DESCRIPTORS; fd++)
        replaced((int)fd);
    return real_close_range()(first, last, flags);
}

EXPORT int socketpair(int domain, int type, int protocol, int made[2])
{
    int result = real_socketpair()(domain, type, protocol, made);
    struct stat one, other;
    int saved = errno;
    if (result == 0 && probe_observing() && fstat(made[0], &one) == 0 && fstat(made[1], &other) == 0) {
        pairs[atomic_load(&pair_count) % PAIRS] = (struct pair){one.st_ino, other.st_ino};
        atomic_fetch_add_explicit(&pair_count, 1, memory_order_release);
        probe_forget(made[0]);
        probe_forget(made[1]);
    }
    for (int i = 0; result == 0 && i < 2; i++)
        probe_is_ours(made[i]);
    errno = saved;
    return result;
}
