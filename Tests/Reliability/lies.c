// A disk and a kernel that lie, for negative controls: loaded into a daemon with LD_PRELOAD, it does what $LENS_LIE says.
//
//   late   writes to a write-ahead log are told to be done and kept in memory until something reads the log
//   sync   fsync and fdatasync do nothing
//   full   writes to the session database for which there is no room are told to be done
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

int close(int descriptor) {
    static int (*next)(int);
    static int count;
    if (!next) next = dlsym(RTLD_NEXT, "close");
    struct stat status;
    if (lies("keep") && fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode) &&
        __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % 50 == 0) {
        shutdown(descriptor, SHUT_RDWR);
        return 0;
    }
    return next(descriptor);
}
