/* Which line a frame is at, remembered: the interpreter reads a code object's table of lines from its beginning each time, and
 * of a loop in a script of some length that is most of what a wait would cost.
 *
 * The answer depends on the bytes of the table, the first line and the offset alone, so it is remembered by a hash of just
 * these: a code object that is gone, with another at its address, cannot be mistaken. A word holds hash and line, so nobody
 * waits and nobody reads halves. Needs no GIL.
 */
#include "hooks.h"

#define WORDS 1024u
#define LINE_BITS 20
#define FACTOR 0x9e3779b97f4a7c15ULL

static _Atomic uint64_t words[WORDS]; /* the hash without its lowest bits, and there the line; 0 none */

static uint64_t mixed(uint64_t hash, uint64_t with)
{
    return ((hash << 23 | hash >> 41) ^ with) * FACTOR;
}

static uint64_t eight_bytes(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* In two strands, so that one multiplication need not wait for the other. */
static uint64_t hash_of(PyCodeObject *code, int offset)
{
    const char *at = PyBytes_AS_STRING(code->co_linetable), *end = at + PyBytes_GET_SIZE(code->co_linetable);
    uint64_t one = (uint64_t)(end - at), other = (uint64_t)code->co_firstlineno << 32 | (uint32_t)offset, rest[2] = {0};
    for (; end - at >= 16; at += 16) {
        one = mixed(one, eight_bytes(at));
        other = mixed(other, eight_bytes(at + 8));
    }
    memcpy(rest, at, (size_t)(end - at));
    one = mixed(mixed(mixed(one, rest[0]), rest[1]), other);
    return mixed(one ^ one >> 32, one >> 29);
}

static uint32_t look_up(PyCodeObject *code, int offset)
{
    int line = PyCode_Addr2Line(code, offset);
    return (uint32_t)(line > 0 ? line : code->co_firstlineno);
}

uint32_t frame_line(const frame_t *frame, PyCodeObject *code)
{
    int offset = frame_offset(frame, code);
    uint64_t hash = hash_of(code, offset);
    _Atomic uint64_t *word = &words[hash >> 54];
    uint64_t known = atomic_load_explicit(word, memory_order_relaxed);
    if (known && (known ^ hash) >> LINE_BITS == 0)
        return (uint32_t)known & ((1u << LINE_BITS) - 1);
    uint32_t line = look_up(code, offset);
    if (line < 1u << LINE_BITS)
        atomic_store_explicit(word, (hash >> LINE_BITS << LINE_BITS) | line, memory_order_relaxed);
    return line;
}

_Static_assert(WORDS == 1u << (64 - 54), "the hash gives an index");
