// Row kernels that OpenBLAS does not have: exp, softmax, GELU, layer norm.
//
// Plain loops that the compiler vectorises, compiled for several x86-64 levels and chosen at load time.
// All matrices are row-major float32; a stride is the distance between rows, in floats.
#ifndef CLENSKERNELS_H
#define CLENSKERNELS_H

#include <stddef.h>
#include <stdint.h>

// normalized[r, :] = (x[r, :] - mean) / scale[r], scale[r] = sqrt(mean((x - mean)^2) + eps): layer norm; with a mean of 0
// unless `centers`: RMS norm.
void lens_norm_scale(const float *x, size_t rows, size_t width, int centers, float eps, float *scale);
void lens_norm_apply(const float *x, const float *scale, size_t rows, size_t width, int centers, float *normalized);

// y[r, :] = (x[r, :] - (centers ? mean(x[r, :]) : 0)) * weight + bias; bias may be NULL.
void lens_scale_shift(const float *x, size_t rows, size_t width, int centers, const float *weight, const float *bias,
                      float *y);

// x[r, :] += bias - (centers ? mean(x[r, :]) : 0); bias may be NULL.
void lens_finish_rows(float *x, size_t rows, size_t width, size_t stride, int centers, const float *bias);

// out = a + b
void lens_add(const float *a, const float *b, size_t count, float *out);

// x *= factor
void lens_scale(float *x, size_t count, float factor);

// In place over x[0..<count]: softmax. A row of -inf only becomes zeros, as in TransformerLens.
void lens_softmax(float *x, size_t count);

// Folds a block of logits into a running log-sum-exp per row: logits[r, :] (+ bias) are `count` further columns.
// maximum[r] and sum[r] hold the state: log-sum-exp = maximum + log(sum). Start with -INFINITY and 0.
void lens_log_sum_exp_update(float *logits, size_t rows, size_t count, size_t stride, const float *bias,
                             float *maximum, float *sum);

// Dot product of two vectors.
float lens_dot(const float *a, const float *b, size_t count);

// MARK: adjoints. `gradient` is with respect to the kernel's result, `x_gradient` with respect to its input.

// Of lens_norm_apply: writes the gradient with respect to x (through the numerator only) and to scale.
void lens_norm_apply_backward(const float *x, const float *scale, const float *gradient, size_t rows, size_t width,
                              int centers, float *x_gradient, float *scale_gradient);

// Of lens_norm_scale, added to x_gradient; scale is what the kernel gave.
void lens_norm_scale_backward(const float *x, const float *scale, const float *scale_gradient, size_t rows,
                              size_t width, int centers, float *x_gradient);

// Of lens_scale_shift.
void lens_scale_shift_backward(const float *gradient, size_t rows, size_t width, int centers, const float *weight,
                               float *x_gradient);

// Of lens_softmax, in place; softmax is its result.
void lens_softmax_backward(const float *softmax, float *gradient, size_t count);

// Replaces a block of logits (+ bias) by exp(logit - maximum), folding it into a running maximum and sum per row as
// lens_log_sum_exp_update does; what was made of earlier blocks has to be multiplied by factor[r].
void lens_softmax_block(float *logits, size_t rows, size_t count, size_t stride, const float *bias, float *maximum,
                        float *sum, float *factor);

// y += factor * x
void lens_add_scaled(float *y, const float *x, float factor, size_t count);

// MARK: activation functions, in place, and their adjoints; x is then the function's input.

// GELU with the tanh approximation ("gelu_new"), and with the error function ("gelu").
void lens_gelu_new(float *x, size_t count);
void lens_gelu_new_backward(const float *x, const float *gradient, size_t count, float *x_gradient);
void lens_gelu(float *x, size_t count);
void lens_gelu_backward(const float *x, const float *gradient, size_t count, float *x_gradient);

// max(x, 0), or its square where `squares`.
void lens_relu(float *x, size_t count, int squares);
void lens_relu_backward(const float *x, const float *gradient, size_t count, int squares, float *x_gradient);

// x / (1 + exp(-x))
void lens_silu(float *x, size_t count);
void lens_silu_backward(const float *x, const float *gradient, size_t count, float *x_gradient);

// x * softmax(x), row by row.
void lens_solu(float *x, size_t rows, size_t width);
void lens_solu_backward(const float *x, const float *gradient, size_t rows, size_t width, float *x_gradient);

// out = a * b + bias, `bias` of one row, which may be NULL.
void lens_multiply_add(const float *a, const float *b, const float *bias, size_t rows, size_t width, float *out);

// cap * tanh(x / cap), in place; its adjoint in place, from the function's result.
void lens_soft_cap(float *x, size_t count, float cap);
void lens_soft_cap_backward(const float *capped, float *gradient, size_t count, float cap);

// x held within -limit...limit, in place; its adjoint in place, from the function's input.
void lens_clamp(float *x, size_t count, float limit);
void lens_clamp_backward(const float *x, float *gradient, size_t count, float limit);

// MARK: positions.

// Turns the first `dim` components of each head, in place: x is [rows, heads, d_head], and `turns` has for each row
// dim / 2 cosines and dim / 2 sines, one for each pair. Components 2i and 2i + 1 are a pair where `adjacent`, else i and
// i + dim / 2. A direction of -1 turns back, which is the adjoint.
void lens_rotate(float *x, const float *turns, size_t rows, size_t heads, size_t d_head, size_t dim, int adjacent,
                 float direction);

// scores[i] += slope * (i - position)
void lens_add_slope(float *scores, size_t count, ptrdiff_t position, float slope);

// MARK: products.

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
