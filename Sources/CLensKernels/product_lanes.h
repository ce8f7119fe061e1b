// The dense product for one vector width; product.c includes this once per instruction set.
//
// LANES is the floats of a vector, ROWS and VECTORS the tile that is held in registers (ROWS x VECTORS accumulators),
// TARGET the attribute that lets the compiler use the instructions, NAME(x) the width's own name for x.
//
// The tile is shaped so that two loads of a cycle feed two multiply-adds: each step of k loads VECTORS vectors of packed
// w and ROWS single values of x, and does ROWS * VECTORS multiply-adds. x is read where it lies: ROWS <= the ways of the
// first-level cache, because rows that lie 4096 bytes apart fall into one set.

typedef float NAME(vec) __attribute__((ext_vector_type(LANES)));
typedef float NAME(loose) __attribute__((ext_vector_type(LANES), aligned(4)));

#define VEC NAME(vec)
#define LOOSE NAME(loose)
#define INLINE TARGET static inline __attribute__((always_inline))

#if LANES == 16
#define LOW_FLOATS 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define HIGH_FLOATS 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define LOW_PAIRS 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_PAIRS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#else
#define LOW_FLOATS 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH_FLOATS 2, 10, 3, 11, 6, 14, 7, 15
#define LOW_PAIRS 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_PAIRS 2, 3, 10, 11, 6, 7, 14, 15
#define EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11
#define ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15
#endif
#define MIX(a, b, order) __builtin_shufflevector(a, b, order)

// LANES x LANES values, transposed: first within groups of four lanes, then the groups.
INLINE void NAME(transpose)(const float *from, size_t from_stride, float *to, size_t to_stride) {
    VEC a[LANES], b[LANES];
    for (int i = 0; i < LANES; i++) a[i] = *(const LOOSE *)(from + i * from_stride);
    for (int i = 0; i < LANES; i += 2) {
        b[i] = MIX(a[i], a[i + 1], LOW_FLOATS);
        b[i + 1] = MIX(a[i], a[i + 1], HIGH_FLOATS);
    }
    for (int i = 0; i < LANES; i += 4) {
        a[i] = MIX(b[i], b[i + 2], LOW_PAIRS);
        a[i + 1] = MIX(b[i], b[i + 2], HIGH_PAIRS);
        a[i + 2] = MIX(b[i + 1], b[i + 3], LOW_PAIRS);
        a[i + 3] = MIX(b[i + 1], b[i + 3], HIGH_PAIRS);
    }
    for (int group = 0; group < LANES; group += 8) {
        for (int i = 0; i < 4; i++) {
            b[group + i] = MIX(a[group + i], a[group + i + 4], EVEN_FOURS);
            b[group + i + 4] = MIX(a[group + i], a[group + i + 4], ODD_FOURS);
        }
    }
#if LANES == 16
    for (int i = 0; i < 4; i++) {
        a[i] = MIX(b[i], b[i + 8], EVEN_FOURS);
        a[i + 8] = MIX(b[i], b[i + 8], ODD_FOURS);
        a[i + 4] = MIX(b[i + 4], b[i + 12], EVEN_FOURS);
        a[i + 12] = MIX(b[i + 4], b[i + 12], ODD_FOURS);
    }
    for (int i = 0; i < LANES; i++) *(LOOSE *)(to + i * to_stride) = a[i];
#else
    for (int i = 0; i < LANES; i++) *(LOOSE *)(to + i * to_stride) = b[i];
#endif
}

// One panel: w[0..<VECTORS * LANES, 0..<inner] to packed[inner][VECTORS * LANES]; columns that are missing are zero.
TARGET static void NAME(pack_panel)(const float *w, size_t stride, size_t columns, size_t inner, float *packed) {
    const size_t width = VECTORS * LANES;
    const size_t whole = inner / LANES * LANES;
    for (size_t v = 0; v < VECTORS; v++) {
        const size_t first = v * LANES;
        const size_t count = columns <= first ? 0 : (columns - first < LANES ? columns - first : LANES);
        const float *rows = w + first * stride;
        size_t k = 0;
        if (count == LANES) {
            for (; k < whole; k += LANES) NAME(transpose)(rows + k, stride, packed + k * width + first, width);
        }
        for (; k < inner; k++) {
            for (size_t j = 0; j < LANES; j++) packed[k * width + first + j] = j < count ? rows[j * stride + k] : 0;
        }
    }
}

// One tile: c[0..<rows, 0..<columns] (+)= x[0..<rows, 0..<inner] * panel. `vectors` is a constant at each call.
// `following`, where it is not NULL, are rows of x that will be wanted soon: fetched meanwhile.
INLINE void NAME(tile)(const float *restrict x, size_t x_stride, size_t rows, const float *restrict panel, size_t inner,
                       float *restrict c, size_t c_stride, size_t columns, int adds, int vectors, const float *following,
                       Ahead *ahead) {
    const size_t width = VECTORS * LANES;
    VEC sum[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) sum[i][j] = (VEC)0.0f;
    }
    // Missing rows are computed from the last one and not stored.
    const float *row[ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) row[i] = x + ((size_t)i < rows ? (size_t)i : rows - 1) * x_stride;
    for (size_t start = 0; start < inner; start += LANES) {
        const size_t end = start + LANES < inner ? start + LANES : inner;
        ahead_fetch(ahead);
        if (following) {
#pragma clang loop unroll(full)
            for (int i = 0; i < ROWS; i++) __builtin_prefetch(following + i * x_stride + start, 0, 2);
        }
#pragma clang loop unroll_count(2)
        for (size_t k = start; k < end; k++) {
            VEC w[VECTORS];
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) w[j] = *(const VEC *)(panel + k * width + j * LANES);
#pragma clang loop unroll(full)
            for (int i = 0; i < ROWS; i++) {
                const VEC value = (VEC)row[i][k];
#pragma clang loop unroll(full)
                for (int j = 0; j < vectors; j++) sum[i][j] += value * w[j];
            }
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
        if ((size_t)i >= rows) break;
        float *target = c + i * c_stride;
        if (columns >= (size_t)vectors * LANES) {
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) {
                LOOSE *place = (LOOSE *)(target + j * LANES);
                *place = adds ? *place + sum[i][j] : sum[i][j];
            }
        } else {
            float edge[VECTORS * LANES];
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) *(LOOSE *)(edge + j * LANES) = sum[i][j];
            for (size_t j = 0; j < columns; j++) target[j] = adds ? target[j] + edge[j] : edge[j];
        }
    }
}

TARGET static void NAME(pack)(const float *w, size_t stride, size_t columns, size_t inner, float *packed) {
    const size_t width = VECTORS * LANES;
    const size_t step = inner_step(inner);
    for (size_t k = 0; k < inner; k += step) {
        const size_t depth = inner - k < step ? inner - k : step;
        for (size_t column = 0; column < columns; column += width) {
            NAME(pack_panel)(w + column * stride + k, stride, columns - column, depth, packed);
            packed += depth * width;
        }
    }
}

TARGET static void NAME(multiply)(const float *x, size_t x_stride, size_t rows, const float *packed, size_t columns,
                                  size_t inner, float *c, size_t c_stride, Ahead *ahead) {
    const size_t width = VECTORS * LANES;
    const size_t step = inner_step(inner);
    for (size_t k = 0; k < inner; k += step) {
        const size_t depth = inner - k < step ? inner - k : step;
        for (size_t r = 0; r < rows; r += ROWS) {
            const size_t count = rows - r < ROWS ? rows - r : ROWS;
            const float *panel = packed;
            const float *following = rows - r >= 2 * ROWS ? x + (r + ROWS) * x_stride + k : 0;
            for (size_t column = 0; column < columns; column += width) {
                const size_t left = columns - column;
                const float *from = x + r * x_stride + k;
                float *to = c + r * c_stride + column;
#if VECTORS > 2
                if (left > 2 * LANES) {
                    NAME(tile)(from, x_stride, count, panel, depth, to, c_stride, left, k > 0, 3, following, ahead);
                } else
#endif
                if (left > LANES) {
                    NAME(tile)(from, x_stride, count, panel, depth, to, c_stride, left, k > 0, 2, following, ahead);
                } else {
                    NAME(tile)(from, x_stride, count, panel, depth, to, c_stride, left, k > 0, 1, following, ahead);
                }
                panel += depth * width;
                following = 0;
            }
        }
        packed += (columns + width - 1) / width * width * depth;
    }
}

INLINE float NAME(total)(VEC v) {
    float lanes[LANES];
    *(LOOSE *)lanes = v;
    float total = 0;
    for (int i = 0; i < LANES; i++) total += lanes[i];
    return total;
}

// `wide` rows of w against `tall` rows of x, both read where they lie; both are constants at each call.
INLINE void NAME(dots)(const float *restrict x, size_t x_stride, const float *restrict w, size_t w_stride, size_t inner,
                       float *restrict c, size_t c_stride, int tall, int wide, const float *ahead) {
    VEC sum[FEW_TALL][FEW_WIDE];
#pragma clang loop unroll(full)
    for (int i = 0; i < tall; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < wide; j++) sum[i][j] = (VEC)0.0f;
    }
    const size_t whole = inner / LANES * LANES;
    for (size_t k = 0; k < whole; k += LANES) {
        VEC weights[FEW_WIDE];
#pragma clang loop unroll(full)
        for (int j = 0; j < wide; j++) {
            weights[j] = *(const LOOSE *)(w + j * w_stride + k);
            // The hardware's own prefetch stops at each page; rows further on are other pages.
            __builtin_prefetch(ahead + j * w_stride + k);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < tall; i++) {
            const VEC value = *(const LOOSE *)(x + i * x_stride + k);
#pragma clang loop unroll(full)
            for (int j = 0; j < wide; j++) sum[i][j] += value * weights[j];
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < tall; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < wide; j++) {
            float total = NAME(total)(sum[i][j]);
            for (size_t k = whole; k < inner; k++) total += x[i * x_stride + k] * w[j * w_stride + k];
            c[i * c_stride + j] = total;
        }
    }
}

TARGET static void NAME(few)(const float *x, size_t x_stride, size_t rows, const float *w, size_t w_stride,
                             size_t columns, size_t inner, float *c, size_t c_stride) {
    for (size_t column = 0; column < columns;) {
        const size_t left = columns - column;
        const size_t wide = left >= FEW_WIDE ? FEW_WIDE : 1;
        const float *weights = w + column * w_stride;
        // The next rows of w come from memory while these are computed with; the last ones fetch themselves again.
        const float *ahead = left >= 2 * FEW_WIDE ? weights + FEW_WIDE * w_stride : weights;
        for (size_t r = 0; r < rows;) {
            const size_t tall = rows - r < FEW_TALL ? rows - r : FEW_TALL;
            const float *from = x + r * x_stride;
            float *to = c + r * c_stride + column;
#define DOTS(n) \
    case n: \
        if (wide == 1) { \
            NAME(dots)(from, x_stride, weights, w_stride, inner, to, c_stride, n, 1, ahead); \
        } else { \
            NAME(dots)(from, x_stride, weights, w_stride, inner, to, c_stride, n, FEW_WIDE, ahead); \
        } \
        break;
            switch (tall) {
                DOTS(1)
                DOTS(2)
                DOTS(3)
                DOTS(4)
#if FEW_TALL > 4
                DOTS(5)
                DOTS(6)
#endif
            }
#undef DOTS
            r += tall;
            ahead = weights;
        }
        column += wide;
    }
}

#undef VEC
#undef LOOSE
#undef INLINE
#undef MIX
#undef LOW_FLOATS
#undef HIGH_FLOATS
#undef LOW_PAIRS
#undef HIGH_PAIRS
#undef EVEN_FOURS
#undef ODD_FOURS
#undef LANES
#undef ROWS
#undef VECTORS
#undef FEW_TALL
#undef FEW_WIDE
#undef TARGET
#undef NAME
