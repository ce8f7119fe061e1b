#include "CLensKernels.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) {
    if (pthread_key_create(&key, free) != 0) abort();
}

// The count stands in front of the floats, a cache line away.
float *lens_thread_scratch(size_t count) {
    pthread_once(&once, make_key);
    size_t *block = pthread_getspecific(key);
    if (!block || *block < count) {
        free(block);
        pthread_setspecific(key, NULL);
        if (count > SIZE_MAX / sizeof(float) - 128) abort();
        block = aligned_alloc(64, (64 + count * sizeof(float) + 63) / 64 * 64);
        if (!block || pthread_setspecific(key, block) != 0) abort();
        *block = count;
    }
    return (float *)((char *)block + 64);
}
