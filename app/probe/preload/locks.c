/* Which lock a thread waits for, by the name the script gave it, and who has it.
 *
 * Taking a free lock makes no record: it leaves its taker in a table, one store. Only whoever has to wait reads it. The name is
 * asked of the hooks once a semaphore, at the moment when a thread could not take it at once and has not let go of the GIL yet
 * (Modules/_threadmodule.c, Modules/_multiprocessing/semaphore.c: both try first), and kept until the semaphore is gone.
 * CPython 3.14's threading.Lock and RLock are bytes, not semaphores (PyMutex): nobody is known to have one of those.
 */
#include "preload.h"
#include "wakes.h"

REAL(sem_init, NULL)
REAL(sem_destroy, NULL)

#define KIND_SHIFT 30

struct probe_named (*_Atomic probe_name)(const void *semaphore);

static _Atomic uint64_t owners[PROBE_WORDS], names[PROBE_WORDS];

void probe_locks_forget(void)
{
    for (uint32_t i = 0; i < PROBE_WORDS; i++) {
        atomic_store_explicit(&owners[i], 0, memory_order_relaxed);
        atomic_store_explicit(&names[i], 0, memory_order_relaxed);
    }
}

void probe_taken(const sem_t *semaphore)
{
    if (!probe_observing())
        return;
    struct probe_thread *thread = probe_thread();
    struct probe_shared *shared = probe_shared(semaphore);
    if (shared) {
        atomic_store_explicit(&shared->owner, thread->tid, memory_order_relaxed);
        probe_count_places(semaphore, 0);
    } else {
        probe_note(owners, semaphore, thread->lane);
    }
}

void probe_released(const sem_t *semaphore)
{
    struct probe_shared *shared = probe_shared(semaphore);
    if (shared) {
        atomic_store_explicit(&shared->owner, 0, memory_order_relaxed);
        probe_count_places(semaphore, 1); /* before it is: afterwards its page may be gone */
    } else {
        probe_note(owners, semaphore, 0);
    }
}

static void forget(const sem_t *semaphore)
{
    if (probe_noted(names, semaphore))
        probe_note(names, semaphore, 0);
    if (probe_noted(owners, semaphore))
        probe_note(owners, semaphore, 0);
}

EXPORT int sem_init(sem_t *semaphore, int shared, unsigned int value)
{
    forget(semaphore);
    return real_sem_init()(semaphore, shared, value);
}

EXPORT int sem_destroy(sem_t *semaphore)
{
    forget(semaphore);
    return real_sem_destroy()(semaphore);
}

/* --- its name */

void probe_failed(const sem_t *semaphore)
{
    struct probe_named (*name)(const void *) = atomic_load_explicit(&probe_name, memory_order_acquire);
    if (!name || !probe_armed() || !probe_gil_held() || probe_noted(names, semaphore))
        return;
    struct probe_thread *thread = probe_thread();
    if (thread->busy || thread->ended || thread->finished)
        return;
    thread->busy = 1;
    struct probe_named found = name(semaphore);
    thread->busy = 0;
    if (found.text)
        probe_note(names, semaphore, (uint32_t)found.kind << KIND_SHIFT | (found.text & ((1u << KIND_SHIFT) - 1)));
}

static enum probe_lock kind_of(uint32_t word)
{
    return (enum probe_lock)(word >> KIND_SHIFT);
}

bool probe_is_mutex(const sem_t *semaphore)
{
    return kind_of(probe_noted(names, semaphore)) == PROBE_LOCK_MUTEX;
}

/* --- waiting for it */

void probe_waits_for(const sem_t *semaphore)
{
    if (!probe_observing() || !probe_armed())
        return;
    struct probe_about *about = &probe_thread()->about;
    struct probe_shared *shared = probe_shared(semaphore);
    uint32_t word = probe_noted(names, semaphore);
    *about = word ? (struct probe_about){.text = word & ((1u << KIND_SHIFT) - 1)} : probe_thread()->joins;
    if (kind_of(word) != PROBE_LOCK_MUTEX && kind_of(word) != PROBE_LOCK_THREAD)
        return;
    about->who = shared ? atomic_load_explicit(&shared->owner, memory_order_relaxed) : probe_noted(owners, semaphore);
    about->other = !about->who ? PROBE_OTHER_NOBODY : shared ? PROBE_OTHER_THREAD : PROBE_OTHER_LANE;
}
