/* What a descriptor is: see descriptors.c. */
#ifndef SCHEDSCOPE_DESCRIPTORS_H
#define SCHEDSCOPE_DESCRIPTORS_H

#include <stdint.h>
#include <sys/socket.h>

void probe_descriptors_forget(void);
uint32_t probe_description(int fd);
void probe_forget(int fd);                   /* this number has come to mean something else */
void probe_is_inode(int fd, uint64_t inode); /* and this if its inode is another than it was */
size_t probe_address(const struct sockaddr *address, socklen_t size, char *into); /* into 120 bytes */

#endif
