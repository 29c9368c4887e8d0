/* The ring's life: made when a Python process starts, made again after a fork, ended with the process.
 *
 * Nothing here may disturb a program that is not ours to observe: without SCHEDSCOPE_RINGS, or in a program that is not
 * Python (no _PyRuntime), the library stays silent.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "descriptors.h"
#include "preload.h"
#include "wakes.h"

#define SLOTS_OF_PROGRAM (1u << 19) /* 16 MiB: a busy half second while the recorder is kept off the cores */
#define SLOTS_OF_FORK (1u << 16)    /* 2 MiB: a fork must stay cheap */
#define SLOTS_LEAST (1u << 12)

_Static_assert(sizeof(struct probe_record) == 32, "a record is 32 bytes");
_Static_assert(sizeof(struct probe_string_record) == 32, "a string piece is a record");
_Static_assert(offsetof(struct probe_record, kind) == offsetof(struct probe_string_record, kind), "one kind byte");
_Static_assert(sizeof(struct probe_ring) <= PROBE_SLOTS_OFFSET, "the head of a ring fits its page");

struct probe_ring *_Atomic probe_ring;
void (*_Atomic probe_find)(struct probe_where *);

_Atomic bool probe_is_armed;

static char directory[512];
static size_t mapped_bytes;

extern struct probe_real __start_probe_reals[], __stop_probe_reals[]; /* the linker's: begin and end of the section */

static void *look_up_real(struct probe_real *real)
{
    void *found = real->version ? dlvsym(RTLD_NEXT, real->name, real->version) : NULL;
    if (!found)
        found = dlsym(RTLD_NEXT, real->name);
    atomic_store_explicit(&real->found, found, memory_order_relaxed);
    return found;
}

void *probe_find_real(struct probe_real *real)
{
    void *found = look_up_real(real);
    if (!found) {
        fprintf(stderr, "schedscope: this C library has no %s\n", real->name);
        abort();
    }
    return found;
}

/* A child of vfork lives in its parent's memory: what it does before it becomes another program is not in its parent's ring. */
bool probe_in_vfork_child(void)
{
    struct probe_ring *ring = probe_observing();
    return ring && ring->pid != (int32_t)getpid();
}

/* A file longer than the program allows itself would bring SIGXFSZ upon it. */
static bool may_be_this_long(size_t bytes)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur);
}

/* A large ring must not leave the processes to come without any. */
static bool leaves_room(int fd, size_t bytes)
{
    struct statvfs folder;
    return fstatvfs(fd, &folder) != 0 || bytes <= (size_t)folder.f_bavail * folder.f_frsize / 4;
}

/* The largest ring that the run's tmpfs still holds: its pages are reserved now, so that a later write cannot fault. */
static void *map_ring(int fd, uint32_t most, uint32_t *slots)
{
    for (uint32_t n = most; n >= SLOTS_LEAST; n /= 8) {
        size_t bytes = PROBE_SLOTS_OFFSET + (size_t)n * sizeof(struct probe_record);
        if (!may_be_this_long(bytes) || !leaves_room(fd, bytes) || posix_fallocate(fd, 0, (off_t)bytes) != 0)
            continue;
        void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (at == MAP_FAILED)
            continue;
        *slots = n;
        mapped_bytes = bytes;
        return at;
    }
    return NULL;
}

static void hold_alive(struct probe_ring *ring)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&ring->alive, &attributes);
    pthread_mutex_lock(&ring->alive);
}

static struct probe_ring *make_ring(uint32_t most, uint64_t begun_ns)
{
    char path[600];
    uint64_t now = probe_now();
    snprintf(path, sizeof path, "%s/%d-%llu.part", directory, (int)getpid(), (unsigned long long)now);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return NULL;
    uint32_t slots = 0;
    struct probe_ring *ring = map_ring(fd, most, &slots);
    close(fd);
    if (!ring) {
        unlink(path);
        return NULL;
    }
    ring->version = PROBE_VERSION;
    ring->slots = slots;
    ring->pid = (int32_t)getpid();
    ring->ppid = (int32_t)getppid();
    ring->t_start_ns = begun_ns ? begun_ns : now;
    ssize_t length = readlink("/proc/self/exe", ring->program, sizeof ring->program - 1);
    ring->program[length > 0 ? length : 0] = 0;
    atomic_store(&ring->next_lane, 1);
    atomic_store(&ring->next_string, 1);
    hold_alive(ring);
    ring->magic = PROBE_MAGIC;
    char final[600]; /* the recorder opens whole rings only */
    size_t stem = strlen(path) - strlen("part");
    memcpy(final, path, stem);
    memcpy(final + stem, "ring", sizeof "ring");
    if (rename(path, final) == 0)
        return ring;
    unlink(path); /* not unmapped: this thread's list of robust mutexes leads into it */
    return NULL;
}

void probe_ring_open(uint32_t most, uint64_t begun_ns)
{
    probe_strings_forget();
    probe_wakes_forget();
    probe_locks_forget();
    probe_descriptors_forget();
    struct probe_ring *ring = make_ring(most, begun_ns);
    atomic_store_explicit(&probe_ring, ring, memory_order_release);
    probe_thread_after_fork();
}

/* A child begins when its parent forks, not when it first gets a core: so children are in the order in which they were made.
 * The forking thread's own, because several may fork at once. */
static __thread uint64_t forked_ns __attribute__((tls_model("initial-exec")));

static void note_fork(void)
{
    probe_none_is_ours();
    forked_ns = probe_now();
}

/* In the child of a fork: the parent's ring is the parent's, and of its threads only the forking one is here. */
void probe_ring_reopen_in_child(void)
{
    int saved = errno;
    struct probe_ring *inherited = atomic_exchange(&probe_ring, NULL);
    if (inherited) {
        munmap(inherited, mapped_bytes);
        probe_ring_open(SLOTS_OF_FORK, forked_ns);
    }
    errno = saved;
}

__attribute__((constructor)) static void start(void)
{
    for (struct probe_real *real = __start_probe_reals; real < __stop_probe_reals; real++)
        look_up_real(real);
    const char *rings = getenv("SCHEDSCOPE_RINGS");
    if (!rings || !*rings || strlen(rings) >= sizeof directory || !dlsym(RTLD_DEFAULT, "_PyRuntime"))
        return;
    memcpy(directory, rings, strlen(rings) + 1);
    probe_threads_start();
    probe_ring_open(SLOTS_OF_PROGRAM, 0);
    pthread_atfork(note_fork, NULL, probe_ring_reopen_in_child);
    probe_ends_start();
    probe_unhooked_start();
}

static struct probe_ring *_Atomic *const ring_address = &probe_ring;

static void set_where(void (*find)(struct probe_where *))
{
    atomic_store_explicit(&probe_find, find, memory_order_release);
}

static void set_name(struct probe_named (*name)(const void *))
{
    atomic_store_explicit(&probe_name, name, memory_order_release);
}

void probe_arm(void)
{
    struct probe_ring *ring = probe_observing();
    if (ring && !atomic_exchange(&probe_is_armed, true))
        probe_emit(ring, probe_now(), probe_thread()->lane, PROBE_STATE, PROBE_STATE_RUNNING, NULL, PROBE_NO_VALUE);
}

EXPORT const struct probe_api *schedscope_probe(void)
{
    static struct probe_api api;
    api = (struct probe_api){PROBE_VERSION, ring_address,    probe_thread,       probe_open_lane, probe_intern,   probe_text,
                             set_where,     probe_gil_begin, probe_gil_released, probe_gil_end,   probe_arm,      set_name,
                             probe_failed,  probe_taken,     probe_released,     probe_handed,    probe_lock_gone};
    return &api;
}
