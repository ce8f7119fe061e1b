// What the kernels of this target share; not part of its interface.
#ifndef LENS_VECTOR_MATH_H
#define LENS_VECTOR_MATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// One source, several instruction sets: the loader picks the best that the processor has. Not under the thread sanitizer,
// which would watch that choice before it has begun, and crash.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LENS_ONE_VERSION
#endif
#endif
#if defined(__x86_64__) && !defined(LENS_ONE_VERSION)
#define LENS_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LENS_MULTIVERSION
#endif

#pragma clang fp reassociate(on) contract(fast)

// exp(x) to about 1 ulp: x = n ln 2 + r, |r| <= ln 2 / 2, a degree-6 polynomial in r, scaled by 2^n.
// Below -87.3 the result is 0, above 88 it is exp(88); NaN stays NaN.
static inline __attribute__((always_inline)) float lens_expf(float x) {
    const float clamped = x < -87.33654f ? -87.33654f : (x > 88.0f ? 88.0f : x);
    const float n = rintf(clamped * 1.44269504088896341f);
    float r = fmaf(n, -0.693359375f, clamped);
    r = fmaf(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    p = fmaf(p, r * r, r) + 1.0f;
    const int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return x < -87.33654f ? 0.0f : p * power;
}

// erf(x) to about 1 ulp, after the approximation of N. Juffa: a polynomial near 0, 1 - exp(polynomial) beyond.
static inline __attribute__((always_inline)) float lens_erff(float x) {
    const float t = x < 0.0f ? -x : x;
    const float s = x * x;
    float far = fmaf(-1.72853470e-5f, t, 3.83197126e-4f);
    const float u = fmaf(-3.88396438e-3f, t, 2.42546219e-2f);
    far = fmaf(far, s, u);
    far = fmaf(far, t, -1.06777877e-1f);
    far = fmaf(far, t, -6.34846687e-1f);
    far = fmaf(far, t, -1.28717512e-1f);
    far = fmaf(far, t, -t);
    far = 1.0f - lens_expf(far);
    far = x < 0.0f ? -far : far;
    float near = -5.96761703e-4f;
    near = fmaf(near, s, 4.99119423e-3f);
    near = fmaf(near, s, -2.67681349e-2f);
    near = fmaf(near, s, 1.12819925e-1f);
    near = fmaf(near, s, -3.76125336e-1f);
    near = fmaf(near, s, 1.28379166e-1f);
    near = fmaf(near, x, x);
    return t > 0.927734375f ? far : near;
}

// tanh(x): a polynomial near 0 (Cephes), where 1 - 2 / (exp(2x) + 1) would lose digits.
static inline __attribute__((always_inline)) float lens_tanhf(float x) {
    const float s = x * x;
    float near = fmaf(-5.70498872745e-3f, s, 2.06390887954e-2f);
    near = fmaf(near, s, -5.37397155531e-2f);
    near = fmaf(near, s, 1.33314422036e-1f);
    near = fmaf(near, s, -3.33332819422e-1f);
    near = fmaf(near * s, x, x);
    const float far = 1.0f - 2.0f / (lens_expf(2.0f * x) + 1.0f);
    return s < 0.390625f ? near : far;
}

static inline __attribute__((always_inline)) float lens_mean(const float *x, size_t count) {
    float total = 0;
    for (size_t i = 0; i < count; i++) total += x[i];
    return total / (float)count;
}

// The largest value; NaNs are passed over. Sixteen lanes, because the compiler does not vectorise a maximum by itself.
static inline __attribute__((always_inline)) float lens_maximum(const float *x, size_t count) {
    float lanes[16];
    for (int j = 0; j < 16; j++) lanes[j] = -INFINITY;
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        for (int j = 0; j < 16; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    }
    for (; i < count; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    float maximum = lanes[0];
    for (int j = 1; j < 16; j++) maximum = lanes[j] > maximum ? lanes[j] : maximum;
    return maximum;
}

#endif
