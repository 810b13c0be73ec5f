#pragma once

/// Sixteen floats, which Swift sees as `SIMD16<Float>`.
typedef float cpu_vector __attribute__((ext_vector_type(16)));

/// `a·b + c`, rounded once. In C because to Swift it is one operation per lane, of which the compiler puts only short
/// chains together again.
static inline __attribute__((always_inline)) cpu_vector cpu_vector_fma(cpu_vector a, cpu_vector b, cpu_vector c) {
  return __builtin_elementwise_fma(a, b, c);
}

/// The lesser of `limit` and `x`; NaN where `x` is NaN. In C because comparisons of vectors are loops in Swift.
static inline __attribute__((always_inline)) cpu_vector cpu_vector_at_most(cpu_vector limit, cpu_vector x) {
  return limit < x ? limit : x;
}

/// The greater of `limit` and `x`; NaN where `x` is NaN.
static inline __attribute__((always_inline)) cpu_vector cpu_vector_at_least(cpu_vector limit, cpu_vector x) {
  return limit > x ? limit : x;
}
