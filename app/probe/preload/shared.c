/* Semaphores that several processes share: each carries who took it last and who posted it last.
 *
 * A named semaphore (multiprocessing's Lock, Semaphore, Condition, Event, and what its Queue is made of) is a file of
 * sizeof(sem_t) bytes in /dev/shm that glibc maps, one page for each (nptl/sem_open.c). The rest of that page belongs to
 * nobody, and every process that has the semaphore sees the same page, whether it was forked or opened it by name. The word of
 * the others is left there. Only what sem_open itself has returned is taken for such a page.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "preload.h"
#include "wakes.h"

#define MOST 1024u /* a power of two; more of them are not observed across processes */
#define PAGE 4096u
#define OFFSET 2048u
#define ID_PID_SHIFT 10

REAL(sem_open, NULL)
REAL(sem_close, NULL)

static _Atomic uintptr_t pages[MOST];

static _Atomic uintptr_t *slot_of(uintptr_t page)
{
    return &pages[(uint32_t)(page / PAGE) * 2654435769u >> 22];
}

_Static_assert(MOST == 1u << (32 - 22), "the hash gives an index");

struct probe_shared *probe_shared(const sem_t *semaphore)
{
    uintptr_t page = (uintptr_t)semaphore;
    if (page % PAGE || atomic_load_explicit(slot_of(page), memory_order_relaxed) != page)
        return NULL;
    return (struct probe_shared *)(page + OFFSET);
}

/* Only what counts to more than one: of a lock its waits tell everything. */
static void make_countable(struct probe_shared *shared, unsigned int places)
{
    static _Atomic uint32_t made;
    if (places < 2 || atomic_load_explicit(&shared->places, memory_order_relaxed))
        return;
    uint32_t number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
    atomic_store_explicit(&shared->id, (uint32_t)getpid() << ID_PID_SHIFT | (number & ((1u << ID_PID_SHIFT) - 1)),
                          memory_order_relaxed);
    atomic_store_explicit(&shared->places, places, memory_order_release);
}

void probe_count_places(const sem_t *semaphore, int given_back)
{
    struct probe_shared *shared = probe_shared(semaphore);
    struct probe_ring *ring = probe_observing();
    uint32_t places = shared ? atomic_load_explicit(&shared->places, memory_order_acquire) : 0;
    int left;
    if (places < 2 || !ring || !probe_armed() || sem_getvalue((sem_t *)semaphore, &left) != 0)
        return;
    struct probe_thread *thread = probe_thread();
    if (thread->ended || thread->finished)
        return;
    int64_t taken = (int64_t)places - left - given_back;
    struct probe_where id = {.line = atomic_load_explicit(&shared->id, memory_order_relaxed)};
    probe_emit(ring, probe_now(), thread->lane, PROBE_COUNTER, 0, &id,
               (uint64_t)places << 32 | (uint32_t)(taken > 0 ? taken : 0));
}

EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    unsigned int value = flags & O_CREAT ? va_arg(more, unsigned int) : 0;
    va_end(more);
    sem_t *semaphore = real_sem_open()(name, flags, mode, value);
    if (semaphore != SEM_FAILED && (uintptr_t)semaphore % PAGE == 0) {
        atomic_store_explicit(slot_of((uintptr_t)semaphore), (uintptr_t)semaphore, memory_order_relaxed);
        if (flags & O_CREAT)
            make_countable(probe_shared(semaphore), value);
    }
    return semaphore;
}

EXPORT int sem_close(sem_t *semaphore)
{
    if (probe_shared(semaphore))
        atomic_store_explicit(slot_of((uintptr_t)semaphore), 0, memory_order_relaxed);
    return real_sem_close()(semaphore);
}
