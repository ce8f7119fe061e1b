#include "CLensKernels.h"
#include "vector_math.h"

// Positions in the attention: rotary turns of queries and keys, ALiBi's slopes.

#pragma clang fp reassociate(on) contract(fast)

LENS_MULTIVERSION
void lens_rotate(float *restrict x, const float *restrict turns, size_t rows, size_t heads, size_t d_head, size_t dim,
                 int adjacent, float direction) {
    const size_t half = dim / 2;
    for (size_t r = 0; r < rows; r++) {
        const float *cosines = turns + r * dim;
        const float *sines = cosines + half;
        for (size_t h = 0; h < heads; h++) {
            float *head = x + (r * heads + h) * d_head;
            if (adjacent) {
                for (size_t i = 0; i < half; i++) {
                    const float a = head[2 * i];
                    const float b = head[2 * i + 1];
                    const float sine = direction * sines[i];
                    head[2 * i] = a * cosines[i] - b * sine;
                    head[2 * i + 1] = b * cosines[i] + a * sine;
                }
            } else {
                float *first = head;
                float *second = head + half;
                for (size_t i = 0; i < half; i++) {
                    const float a = first[i];
                    const float b = second[i];
                    const float sine = direction * sines[i];
                    first[i] = a * cosines[i] - b * sine;
                    second[i] = b * cosines[i] + a * sine;
                }
            }
        }
    }
}

LENS_MULTIVERSION
void lens_add_slope(float *scores, size_t count, ptrdiff_t position, float slope) {
    for (size_t i = 0; i < count; i++) scores[i] += slope * (float)((ptrdiff_t)i - position);
}
