#define _GNU_SOURCE
#include "CLensSystem.h"

#include <errno.h>
#include <sys/socket.h>
#include <malloc.h>

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

void lens_trim_memory(void) { malloc_trim(0); }
