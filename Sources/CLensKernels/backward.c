#include "CLensKernels.h"
#include "vector_math.h"

#include <math.h>

// The adjoints of the row kernels: what a gradient with respect to a kernel's result is with respect to its input.

#pragma clang fp reassociate(on) contract(fast)

LENS_MULTIVERSION
void lens_norm_apply_backward(const float *restrict x, const float *restrict scale, const float *restrict gradient,
                              size_t rows, size_t width, int centers, float *restrict x_gradient,
                              float *restrict scale_gradient) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        const float *given = gradient + r * width;
        float *out = x_gradient + r * width;
        const float mean = centers ? lens_mean(row, width) : 0;
        const float inverse = 1.0f / scale[r];
        float along = 0;
        for (size_t i = 0; i < width; i++) along += given[i] * (row[i] - mean);
        // The centring is symmetric: the gradient loses its mean as x did.
        const float given_mean = centers ? lens_mean(given, width) : 0;
        for (size_t i = 0; i < width; i++) out[i] = (given[i] - given_mean) * inverse;
        scale_gradient[r] = -along * inverse * inverse;
    }
}

LENS_MULTIVERSION
void lens_norm_scale_backward(const float *restrict x, const float *restrict scale,
                              const float *restrict scale_gradient, size_t rows, size_t width, int centers,
                              float *restrict x_gradient) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        float *out = x_gradient + r * width;
        const float mean = centers ? lens_mean(row, width) : 0;
        const float factor = scale_gradient[r] / ((float)width * scale[r]);
        for (size_t i = 0; i < width; i++) out[i] += factor * (row[i] - mean);
    }
}

LENS_MULTIVERSION
void lens_scale_shift_backward(const float *restrict gradient, size_t rows, size_t width, int centers,
                               const float *restrict weight, float *restrict x_gradient) {
    for (size_t r = 0; r < rows; r++) {
        const float *given = gradient + r * width;
        float *out = x_gradient + r * width;
        for (size_t i = 0; i < width; i++) out[i] = given[i] * weight[i];
        if (centers) {
            const float mean = lens_mean(out, width);
            for (size_t i = 0; i < width; i++) out[i] -= mean;
        }
    }
}

LENS_MULTIVERSION
void lens_softmax_backward(const float *restrict softmax, float *restrict gradient, size_t count) {
    float along = 0;
    for (size_t i = 0; i < count; i++) along += softmax[i] * gradient[i];
    for (size_t i = 0; i < count; i++) gradient[i] = softmax[i] * (gradient[i] - along);
}

LENS_MULTIVERSION
void lens_softmax_block(float *restrict logits, size_t rows, size_t count, size_t stride, const float *restrict bias,
                        float *restrict maximum, float *restrict sum, float *restrict factor) {
    for (size_t r = 0; r < rows; r++) {
        float *row = logits + r * stride;
        if (bias) {
            for (size_t i = 0; i < count; i++) row[i] += bias[i];
        }
        const float before = maximum[r];
        const float block = lens_maximum(row, count);
        const float now = block > before ? block : before;
        float total = 0;
        for (size_t i = 0; i < count; i++) {
            const float e = lens_expf(row[i] - now);
            row[i] = e;
            total += e;
        }
        const float shrink = before == -INFINITY ? 0.0f : expf(before - now);
        factor[r] = shrink;
        sum[r] = sum[r] * shrink + total;
        maximum[r] = now;
    }
}

LENS_MULTIVERSION
void lens_add_scaled(float *restrict y, const float *restrict x, float factor, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}
