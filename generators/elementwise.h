// ADD, SUB and MUL of 8-bit tensors, exact for every multiplier and shift (mbqm: docs/numerics.md).
//
//   SumKernel: out = clamp(Z + mbqm(mbqm((q1 - Z1) << 20, m1) +- mbqm((q2 - Z2) << 20, m2), m))
//   ProductKernel: out = clamp(Z + mbqm((q1 - Z1) (q2 - Z2), m))
//
// Operands are seen in up to three dimensions, innermost first; a stride of 0 repeats (broadcasts). The first
// dimension's strides are 0 or 1.
#pragma once

#include <vector>

#include "generators/halide.h"

namespace octet {

/// A fixed-point factor: value * multiplier * 2^(left - right - 31). left and right in [0, 31], one of them 0.
struct FactorParams {
  explicit FactorParams(const std::string& name)
      : multiplier(name + "_multiplier"), left(name + "_left"), right(name + "_right") {}
  Halide::Param<int32_t> multiplier, left, right;
};

/// Arguments, in order: a, b, a_zero, a_multiplier, a_right, b_zero, b_multiplier, b_right, sign, out_multiplier,
/// out_left, out_right, zero_point, lo, hi; output.
struct SumKernel {
  explicit SumKernel(Target target);

  Halide::ImageParam a, b;  // activations [i, j, k]
  Halide::Param<int32_t> a_zero{"a_zero"}, b_zero{"b_zero"};
  FactorParams a_factor{"a"}, b_factor{"b"};  // at most 1: `left` is not used
  Halide::Param<int32_t> sign{"sign"};        // 0: a + b; -1: a - b
  FactorParams out_factor{"out"};
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};  // of the output

  Halide::Var i{"i"}, j{"j"}, k{"k"};
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;
};

/// Arguments, in order: a, b, a_zero, b_zero, out_multiplier, out_left, out_right, zero_point, lo, hi; output.
struct ProductKernel {
  explicit ProductKernel(Target target);

  Halide::ImageParam a, b;  // activations [i, j, k]
  Halide::Param<int32_t> a_zero{"a_zero"}, b_zero{"b_zero"};
  FactorParams out_factor{"out"};
  Halide::Param<int32_t> zero_point{"zero_point"}, lo{"lo"}, hi{"hi"};

  Halide::Var i{"i"}, j{"j"}, k{"k"};
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;
};

}  // namespace octet
