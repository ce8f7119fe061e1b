#include "CLensKernels.h"
#include "vector_math.h"

// Sums may be reassociated, so that reductions use vector lanes (which also makes them more accurate).
#pragma clang fp reassociate(on) contract(fast)

LENS_MULTIVERSION
void lens_norm_scale(const float *restrict x, size_t rows, size_t width, int centers, float eps,
                     float *restrict scale) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        const float mean = centers ? lens_mean(row, width) : 0;
        float squares = 0;
        for (size_t i = 0; i < width; i++) squares += (row[i] - mean) * (row[i] - mean);
        scale[r] = sqrtf(squares / (float)width + eps);
    }
}

LENS_MULTIVERSION
void lens_norm_apply(const float *restrict x, const float *restrict scale, size_t rows, size_t width, int centers,
                     float *restrict normalized) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        const float mean = centers ? lens_mean(row, width) : 0;
        const float divisor = scale[r];
        for (size_t i = 0; i < width; i++) normalized[r * width + i] = (row[i] - mean) / divisor;
    }
}

LENS_MULTIVERSION
void lens_scale_shift(const float *restrict x, size_t rows, size_t width, int centers, const float *restrict weight,
                      const float *restrict bias, float *restrict y) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        float *out = y + r * width;
        const float mean = centers ? lens_mean(row, width) : 0;
        if (bias) {
            for (size_t i = 0; i < width; i++) out[i] = (row[i] - mean) * weight[i] + bias[i];
        } else {
            for (size_t i = 0; i < width; i++) out[i] = (row[i] - mean) * weight[i];
        }
    }
}

LENS_MULTIVERSION
void lens_finish_rows(float *restrict x, size_t rows, size_t width, size_t stride, int centers,
                      const float *restrict bias) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * stride;
        const float mean = centers ? lens_mean(row, width) : 0;
        if (bias) {
            for (size_t i = 0; i < width; i++) row[i] = row[i] - mean + bias[i];
        } else if (centers) {
            for (size_t i = 0; i < width; i++) row[i] -= mean;
        }
    }
}

LENS_MULTIVERSION
void lens_add(const float *a, const float *b, size_t count, float *out) {
    for (size_t i = 0; i < count; i++) out[i] = a[i] + b[i];
}

LENS_MULTIVERSION
void lens_scale(float *x, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) x[i] *= factor;
}

LENS_MULTIVERSION
void lens_softmax(float *x, size_t count) {
    const float maximum = lens_maximum(x, count);
    if (maximum == -INFINITY) {
        for (size_t i = 0; i < count; i++) x[i] = 0;
        return;
    }
    float total = 0;
    for (size_t i = 0; i < count; i++) {
        const float e = lens_expf(x[i] - maximum);
        x[i] = e;
        total += e;
    }
    const float inverse = 1.0f / total;
    for (size_t i = 0; i < count; i++) x[i] *= inverse;
}

LENS_MULTIVERSION
void lens_log_sum_exp_update(float *restrict logits, size_t rows, size_t count, size_t stride,
                             const float *restrict bias, float *restrict maximum, float *restrict sum) {
    for (size_t r = 0; r < rows; r++) {
        float *row = logits + r * stride;
        if (bias) {
            for (size_t i = 0; i < count; i++) row[i] += bias[i];
        }
        const float block = lens_maximum(row, count);
        const float before = maximum[r];
        const float now = block > before ? block : before;
        float total = 0;
        for (size_t i = 0; i < count; i++) total += lens_expf(row[i] - now);
        sum[r] = (before == -INFINITY ? 0.0f : sum[r] * expf(before - now)) + total;
        maximum[r] = now;
    }
}

LENS_MULTIVERSION
float lens_dot(const float *restrict a, const float *restrict b, size_t count) {
    float total = 0;
    for (size_t i = 0; i < count; i++) total += a[i] * b[i];
    return total;
}

int lens_vector_bits(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) return 512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 256;
#endif
    return 128;
}
