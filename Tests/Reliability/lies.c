// A disk and a kernel that lie, for negative controls: loaded into a daemon with LD_PRELOAD, it does what $LENS_LIE says.
//
//   late   writes to a write-ahead log are told to be done and kept in memory until something reads the log
//   sync   fsync and fdatasync do nothing
//   full   writes to the session database for which there is no room are told to be done
//   flip   of the longer messages to sockets one in 50 has a bit turned over
//   peer   everybody who connects has the uid 48100
//   keep   of the sockets that are closed one in 50 stays open
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct late_write {
    int descriptor;
    off64_t offset;
    size_t size;
    struct late_write *next;
    char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct late_write *first, **last = &first;

static int lies(const char *how) {
    const char *told = getenv("LENS_LIE");
    return told && strcmp(told, how) == 0;
}

static int is_named(int descriptor, const char *part) {
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return strstr(path, part) != NULL;
}

static ssize_t really_write(int descriptor, const void *bytes, size_t size, off64_t offset) {
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
    return next(descriptor, bytes, size, offset);
}

static void write_late_ones(void) {
    pthread_mutex_lock(&lock);
    for (struct late_write *each = first, *after; each; each = after) {
        after = each->next;
        really_write(each->descriptor, each->bytes, each->size, each->offset);
        free(each);
    }
    first = NULL;
    last = &first;
    pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset) {
    if (lies("late") && is_named(descriptor, "-wal")) {
        struct late_write *write = malloc(sizeof *write + size);
        *write = (struct late_write){descriptor, offset, size, NULL};
        memcpy(write->bytes, bytes, size);
        pthread_mutex_lock(&lock);
        *last = write;
        last = &write->next;
        pthread_mutex_unlock(&lock);
        return (ssize_t)size;
    }
    ssize_t written = really_write(descriptor, bytes, size, offset);
    if (lies("full") && written != (ssize_t)size && is_named(descriptor, "lensd.sqlite")) return (ssize_t)size;
    return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return pwrite64(descriptor, bytes, size, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t size, off64_t offset) {
    static ssize_t (*next)(int, void *, size_t, off64_t);
    if (!next) next = dlsym(RTLD_NEXT, "pread64");
    if (lies("late") && is_named(descriptor, "-wal")) write_late_ones();
    return next(descriptor, bytes, size, offset);
}

ssize_t pread(int descriptor, void *bytes, size_t size, off_t offset) {
    return pread64(descriptor, bytes, size, offset);
}

int fsync(int descriptor) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fsync");
    return lies("sync") || lies("late") ? 0 : next(descriptor);
}

int fdatasync(int descriptor) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fdatasync");
    return lies("sync") || lies("late") ? 0 : next(descriptor);
}

static int is_socket(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int is_turn(int *count) {
    return __atomic_add_fetch(count, 1, __ATOMIC_RELAXED) % 50 == 0;
}

static ssize_t write_changed(int descriptor, const struct iovec *parts, int count, size_t size) {
    static ssize_t (*next)(int, const void *, size_t);
    if (!next) next = dlsym(RTLD_NEXT, "write");
    char *changed = malloc(size), *at = changed;
    for (int index = 0; index < count; index++) at = mempcpy(at, parts[index].iov_base, parts[index].iov_len);
    changed[size / 2] ^= 4;
    ssize_t written = next(descriptor, changed, size);
    free(changed);
    return written;
}

static int is_to_change(int descriptor, size_t size) {
    static int count;
    return lies("flip") && size >= 40 && is_socket(descriptor) && is_turn(&count);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    static ssize_t (*next)(int, const void *, size_t);
    if (!next) next = dlsym(RTLD_NEXT, "write");
    if (!is_to_change(descriptor, size)) return next(descriptor, bytes, size);
    return write_changed(descriptor, &(struct iovec){(void *)bytes, size}, 1, size);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    static ssize_t (*next)(int, const struct iovec *, int);
    if (!next) next = dlsym(RTLD_NEXT, "writev");
    size_t size = 0;
    for (int index = 0; index < count; index++) size += parts[index].iov_len;
    return is_to_change(descriptor, size) ? write_changed(descriptor, parts, count, size) : next(descriptor, parts, count);
}

int getsockopt(int descriptor, int level, int name, void *value, socklen_t *size) {
    static int (*next)(int, int, int, void *, socklen_t *);
    if (!next) next = dlsym(RTLD_NEXT, "getsockopt");
    int code = next(descriptor, level, name, value, size);
    if (code == 0 && lies("peer") && level == SOL_SOCKET && name == SO_PEERCRED) ((struct ucred *)value)->uid = 48100;
    return code;
}

int close(int descriptor) {
    static int (*next)(int);
    static int count;
    if (!next) next = dlsym(RTLD_NEXT, "close");
    if (lies("keep") && is_socket(descriptor) && is_turn(&count)) {
        shutdown(descriptor, SHUT_RDWR);
        return 0;
    }
    return next(descriptor);
}
