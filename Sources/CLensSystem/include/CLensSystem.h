// What Glibc offers and Swift's importer does not show.
#ifndef CLENSSYSTEM_H
#define CLENSSYSTEM_H

#include <stddef.h>
#include <stdint.h>

// Writes the uid of the process that connected the Unix stream socket `descriptor`, as the kernel recorded it
// (SO_PEERCRED). Returns 0, or an errno.
int lens_peer_user_id(int descriptor, uint32_t *user_id);

// Writes the groups of that process as it connected, its primary one first (SO_PEERGROUPS). Returns 0, or an errno;
// ERANGE where there are more than `capacity`.
int lens_peer_groups(int descriptor, uint32_t *group_ids, size_t capacity, size_t *count);

// Gives memory that was freed back to the system (glibc keeps it for the process otherwise).
void lens_trim_memory(void);

// Exchanges two entries of the folder that is open as `folder` in one step (renameat2 with RENAME_EXCHANGE). Returns 0, or
// an errno; EINVAL where the file system cannot.
int lens_exchange(int folder, const char *first, const char *second);

#endif
