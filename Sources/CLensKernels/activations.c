#include "CLensKernels.h"
#include "vector_math.h"

// What stands between an MLP's matrices, the caps of scores and logits, and the adjoints of both.

#pragma clang fp reassociate(on) contract(fast)

LENS_MULTIVERSION
void lens_gelu_new(float *x, size_t count) {
    // 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3): no cancellation for x << 0, and
    // where exp ends at exp(88) the result is 0 to all digits.
    for (size_t i = 0; i < count; i++) {
        const float value = x[i];
        const float u = 0.79788456080286536f * (value + 0.044715f * value * value * value);
        x[i] = value / (1.0f + lens_expf(-2.0f * u));
    }
}

LENS_MULTIVERSION
void lens_gelu_new_backward(const float *restrict x, const float *restrict gradient, size_t count,
                            float *restrict x_gradient) {
    // gelu(x) = x s, s = 1 / (1 + exp(-2u)), u as in lens_gelu_new: gelu'(x) = s + 2 x s (1 - s) u'.
    for (size_t i = 0; i < count; i++) {
        const float value = x[i];
        const float square = 0.044715f * value * value;
        const float s = 1.0f / (1.0f + lens_expf(-2.0f * 0.79788456080286536f * value * (1.0f + square)));
        const float slope = 0.79788456080286536f * (1.0f + 3.0f * square);
        x_gradient[i] = gradient[i] * (s + 2.0f * value * s * (1.0f - s) * slope);
    }
}

LENS_MULTIVERSION
void lens_gelu(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] = 0.5f * x[i] * (1.0f + lens_erff(x[i] * 0.70710678118654752f));
}

LENS_MULTIVERSION
void lens_gelu_backward(const float *restrict x, const float *restrict gradient, size_t count,
                        float *restrict x_gradient) {
    for (size_t i = 0; i < count; i++) {
        const float value = x[i];
        const float share = 0.5f * (1.0f + lens_erff(value * 0.70710678118654752f));
        const float density = 0.39894228040143268f * lens_expf(-0.5f * value * value);
        x_gradient[i] = gradient[i] * (share + value * density);
    }
}

LENS_MULTIVERSION
void lens_relu(float *x, size_t count, int squares) {
    // A comparison, not a maximum: NaN stays NaN.
    for (size_t i = 0; i < count; i++) {
        const float value = x[i] < 0.0f ? 0.0f : x[i];
        x[i] = squares ? value * value : value;
    }
}

LENS_MULTIVERSION
void lens_relu_backward(const float *restrict x, const float *restrict gradient, size_t count, int squares,
                        float *restrict x_gradient) {
    for (size_t i = 0; i < count; i++) {
        const float slope = squares ? 2.0f * x[i] : 1.0f;
        x_gradient[i] = x[i] > 0.0f ? gradient[i] * slope : 0.0f;
    }
}

LENS_MULTIVERSION
void lens_silu(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] = x[i] / (1.0f + lens_expf(-x[i]));
}

LENS_MULTIVERSION
void lens_silu_backward(const float *restrict x, const float *restrict gradient, size_t count,
                        float *restrict x_gradient) {
    for (size_t i = 0; i < count; i++) {
        const float s = 1.0f / (1.0f + lens_expf(-x[i]));
        x_gradient[i] = gradient[i] * s * (1.0f + x[i] * (1.0f - s));
    }
}

LENS_MULTIVERSION
void lens_solu(float *x, size_t rows, size_t width) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * width;
        const float maximum = lens_maximum(row, width);
        float total = 0;
        for (size_t i = 0; i < width; i++) total += lens_expf(row[i] - maximum);
        const float inverse = 1.0f / total;
        for (size_t i = 0; i < width; i++) row[i] *= lens_expf(row[i] - maximum) * inverse;
    }
}

LENS_MULTIVERSION
void lens_solu_backward(const float *restrict x, const float *restrict gradient, size_t rows, size_t width,
                        float *restrict x_gradient) {
    // With p = softmax(x): d(x_j p_j)/dx_i = p_i [i = j] + x_j p_j ([i = j] - p_i).
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * width;
        const float *given = gradient + r * width;
        const float maximum = lens_maximum(row, width);
        float total = 0;
        float along = 0;
        for (size_t i = 0; i < width; i++) {
            const float e = lens_expf(row[i] - maximum);
            total += e;
            along += given[i] * row[i] * e;
        }
        const float inverse = 1.0f / total;
        along *= inverse;
        for (size_t i = 0; i < width; i++) {
            const float p = lens_expf(row[i] - maximum) * inverse;
            x_gradient[r * width + i] = p * (given[i] * (1.0f + row[i]) - along);
        }
    }
}

LENS_MULTIVERSION
void lens_multiply_add(const float *a, const float *b, const float *bias, size_t rows, size_t width, float *out) {
    for (size_t r = 0; r < rows; r++) {
        const size_t first = r * width;
        if (bias) {
            for (size_t i = 0; i < width; i++) out[first + i] = a[first + i] * b[first + i] + bias[i];
        } else {
            for (size_t i = 0; i < width; i++) out[first + i] = a[first + i] * b[first + i];
        }
    }
}

LENS_MULTIVERSION
void lens_soft_cap(float *x, size_t count, float cap) {
    const float inverse = 1.0f / cap;
    for (size_t i = 0; i < count; i++) x[i] = cap * lens_tanhf(x[i] * inverse);
}

LENS_MULTIVERSION
void lens_soft_cap_backward(const float *restrict capped, float *restrict gradient, size_t count, float cap) {
    const float inverse = 1.0f / cap;
    for (size_t i = 0; i < count; i++) {
        const float t = capped[i] * inverse;
        gradient[i] *= 1.0f - t * t;
    }
}

LENS_MULTIVERSION
void lens_clamp(float *x, size_t count, float limit) {
    for (size_t i = 0; i < count; i++) {
        const float value = x[i] > limit ? limit : x[i];
        x[i] = value < -limit ? -limit : value;
    }
}

LENS_MULTIVERSION
void lens_clamp_backward(const float *restrict x, float *restrict gradient, size_t count, float limit) {
    for (size_t i = 0; i < count; i++) {
        if (x[i] < -limit || x[i] > limit) gradient[i] = 0;
    }
}
