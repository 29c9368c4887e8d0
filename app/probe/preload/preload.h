/* What the rooms of the preloaded library share. */
#ifndef SCHEDSCOPE_PRELOAD_H
#define SCHEDSCOPE_PRELOAD_H

#include "../probe.h"

#define EXPORT __attribute__((visibility("default")))

extern struct probe_ring *_Atomic probe_ring;            /* NULL while this process is not observed */
extern void (*_Atomic probe_find)(struct probe_where *); /* set by the hooks: which line of the script is this thread at */
extern struct probe_named (*_Atomic probe_name)(const void *lock); /* set by the hooks: what is this lock called */

/* The real function behind an interposed one. `version` is NULL where the symbol has had one meaning only. All of them are
 * looked up when the library starts: dlsym takes locks, which neither a signal handler nor a child of vfork may wait for. */
struct probe_real {
    _Alignas(32) const char *name; /* as the compiler aligns what it lays out by itself, so that they make an array */
    const char *version;
    void *_Atomic found;
};
void *probe_find_real(struct probe_real *real);

#define REAL(name, version)                                                                                                    \
    static struct probe_real entry_##name __attribute__((section("probe_reals"), used)) = {#name, version, NULL};              \
    static inline __typeof__(&name) real_##name(void)                                                                          \
    {                                                                                                                          \
        void *found = atomic_load_explicit(&entry_##name.found, memory_order_relaxed);                                         \
        return (__typeof__(&name))(found ? found : probe_find_real(&entry_##name));                                            \
    }

static inline struct probe_ring *probe_observing(void)
{
    return atomic_load_explicit(&probe_ring, memory_order_acquire);
}

bool probe_arms_itself(void); /* unhooked.c */
void probe_unhooked_start(void);
void probe_arm(void);

extern _Atomic bool probe_is_armed; /* false while the interpreter starts: its own imports are not the script's doing */

static inline bool probe_armed(void)
{
    return atomic_load_explicit(&probe_is_armed, memory_order_relaxed);
}

/* ring.c */
bool probe_in_vfork_child(void);
void probe_ring_open(uint32_t most_slots, uint64_t begun_ns); /* 0: now */
void probe_ring_reopen_in_child(void);

/* ends.c */
void probe_ends_start(void);

/* strings.c */
uint32_t probe_intern(const char *bytes, size_t size);
uint32_t probe_text(const char *bytes, size_t size);
void probe_strings_forget(void);

/* threads.c */
struct probe_thread *probe_thread(void);
void probe_threads_start(void);
void probe_thread_after_fork(void);
uint32_t probe_open_lane(uint64_t t_ns, enum probe_lane_kind kind, uint32_t parent, uint32_t creator, uint32_t name);

/* wakes.c, locks.c */
void probe_wakes_forget(void);
void probe_locks_forget(void);

/* gil.c */
bool probe_gil_held(void);
void probe_gil_begin(void);
void probe_gil_released(void);
const char *probe_gil_end(void);
bool probe_gil_elsewhere(void);
void probe_gil_again(enum probe_gil what, uint32_t number);

/* output.c */
void probe_output(int fd, const char *bytes, size_t size);

#endif
