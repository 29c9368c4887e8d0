/* Between the waits and those who end them. */
#ifndef SCHEDSCOPE_WAKES_H
#define SCHEDSCOPE_WAKES_H

#include <semaphore.h>

void probe_woken(const sem_t *semaphore); /* the calling thread has waited for it, and taken it */

#endif
