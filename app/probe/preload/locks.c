/* Which lock a thread waits for, by the name the script gave it, and who has it.
 *
 * Taking a free lock makes no record: it leaves its taker in a table, one store. Only whoever has to wait reads it. The name is
 * asked of the hooks once a lock, at the moment when a thread could not take it at once and has not let go of the GIL yet
 * (Modules/_threadmodule.c, Modules/_multiprocessing/semaphore.c: both try first), and kept until the lock is gone.
 *
 * A lock is a semaphore; or, from CPython 3.14, a byte in an object, whose methods say when it is taken and let go
 * (hooks/locks.c). A thread that waits for such a byte does so at a semaphore that it makes for this one wait
 * (Python/parking_lot.c): what is meant is then the object, and the semaphore is the waiter's own.
 */
#include "preload.h"
#include "wakes.h"

REAL(sem_init, NULL)
REAL(sem_destroy, NULL)

#define KIND_SHIFT 30

struct probe_named (*_Atomic probe_name)(const void *lock);

static _Atomic uint64_t owners[PROBE_WORDS], names[PROBE_WORDS];

void probe_locks_forget(void)
{
    for (uint32_t i = 0; i < PROBE_WORDS; i++) {
        atomic_store_explicit(&owners[i], 0, memory_order_relaxed);
        atomic_store_explicit(&names[i], 0, memory_order_relaxed);
    }
}

void probe_taken(const void *lock)
{
    if (!probe_observing())
        return;
    struct probe_thread *thread = probe_thread();
    struct probe_shared *shared = probe_shared(lock);
    if (shared) {
        atomic_store_explicit(&shared->owner, thread->tid, memory_order_relaxed);
        probe_count_places(lock, 0);
    } else {
        probe_note(owners, lock, thread->lane);
    }
}

void probe_released(const void *lock)
{
    struct probe_shared *shared = probe_shared(lock);
    if (shared) {
        atomic_store_explicit(&shared->owner, 0, memory_order_relaxed);
        probe_count_places(lock, 1); /* before it is: afterwards its page may be gone */
    } else {
        probe_note(owners, lock, 0);
    }
}

void probe_handed(const void *lock)
{
    probe_note(owners, lock, probe_thread()->heir);
}

void probe_lock_gone(const void *lock)
{
    if (probe_noted(names, lock))
        probe_note(names, lock, 0);
    if (probe_noted(owners, lock))
        probe_note(owners, lock, 0);
}

EXPORT int sem_init(sem_t *semaphore, int shared, unsigned int value)
{
    probe_lock_gone(semaphore);
    return real_sem_init()(semaphore, shared, value);
}

EXPORT int sem_destroy(sem_t *semaphore)
{
    probe_lock_gone(semaphore);
    return real_sem_destroy()(semaphore);
}

/* --- its name */

void probe_failed(const void *lock)
{
    struct probe_named (*name)(const void *) = atomic_load_explicit(&probe_name, memory_order_acquire);
    if (!name || !probe_armed() || !probe_gil_held() || probe_noted(names, lock))
        return;
    struct probe_thread *thread = probe_thread();
    if (thread->busy || thread->ended || thread->finished)
        return;
    thread->busy = 1;
    struct probe_named found = name(lock);
    thread->busy = 0;
    if (found.text)
        probe_note(names, lock, (uint32_t)found.kind << KIND_SHIFT | (found.text & ((1u << KIND_SHIFT) - 1)));
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

const void *probe_meant(const sem_t *semaphore)
{
    const void *lock = probe_observing() ? probe_thread()->lock : NULL;
    return lock && !probe_shared(semaphore) ? lock : semaphore;
}

uint32_t probe_waiter(const sem_t *semaphore)
{
    return probe_noted(owners, semaphore);
}

void probe_waits_for(const sem_t *semaphore)
{
    if (!probe_observing() || !probe_armed())
        return;
    struct probe_thread *thread = probe_thread();
    struct probe_about *about = &thread->about;
    struct probe_shared *shared = probe_shared(semaphore);
    const void *lock = probe_meant(semaphore);
    uint32_t word = probe_noted(names, lock);
    if (lock != semaphore)
        probe_note(owners, semaphore, thread->lane);
    *about = word ? (struct probe_about){.text = word & ((1u << KIND_SHIFT) - 1)} : thread->joins;
    if (kind_of(word) != PROBE_LOCK_MUTEX && kind_of(word) != PROBE_LOCK_THREAD)
        return;
    about->who = shared ? atomic_load_explicit(&shared->owner, memory_order_relaxed) : probe_noted(owners, lock);
    about->other = !about->who ? PROBE_OTHER_NOBODY : shared ? PROBE_OTHER_THREAD : PROBE_OTHER_LANE;
}
