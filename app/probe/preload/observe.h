/* How a blocking call is observed: see observe.c. */
#ifndef SCHEDSCOPE_OBSERVE_H
#define SCHEDSCOPE_OBSERVE_H

#include <errno.h>

#include "preload.h"

struct probe_thread *probe_enter(enum probe_state state, uint64_t value);
void probe_leave(struct probe_thread *thread, enum probe_state state, uint64_t value);
struct probe_thread *probe_enter_at_once(void);
void probe_leave_at_once(struct probe_thread *thread, enum probe_state state, uint64_t value, const char *came);
bool probe_idle(void);

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

#endif
