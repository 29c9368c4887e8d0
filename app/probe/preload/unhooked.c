/* A Python that was told not to look for what installs the hooks (-I, -E, -S): it is observed without them, and says so.
 *
 * The interpreter keeps these options in variables that every program may read (Python/initconfig.c, until 3.14), set before
 * the first line of Python is run. Nobody else would ever arm such a process; it arms itself when it does the first thing worth
 * a record after it has been initialised.
 */
#include <dlfcn.h>

#include "preload.h"

static const struct {
    const char *name, *option;
} options[] = {{"Py_IsolatedFlag", "-I"}, {"Py_NoSiteFlag", "-S"}, {"Py_IgnoreEnvironmentFlag", "-E"}};

static int (*is_initialized)(void);
static const int *flags[sizeof options / sizeof *options];

void probe_unhooked_start(void)
{
    *(void **)&is_initialized = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        flags[i] = dlsym(RTLD_DEFAULT, options[i].name);
}

static const char *option_given(void)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (flags[i] && *flags[i])
            return options[i].option;
    return NULL;
}

/* Asked while the process is not armed. */
bool probe_arms_itself(void)
{
    const char *option = is_initialized && is_initialized() ? option_given() : NULL;
    struct probe_ring *ring = option ? probe_observing() : NULL;
    if (!ring || probe_in_vfork_child())
        return false;
    char text[PROBE_STRING_MAX_BYTES] = "started with ";
    strcat(strcat(text, option), ": tasks, greenlets, the GIL and lines are not observed");
    struct probe_where said = {.text = probe_intern(text, strlen(text))};
    probe_emit(ring, probe_now(), probe_thread()->lane, PROBE_MARK, PROBE_MARK_HOOK, &said, PROBE_NO_VALUE);
    probe_arm();
    return true;
}
