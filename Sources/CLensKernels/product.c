#include "CLensKernels.h"

#pragma clang fp reassociate(on) contract(fast)

// How deep a packed block goes before the next one begins: a panel of that depth stays in the second-level cache.
#define MOST_INNER 768

// Blocks of about equal depth, in whole cache lines.
static size_t inner_step(size_t inner) {
    const size_t blocks = (inner + MOST_INNER - 1) / MOST_INNER;
    return blocks == 0 ? 16 : ((inner + blocks - 1) / blocks + 15) / 16 * 16;
}

// Weights that will be packed next, brought near line by line while the present ones are computed with: packing would
// otherwise wait for memory with the arithmetic idle.
typedef struct {
    const float *at;
    size_t left_in_row, row, gap;
    size_t rows_left;
    // Lines per call of ahead_fetch.
    size_t lines;
} Ahead;

static inline __attribute__((always_inline)) void ahead_fetch(Ahead *ahead) {
    for (size_t line = 0; line < ahead->lines; line++) {
        if (ahead->rows_left == 0) return;
        __builtin_prefetch(ahead->at, 0, 2);
        ahead->at += 16;
        if (--ahead->left_in_row == 0) {
            ahead->at += ahead->gap;
            ahead->left_in_row = ahead->row;
            ahead->rows_left--;
        }
    }
}

#if defined(__x86_64__)
#define LANES 16
#define ROWS 8
#define VECTORS 3
#define FEW_TALL 6
#define FEW_WIDE 4
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define NAME(x) x##_512
#include "product_lanes.h"

#define LANES 8
#define ROWS 6
#define VECTORS 2
#define FEW_TALL 4
#define FEW_WIDE 2
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_256
#include "product_lanes.h"
#endif

size_t lens_panel_columns(void) {
    switch (lens_vector_bits()) {
    case 512: return 48;
    case 256: return 16;
    default: return 0;
    }
}

size_t lens_packed_count(size_t columns, size_t inner) {
    const size_t panel = lens_panel_columns();
    return panel == 0 ? 0 : (columns + panel - 1) / panel * panel * inner;
}

void lens_pack(const float *w, size_t w_stride, size_t columns, size_t inner, float *packed) {
#if defined(__x86_64__)
    if (lens_panel_columns() == 48) {
        pack_512(w, w_stride, columns, inner, packed);
    } else {
        pack_256(w, w_stride, columns, inner, packed);
    }
#endif
}

void lens_multiply_packed(const float *x, size_t x_stride, size_t rows, const float *packed, size_t columns,
                          size_t inner, float *c, size_t c_stride, const float *next, size_t next_stride) {
#if defined(__x86_64__)
    const size_t panel = lens_panel_columns();
    const size_t tile_rows = panel == 48 ? 8 : 6, lanes = panel == 48 ? 16 : 8;
    Ahead ahead = {0};
    if (next && rows > 0 && inner >= 16) {
        const size_t lines = inner / 16 * columns;
        const size_t steps = (rows + tile_rows - 1) / tile_rows * ((columns + panel - 1) / panel) * (inner / lanes);
        ahead = (Ahead){.at = next, .left_in_row = inner / 16, .row = inner / 16, .gap = next_stride - inner / 16 * 16,
                        .rows_left = columns, .lines = (lines + steps - 1) / steps};
    }
    if (panel == 48) {
        multiply_512(x, x_stride, rows, packed, columns, inner, c, c_stride, &ahead);
    } else {
        multiply_256(x, x_stride, rows, packed, columns, inner, c, c_stride, &ahead);
    }
#endif
}

void lens_multiply_few(const float *x, size_t x_stride, size_t rows, const float *w, size_t w_stride, size_t columns,
                       size_t inner, float *c, size_t c_stride) {
#if defined(__x86_64__)
    if (lens_panel_columns() == 48) {
        few_512(x, x_stride, rows, w, w_stride, columns, inner, c, c_stride);
    } else {
        few_256(x, x_stride, rows, w, w_stride, columns, inner, c, c_stride);
    }
#endif
}
