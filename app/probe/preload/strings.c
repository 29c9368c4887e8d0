/* Strings reach the ring once: interned here under a number, written as a few pieces before the first record that names it. */
#include <stdlib.h>

#include "preload.h"

#define TABLE 4096u /* a power of two; a fuller table only means that a string is written again */
#define ARENA_BYTES (512u * 1024u)
#define MOST_NUMBERS UINT16_MAX /* files are named by 16 bits */

struct entry {
    uint32_t number; /* 0 while free; stored last */
    uint32_t hash;
    uint32_t size;
    uint32_t at;
};

static _Atomic uint64_t published[TABLE]; /* hash << 32 | index + 1 of a whole entry */
static struct entry entries[TABLE];
static _Atomic uint32_t entry_count;
static char arena[ARENA_BYTES];
static uint32_t arena_used;
static atomic_flag inserting = ATOMIC_FLAG_INIT;

/* Called in a new process: numbers start again with its new ring. */
void probe_strings_forget(void)
{
    memset((void *)published, 0, sizeof published);
    atomic_store(&entry_count, 0);
    arena_used = 0;
    atomic_flag_clear(&inserting);
}

static uint32_t hash_of(const char *bytes, size_t size)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        h = (h ^ (uint8_t)bytes[i]) * 16777619u;
    return h;
}

static uint32_t look_up(const char *bytes, size_t size, uint32_t hash)
{
    for (uint32_t i = 0; i < TABLE; i++) {
        uint64_t word = atomic_load_explicit(&published[(hash + i) & (TABLE - 1)], memory_order_acquire);
        if (!word)
            return 0;
        struct entry *e = &entries[(uint32_t)word - 1];
        if ((uint32_t)(word >> 32) == hash && e->size == size && memcmp(arena + e->at, bytes, size) == 0)
            return e->number;
    }
    return 0;
}

static void remember(const char *bytes, size_t size, uint32_t hash, uint32_t number)
{
    uint32_t index = atomic_load(&entry_count);
    if (index >= TABLE * 3 / 4 || arena_used + size > ARENA_BYTES)
        return;
    memcpy(arena + arena_used, bytes, size);
    entries[index] = (struct entry){number, hash, (uint32_t)size, arena_used};
    arena_used += (uint32_t)size;
    atomic_store(&entry_count, index + 1);
    uint32_t slot = hash & (TABLE - 1);
    while (atomic_load(&published[slot]))
        slot = (slot + 1) & (TABLE - 1);
    atomic_store_explicit(&published[slot], (uint64_t)hash << 32 | (index + 1), memory_order_release);
}

/* A new string, written whether or not it was seen before. Returns its number, 0 when the ring is full. */
uint32_t probe_text(const char *bytes, size_t size)
{
    struct probe_ring *ring = probe_observing();
    if (!ring)
        return 0;
    if (size > PROBE_STRING_MAX_BYTES)
        size = PROBE_STRING_MAX_BYTES;
    uint32_t pieces = size ? (uint32_t)((size + PROBE_STRING_BYTES - 1) / PROBE_STRING_BYTES) : 1;
    uint64_t first = probe_reserve(ring, pieces);
    if (first == UINT64_MAX)
        return 0;
    uint32_t number = atomic_fetch_add_explicit(&ring->next_string, 1, memory_order_relaxed);
    for (uint32_t i = 0; i < pieces; i++) {
        struct probe_string_record *slot = (struct probe_string_record *)probe_slot(ring, first + i);
        size_t left = size - (size_t)i * PROBE_STRING_BYTES;
        size_t n = left > PROBE_STRING_BYTES ? PROBE_STRING_BYTES : left;
        char piece[PROBE_STRING_BYTES] = {0};
        memcpy(piece, bytes + (size_t)i * PROBE_STRING_BYTES, n);
        memcpy(slot->head, piece, sizeof slot->head);
        memcpy(slot->rest, piece + sizeof slot->head, sizeof slot->rest);
        slot->number = number;
        slot->piece = (uint16_t)i;
        slot->bytes = (uint8_t)(n | (i + 1 == pieces ? PROBE_STRING_LAST : 0));
        atomic_store_explicit(&slot->kind, probe_published(ring, first + i, PROBE_STRING), memory_order_release);
    }
    return number;
}

/* The number of a string, written to the ring the first time. Several threads may come at once, without the GIL. */
uint32_t probe_intern(const char *bytes, size_t size)
{
    if (size > PROBE_STRING_MAX_BYTES)
        size = PROBE_STRING_MAX_BYTES;
    uint32_t hash = hash_of(bytes, size);
    uint32_t number = look_up(bytes, size, hash);
    if (number)
        return number;
    number = probe_text(bytes, size);
    /* Whoever finds the table being changed leaves it: its string is merely written once more next time. */
    if (number && !atomic_flag_test_and_set_explicit(&inserting, memory_order_acquire)) {
        remember(bytes, size, hash, number);
        atomic_flag_clear_explicit(&inserting, memory_order_release);
    }
    return number;
}
