// ADD, SUB and MUL of 8-bit tensors (mbqm: docs/numerics.md).
//
//   SumAnyKernel: out = clamp(Z + mbqm(mbqm((q1 - Z1) << 20, m1) +- mbqm((q2 - Z2) << 20, m2), m))
//   ProductKernel: out = clamp(Z + mbqm((q1 - Z1) (q2 - Z2), m))
//
// exact for every multiplier and shift, and
//
//   SumKernel: out = clamp((f1 q1 + f2 q2 + c) >> kSumShift)
//
// which is the same as SumAny's for factors that the runtime has found to be so. Factors of 31 bits are two of 16, of
// which one instruction multiplies and adds two: f = high 2^kSumLowBits + low, and since nested floors merge,
//   out = clamp(whole + ((high1 q1 + high2 q2 + ((low1 q1 + low2 q2 + fraction) >> kSumLowBits)) >> rest)).
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

/// Arguments, in order: a, b, factors, whole, fraction, lo, hi; output.
struct SumKernel {
  explicit SumKernel(Target target);

  Halide::ImageParam a, b;                      // activations [i, j, k]
  Halide::ImageParam factors;                   // int16 [operand, part]; parts: high, low
  Halide::Param<int16_t> whole{"whole"};        // c >> kSumShift
  Halide::Param<int32_t> fraction{"fraction"};  // the rest of c
  Halide::Param<int32_t> lo{"lo"}, hi{"hi"};

  Halide::Var i{"i"}, j{"j"}, k{"k"};
  Halide::Var operand{"operand"};
  Halide::Func pair{"pair"};  // AVX2, SSE4.1: the operands side by side
  Halide::RDom low_r, high_r;
  Halide::Func low{"low"}, high{"high"};  // AVX2, SSE4.1
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;

 private:
  Halide::Expr total_of_words();
  Halide::Expr total_of_pairs();
  Halide::Expr total();
};

/// Arguments, in order: a, b, a_zero, a_multiplier, a_right, b_zero, b_multiplier, b_right, sign, out_multiplier,
/// out_left, out_right, zero_point, lo, hi; output.
struct SumAnyKernel {
  explicit SumAnyKernel(Target target);

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
