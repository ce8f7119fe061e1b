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

// In place over x[0..<count]: softmax. A row of -inf only becomes zeros, as in TransformerLens.
void lens_softmax(float *x, size_t count);

// Folds a block of logits into a running log-sum-exp per row: logits[r, :] (+ bias) are `count` further columns.
// maximum[r] and sum[r] hold the state: log-sum-exp = maximum + log(sum). Start with -INFINITY and 0.
void lens_log_sum_exp_update(float *logits, size_t rows, size_t count, size_t stride, const float *bias,
                             float *maximum, float *sum);

// Dot product of two vectors.
float lens_dot(const float *a, const float *b, size_t count);

// MARK: adjoints. `gradient` is with respect to the kernel's result, `x_gradient` with respect to its input.

// Of lens_layer_norm_apply: writes the gradient with respect to x (through the numerator only) and to scale.
void lens_layer_norm_apply_backward(const float *x, const float *scale, const float *gradient, size_t rows,
                                    size_t width, float *x_gradient, float *scale_gradient);

// Of lens_layer_norm_scale, added to x_gradient; scale is what the kernel gave.
void lens_layer_norm_scale_backward(const float *x, const float *scale, const float *scale_gradient, size_t rows,
                                    size_t width, float *x_gradient);

// Of lens_scale_shift.
void lens_scale_shift_backward(const float *gradient, size_t rows, size_t width, int centers, const float *weight,
                               float *x_gradient);

// Of lens_gelu_new; x is its input.
void lens_gelu_new_backward(const float *x, const float *gradient, size_t count, float *x_gradient);

// Of lens_softmax, in place; softmax is its result.
void lens_softmax_backward(const float *softmax, float *gradient, size_t count);

// Replaces a block of logits (+ bias) by exp(logit - maximum), folding it into a running maximum and sum per row as
// lens_log_sum_exp_update does; what was made of earlier blocks has to be multiplied by factor[r].
void lens_softmax_block(float *logits, size_t rows, size_t count, size_t stride, const float *bias, float *maximum,
                        float *sum, float *factor);

// y += factor * x
void lens_add_scaled(float *y, const float *x, float factor, size_t count);

// Dense products c = x * w^T, one thread's part: x is [rows, inner], w is [columns, inner], c is [rows, columns].
//
// lens_pack lays w out in panels of lens_panel_columns() columns, which lens_multiply_packed then reads straight through;
// packing costs about as much as 10 rows of products. lens_multiply_few reads w once, where it lies: for few rows.
// `packed` is 64-byte aligned and holds lens_packed_count() floats. `next`, which may be NULL, is what the caller will
// pack next, as many columns: it is fetched from memory meanwhile.
// lens_panel_columns() is 0 where the processor has none of the instructions; the others then must not be called.
size_t lens_panel_columns(void);
size_t lens_packed_count(size_t columns, size_t inner);
void lens_pack(const float *w, size_t w_stride, size_t columns, size_t inner, float *packed);
void lens_multiply_packed(const float *x, size_t x_stride, size_t rows, const float *packed, size_t columns,
                          size_t inner, float *c, size_t c_stride, const float *next, size_t next_stride);
void lens_multiply_few(const float *x, size_t x_stride, size_t rows, const float *w, size_t w_stride, size_t columns,
                       size_t inner, float *c, size_t c_stride);

// Memory of the calling thread's own, 64-byte aligned, of at least `count` floats; the next call may move it, the thread's
// end frees it. Ends the program where there is no memory, as Swift's own allocations do.
float *lens_thread_scratch(size_t count);

// The widest vector unit the processor has: 512, 256 or 128 bits.
int lens_vector_bits(void);

#endif
