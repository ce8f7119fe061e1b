#define _GNU_SOURCE
#include "CLensSystem.h"

#include <errno.h>
#include <sys/socket.h>
#include <malloc.h>
#include <stdio.h>

int lens_peer_user_id(int descriptor, uint32_t *user_id) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        return errno;
    }
    // A socket without a peer says -1.
    if (length != sizeof credentials || credentials.uid == (uid_t)-1) {
        return ENOTCONN;
    }
    *user_id = credentials.uid;
    return 0;
}

int lens_peer_groups(int descriptor, uint32_t *group_ids, size_t capacity, size_t *count) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (capacity == 0) {
        return ERANGE;
    }
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        return errno;
    }
    group_ids[0] = credentials.gid;
    length = (socklen_t)((capacity - 1) * sizeof(gid_t));
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, group_ids + 1, &length) != 0) {
        return errno;
    }
    *count = 1 + length / sizeof(gid_t);
    return 0;
}

void lens_trim_memory(void) { malloc_trim(0); }

int lens_exchange(int folder, const char *first, const char *second) {
    return renameat2(folder, first, folder, second, RENAME_EXCHANGE) == 0 ? 0 : errno;
}
