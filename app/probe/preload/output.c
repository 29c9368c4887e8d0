/* Lines written to standard output and error become marks on whatever lane runs on the writing thread. */
#include "preload.h"

#define MOST_LINES 64 /* of one write; the output itself is captured whole by the recorder */

static void mark_line(struct probe_ring *ring, uint64_t now, int fd, const char *line, size_t size)
{
    while (size && (line[size - 1] == '\r' || line[size - 1] == '\n'))
        size--;
    if (!size)
        return;
    struct probe_where said = {.text = probe_text(line, size)};
    struct probe_thread *thread = probe_thread();
    probe_emit(ring, now, thread->current, PROBE_MARK, fd == 1 ? PROBE_MARK_STDOUT : PROBE_MARK_STDERR, &said, size);
}

void probe_output(int fd, const char *bytes, size_t size)
{
    struct probe_ring *ring = probe_observing();
    if (!ring || !probe_armed())
        return;
    uint64_t now = probe_now();
    const char *end = bytes + size;
    for (int lines = 0; bytes < end && lines < MOST_LINES; lines++) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *stop = newline ? newline : end;
        mark_line(ring, now, fd, bytes, (size_t)(stop - bytes));
        bytes = stop + 1;
    }
}
