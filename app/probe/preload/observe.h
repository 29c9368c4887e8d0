/* How a blocking call is observed: see observe.c. */
#ifndef SCHEDSCOPE_OBSERVE_H
#define SCHEDSCOPE_OBSERVE_H

#include <errno.h>
#include <sys/types.h>

#include "preload.h"

struct probe_thread *probe_enter(enum probe_state state, uint64_t value);
void probe_leave(struct probe_thread *thread, enum probe_state state, uint64_t value);
bool probe_idle(void);

/* A call that reads or writes: what it moved is said when it returns, `writes` is its direction. One on a descriptor that never
 * waits is recorded when it has returned, with EAGAIN where that is what came of it. */
struct probe_io {
    struct probe_thread *thread;
    enum probe_state state;
    int fd;
    bool writes;
    bool late;
};
struct probe_io probe_begin_io(enum probe_state state, int fd, bool writes, bool never_waits);
void probe_end_io(const struct probe_io *io, ssize_t moved);

/* Bracket `call` and give its result; errno stays what the call made it. */
#define OBSERVE(type, what, number, call)                                                                                      \
    do {                                                                                                                       \
        enum probe_state state = what;                                                                                         \
        uint64_t value = number;                                                                                               \
        struct probe_thread *observed = probe_enter(state, value);                                                             \
        type given = (call);                                                                                                   \
        int saved = errno;                                                                                                     \
        probe_leave(observed, state, value);                                                                                   \
        errno = saved;                                                                                                         \
        return given;                                                                                                          \
    } while (0)

#define OBSERVE_IO(what, fd, writes, never_waits, call)                                                                        \
    do {                                                                                                                       \
        struct probe_io io = probe_begin_io(what, fd, writes, never_waits);                                                    \
        ssize_t given = (call);                                                                                                \
        int saved = errno;                                                                                                     \
        probe_end_io(&io, given);                                                                                              \
        errno = saved;                                                                                                         \
        return given;                                                                                                          \
    } while (0)

#endif
