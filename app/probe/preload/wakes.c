/* Who let a waiting thread go on: whoever posted the semaphore it waited for.
 *
 * CPython's locks, and all that threading builds on them (Event, Condition, Queue, join), are semaphores of the process that
 * count to one (Python/thread_pthread.h, Python/parking_lot.c): each wait ends with the latest post. A post leaves the poster's
 * lane in a table, one store under the semaphore's address; a thread that really waited reads it on its return.
 *
 * A semaphore that several processes share (multiprocessing's) carries the latest poster's thread id itself, see shared.c. It
 * may count higher: then only a wait during which there was just one post knows who ended it.
 */
#include "preload.h"
#include "wakes.h"

#define ENDED (1u << 31) /* the poster's last act: whoever waited has joined it */

static _Atomic uint64_t posts[PROBE_WORDS];

REAL(sem_post, NULL)

void probe_wakes_forget(void)
{
    for (uint32_t i = 0; i < PROBE_WORDS; i++)
        atomic_store_explicit(&posts[i], 0, memory_order_relaxed);
}

static void leave_word(struct probe_shared *shared, uint32_t tid)
{
    uint64_t before = atomic_load_explicit(&shared->posts, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&shared->posts, &before, ((before >> 32) + 1) << 32 | tid,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

EXPORT int sem_post(sem_t *semaphore)
{
    if (probe_observing()) {
        struct probe_thread *thread = probe_thread();
        struct probe_shared *shared = probe_shared(semaphore);
        thread->heir = thread->lock ? probe_waiter(semaphore) : 0;
        probe_released(semaphore);
        if (shared)
            leave_word(shared, thread->tid);
        else
            probe_note(posts, semaphore, thread->finished ? thread->lane | ENDED : thread->current);
    }
    return real_sem_post()(semaphore);
}

uint64_t probe_posts(const sem_t *semaphore)
{
    struct probe_shared *shared = probe_observing() ? probe_shared(semaphore) : NULL;
    return shared ? atomic_load_explicit(&shared->posts, memory_order_acquire) >> 32 : 0;
}

static void woken_by_process(struct probe_ring *ring, const sem_t *semaphore, struct probe_thread *thread, uint64_t before)
{
    uint64_t posted = atomic_load_explicit(&probe_shared(semaphore)->posts, memory_order_acquire);
    uint32_t many = (uint32_t)(posted >> 32) - (uint32_t)before;
    if (many == 1 || (many && probe_is_mutex(semaphore)))
        probe_emit(ring, probe_now(), thread->lane, PROBE_FAR_FLOW, PROBE_FLOW_WAKE, NULL, (uint32_t)posted);
}

void probe_woken(const sem_t *semaphore, uint64_t before)
{
    struct probe_ring *ring = probe_observing();
    if (!ring || !probe_armed())
        return;
    struct probe_thread *thread = probe_thread();
    if (thread->ended || thread->finished)
        return;
    if (probe_shared(semaphore)) {
        woken_by_process(ring, semaphore, thread, before);
        return;
    }
    uint32_t word = probe_noted(posts, semaphore), by = word & ~ENDED;
    if (by && by != thread->lane)
        probe_emit(ring, probe_now(), by, PROBE_FLOW, word & ENDED ? PROBE_FLOW_JOIN : PROBE_FLOW_WAKE, NULL, thread->lane);
}
