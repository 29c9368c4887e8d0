/* What a descriptor is: see descriptors.c; whether it ever waits: see blocking.c. */
#ifndef SCHEDSCOPE_DESCRIPTORS_H
#define SCHEDSCOPE_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROBE_DESCRIPTORS 4096 /* nothing is remembered of descriptors above */

void probe_descriptors_forget(void);
uint32_t probe_description(int fd);
void probe_forget(int fd);                   /* this number has come to mean something else */
void probe_is_inode(int fd, uint64_t inode); /* and this if its inode is another than it was */
size_t probe_address(const struct sockaddr *address, socklen_t size, char *into); /* into 120 bytes */

/* blocking.c */
bool probe_never_waits(int fd);
void probe_is_ours(int fd);     /* a socket that was made just now */
void probe_is_not_ours(int fd); /* closed, or another thing */
void probe_none_is_ours(void);  /* others are about to have them too */

#endif
