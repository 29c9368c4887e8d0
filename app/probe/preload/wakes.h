/* Between the waits and those who end them: who has a lock, and who let it go. */
#ifndef SCHEDSCOPE_WAKES_H
#define SCHEDSCOPE_WAKES_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* wakes.c: the calling thread … */
uint64_t probe_posts(const sem_t *semaphore);                    /* is about to wait for it: a mark for probe_woken */
void probe_woken(const sem_t *semaphore, uint64_t posts_before); /* has waited for it, and taken it */

/* locks.c: the calling thread … (a lock is a semaphore, or an object of the interpreter: see probe_thread.lock) */
void probe_taken(const void *lock);              /* has taken it */
void probe_released(const void *lock);           /* is about to let it go */
void probe_handed(const void *lock);             /* has let it go, straight to whoever waited for it */
void probe_failed(const void *lock);             /* could not take it at once */
void probe_lock_gone(const void *lock);          /* sees it go */
void probe_waits_for(const sem_t *semaphore);    /* will now wait for it */
const void *probe_meant(const sem_t *semaphore); /* waits for it; the lock that is meant by that */
uint32_t
probe_waiter(const sem_t *semaphore); /* lets go on who waits at it: the lane, where the semaphore is for one wait only */
bool probe_is_mutex(const sem_t *semaphore);

/* shared.c: semaphores of several processes; what a process leaves there for the others, NULL for any other semaphore */
struct probe_shared {
    _Atomic uint64_t posts;  /* how many << 32 | thread id of the latest poster */
    _Atomic uint32_t owner;  /* thread id of whoever took it last, 0 nobody */
    _Atomic uint32_t places; /* how high it counted when it was made, 0 unknown */
    _Atomic uint32_t id;     /* the same for all processes: its maker's pid and a number */
};
struct probe_shared *probe_shared(const sem_t *semaphore);
void probe_count_places(const sem_t *semaphore, int given_back); /* how many of its places are taken, less those */

/* --- a table from addresses to 32-bit words: one word an entry, so that nobody waits and nobody reads halves. Where two
 * addresses meet the later stays and the other is not known: something may be missing, nothing is wrong. */
#define PROBE_WORDS 4096u

static inline uint32_t probe_part_of(const void *lock)
{
    return (uint32_t)((uintptr_t)lock >> 4);
}

static inline _Atomic uint64_t *probe_word_of(_Atomic uint64_t *table, const void *lock)
{
    return &table[probe_part_of(lock) * 2654435769u >> 20];
}

_Static_assert(PROBE_WORDS == 1u << (32 - 20), "the hash gives an index");

static inline void probe_note(_Atomic uint64_t *table, const void *lock, uint32_t word)
{
    atomic_store_explicit(probe_word_of(table, lock), (uint64_t)probe_part_of(lock) << 32 | word, memory_order_relaxed);
}

static inline uint32_t probe_noted(_Atomic uint64_t *table, const void *lock)
{
    uint64_t word = atomic_load_explicit(probe_word_of(table, lock), memory_order_relaxed);
    return word >> 32 == probe_part_of(lock) ? (uint32_t)word : 0;
}

#endif
