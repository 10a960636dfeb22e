#include "generators/elementwise.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;
using Halide::Internal::const_true;
using Halide::Internal::saturating_add;

namespace {

Expr difference(const Expr& q, const Expr& zero) { return cast<int32_t>(q) - zero; }

// mbqm((q - zero) << 20, factor), the factor at most 1.
Expr scaled_operand(Target target, const Expr& q, const Expr& zero, const FactorParams& factor) {
  Expr d = difference(q, zero);
  if (activation_of(target).is_uint()) return rescale_shifted_byte(d, factor.multiplier, factor.right);
  return rescale_sqrdmulh(d << 20, factor.multiplier, -factor.right, const_true());
}

// In 16 bits, where the multiplies are.
Expr product(const Expr& q, const Expr& factor) { return cast<int32_t>(cast<int16_t>(q)) * cast<int32_t>(factor); }

enum Part { kHigh, kLow };

}  // namespace

SumKernel::SumKernel(Target target)
    : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b"), factors(Int(16), 2, "factors") {
  const Type type = activation_of(target);
  if (target == Target::Avx512Vnni) {
    Expr rest = total_of_words() >> (kSumShift - kSumLowBits);
    Expr byte = instruction(type, "octet_saturate_u8", {rest + cast<int32_t>(whole)});
    output(i, j, k) = clamp(byte, cast(type, lo), cast(type, hi));
    return;
  }
  Expr rest = (type.is_uint() ? total_of_pairs() : total()) >> (kSumShift - kSumLowBits);
  Expr value = saturating_cast(type, saturating_add(saturating_cast<int16_t>(rest), whole));
  output(i, j, k) = clamp(value, cast(type, lo), cast(type, hi));
}

// AVX-512: the operands are the halves of a 32-bit word, and so are their factors.
Expr SumKernel::total_of_words() {
  const auto word = [](const Expr& lower, const Expr& upper) {
    return cast<int32_t>(cast<uint16_t>(lower)) | (cast<int32_t>(upper) << 16);
  };
  const auto add = [&](const Expr& to, Part part) {
    return instruction(Int(32), "octet_dot_words",
                       {to, word(a(i, j, k), b(i, j, k)), word(factors(0, part), factors(1, part))});
  };
  return add(add(fraction, kLow) >> kSumLowBits, kHigh);
}

// AVX2, SSE4.1: two multiplies and their sum are one instruction for operands side by side.
Expr SumKernel::total_of_pairs() {
  low_r = RDom(0, 2, "low_r");
  high_r = RDom(0, 2, "high_r");
  pair(operand, i, j, k) = select(operand == 0, a(i, j, k), b(i, j, k));
  low(i, j, k) = fraction;
  low(i, j, k) += product(pair(low_r, i, j, k), factors(low_r, kLow));
  high(i, j, k) = low(i, j, k) >> kSumLowBits;
  high(i, j, k) += product(pair(high_r, i, j, k), factors(high_r, kHigh));
  return high(i, j, k);
}

// Arm: each multiply adds.
Expr SumKernel::total() {
  const auto add = [&](const Expr& to, Part part) {
    return (to + product(a(i, j, k), factors(0, part))) + product(b(i, j, k), factors(1, part));
  };
  return add(add(fraction, kLow) >> kSumLowBits, kHigh);
}

std::vector<Argument> SumKernel::arguments() const { return {a, b, factors, whole, fraction, lo, hi}; }

SumAnyKernel::SumAnyKernel(Target target) : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b") {
  Expr first = scaled_operand(target, a(i, j, k), a_zero, a_factor);
  Expr second = scaled_operand(target, b(i, j, k), b_zero, b_factor);
  Expr signed_second = (second ^ sign) - sign;
  output(i, j, k) = requantized(target, first + signed_second, out_factor.multiplier, out_factor.left, out_factor.right,
                                zero_point, lo, hi);
}

std::vector<Argument> SumAnyKernel::arguments() const {
  return {a,
          b,
          a_zero,
          a_factor.multiplier,
          a_factor.right,
          b_zero,
          b_factor.multiplier,
          b_factor.right,
          sign,
          out_factor.multiplier,
          out_factor.left,
          out_factor.right,
          zero_point,
          lo,
          hi};
}

ProductKernel::ProductKernel(Target target) : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b") {
  Expr product = difference(a(i, j, k), a_zero) * difference(b(i, j, k), b_zero);
  output(i, j, k) =
      requantized(target, product, out_factor.multiplier, out_factor.left, out_factor.right, zero_point, lo, hi);
}

std::vector<Argument> ProductKernel::arguments() const {
  return {a, b, a_zero, b_zero, out_factor.multiplier, out_factor.left, out_factor.right, zero_point, lo, hi};
}

}  // namespace octet
