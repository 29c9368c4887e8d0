/* Who let a waiting thread go on: the last who posted the semaphore it waited for.
 *
 * CPython's locks, and all that threading builds on them (Event, Condition, Queue, join), are semaphores of the process that
 * count to one (Python/thread_pthread.h, Python/parking_lot.c): each wait ends with the latest post. A post leaves the poster's
 * lane in a table, one store under the semaphore's address; a thread that really waited reads it on its return. Where two
 * addresses meet in the table the later post stays, and the other's waiter finds nobody: an arrow may be missing, none is
 * wrong.
 */
#include "preload.h"
#include "wakes.h"

#define POSTS 1024u /* a power of two */
#define PAGE 4096u  /* of a named semaphore, shared with other processes, which post it unseen: glibc maps it page by page */
#define ENDED (1u << 31) /* the poster's last act: whoever waited has joined it */

static _Atomic uint64_t posts[POSTS]; /* a part of the address << 32 | ENDED | lane */

REAL(sem_post, NULL)

static uint32_t part_of(const sem_t *semaphore)
{
    return (uint32_t)((uintptr_t)semaphore >> 4);
}

static _Atomic uint64_t *post_of(const sem_t *semaphore)
{
    return &posts[part_of(semaphore) * 2654435769u >> 22];
}

_Static_assert(POSTS == 1u << (32 - 22), "the hash gives an index");

void probe_wakes_forget(void)
{
    for (uint32_t i = 0; i < POSTS; i++)
        atomic_store_explicit(&posts[i], 0, memory_order_relaxed);
}

EXPORT int sem_post(sem_t *semaphore)
{
    if (probe_observing()) {
        struct probe_thread *thread = probe_thread();
        uint32_t by = thread->finished ? thread->lane | ENDED : thread->current;
        atomic_store_explicit(post_of(semaphore), (uint64_t)part_of(semaphore) << 32 | by, memory_order_relaxed);
    }
    return real_sem_post()(semaphore);
}

void probe_woken(const sem_t *semaphore)
{
    struct probe_ring *ring = probe_observing();
    uint64_t post = atomic_load_explicit(post_of(semaphore), memory_order_relaxed);
    if (!ring || !probe_armed() || post >> 32 != part_of(semaphore) || (uintptr_t)semaphore % PAGE == 0)
        return;
    struct probe_thread *thread = probe_thread();
    uint32_t by = (uint32_t)post & ~ENDED;
    if (by && by != thread->lane && !thread->ended && !thread->finished)
        probe_emit(ring, probe_now(), by, PROBE_FLOW, post & ENDED ? PROBE_FLOW_JOIN : PROBE_FLOW_WAKE, NULL, thread->lane);
}
