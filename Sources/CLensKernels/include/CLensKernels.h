// Row kernels that OpenBLAS does not have: exp, softmax, GELU, layer norm.
//
// Plain loops that the compiler vectorises, compiled for several x86-64 levels and chosen at load time.
// All matrices are row-major float32; a stride is the distance between rows, in floats.
#ifndef CLENSKERNELS_H
#define CLENSKERNELS_H

#include <stddef.h>
#include <stdint.h>

// normalized[r, :] = (x[r, :] - mean) / scale[r], scale[r] = sqrt(mean((x - mean)^2) + eps).
void lens_layer_norm_scale(const float *x, size_t rows, size_t width, float eps, float *scale);
void lens_layer_norm_apply(const float *x, const float *scale, size_t rows, size_t width, float *normalized);

// y[r, :] = (x[r, :] - (centers ? mean(x[r, :]) : 0)) * weight + bias; bias may be NULL.
void lens_scale_shift(const float *x, size_t rows, size_t width, int centers, const float *weight, const float *bias,
                      float *y);

// x[r, :] += bias - (centers ? mean(x[r, :]) : 0); bias may be NULL.
void lens_finish_rows(float *x, size_t rows, size_t width, size_t stride, int centers, const float *bias);

// out = a + b
void lens_add(const float *a, const float *b, size_t count, float *out);

// x *= factor
void lens_scale(float *x, size_t count, float factor);

// GELU with the tanh approximation ("gelu_new"), in place.
void lens_gelu_new(float *x, size_t count);

// In place over x[0..<count]: softmax. A row of -inf only becomes NaN, as in PyTorch.
void lens_softmax(float *x, size_t count);

// Folds a block of logits into a running log-sum-exp per row: logits[r, :] (+ bias) are `count` further columns.
// maximum[r] and sum[r] hold the state: log-sum-exp = maximum + log(sum). Start with -INFINITY and 0.
void lens_log_sum_exp_update(float *logits, size_t rows, size_t count, size_t stride, const float *bias,
                             float *maximum, float *sum);

// Dot product of two vectors.
float lens_dot(const float *a, const float *b, size_t count);

// The widest vector unit the processor has: 512, 256 or 128 bits.
int lens_vector_bits(void);

#endif
