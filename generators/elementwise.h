// ADD, SUB and MUL of 8-bit tensors (mbqm: docs/numerics.md).
//
//   SumAnyKernel: out = clamp(Z + mbqm(mbqm((q1 - Z1) << 20, m1) +- mbqm((q2 - Z2) << 20, m2), m))
//   ProductKernel: out = clamp(Z + mbqm((q1 - Z1) (q2 - Z2), m))
//
// exact for every multiplier and shift, and
//
//   SumKernel: out = clamp((f1 q1 + f2 q2 + c) >> shift)
//
// which is the same as SumAny's for factors that the runtime has found to be so (shift, low_bits: SumLayout). Factors
// have two parts, f = high 2^low_bits + low. On x86, parts are of 16 bits, of which one instruction multiplies and adds
// two; since nested floors merge, with c = whole 2^shift + fraction,
//   out = clamp(whole + ((high1 q1 + high2 q2 + ((low1 q1 + low2 q2 + fraction) >> low_bits)) >> rest)).
// On Arm each multiply adds. Low parts are bytes, whose products add up in 16 bits, and everything but `whole` in 32:
//   out = clamp((((high1 (q1 << 8) + high2 (q2 << 8) + (low1 q1 + low2 q2) + fraction) >> 16) + (whole << 6)) >> 6).
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

/// What the affine form takes: the arguments factors, low_bytes, whole, fraction, lo, hi, each behind a prefix.
struct AffineParams {
  explicit AffineParams(const std::string& prefix = "")
      : factors(Halide::Int(16), 2, prefix + "factors"),
        low_bytes(Halide::Int(8), 2, prefix + "low_bytes"),
        whole(prefix + "whole"),
        fraction(prefix + "fraction"),
        lo(prefix + "lo"),
        hi(prefix + "hi") {}

  Halide::ImageParam factors;       // int16 [operand, part]; parts: high, low
  Halide::ImageParam low_bytes;     // Arm: int8 [lane, operand]; low parts that LLVM does not know to be alike
  Halide::Param<int16_t> whole;     // c >> shift
  Halide::Param<int32_t> fraction;  // the rest of c
  Halide::Param<int32_t> lo, hi;

  std::vector<Halide::Argument> arguments() const;
};

/// The target's activation of the affine form, by instructions that multiply two operands of one lane each. On x86 they
/// are functions of schedules/<target>.ll, for whole vectors of 32-bit lanes. `a` and `b` may be wider than
/// activations. `lane`: of the vector, below kSumLanes (Arm).
Halide::Expr affine_sum(Target target, const AffineParams& params, const Halide::Expr& a, const Halide::Expr& b,
                        const Halide::Expr& lane);

/// Arguments, in order: a, b, those of AffineParams; output.
struct SumKernel {
  explicit SumKernel(Target target);

  Halide::ImageParam a, b;  // activations [i, j, k]
  AffineParams affine;

  Halide::Var i{"i"}, j{"j"}, k{"k"};
  Halide::Var operand{"operand"};
  Halide::Func pair{"pair"};  // AVX2, SSE4.1: the operands side by side
  Halide::RDom low_r, high_r;
  Halide::Func low{"low"}, high{"high"};  // AVX2, SSE4.1
  Halide::Func output{"output"};

  std::vector<Halide::Argument> arguments() const;

 private:
  Halide::Expr total_of_pairs(int low_bits);
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
