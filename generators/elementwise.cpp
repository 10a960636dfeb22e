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

// AVX-512: bytes are paired, and sums of these narrowed, within lanes of 128 bits, which takes one instruction.
bool pairs_within_lanes(Target target, const Expr& a) {
  return target == Target::Avx512Vnni && a.type() == activation_of(target);
}

// x86: the operands are the halves of a 32-bit word, and so are their factors.
Expr total_of_words(Target target, const AffineParams& p, const Expr& a, const Expr& b) {
  const auto word = [](const Expr& lower, const Expr& upper) {
    // A wide activation is not below 0.
    Expr half = lower.type().bits() > 16 ? lower : cast<int32_t>(cast<uint16_t>(lower));
    return half | (cast<int32_t>(upper) << 16);
  };
  Expr operands = pairs_within_lanes(target, a) ? instruction(Int(32), "octet_pair_within_lanes", {a, b}) : word(a, b);
  const auto add = [&](const Expr& to, Part part) {
    return instruction(Int(32), "octet_dot_words", {to, operands, word(p.factors(0, part), p.factors(1, part))});
  };
  return add(add(p.fraction, kLow) >> sum_layout(target).low_bits, kHigh);
}

// x86: the rest of the way from a total of high parts.
Expr from_total(Target target, const Expr& total, const AffineParams& p, bool within_lanes = false) {
  const Type type = activation_of(target);
  Expr rest = total >> (sum_layout(target).shift - sum_layout(target).low_bits);
  Expr value = target == Target::Avx512Vnni
                   ? instruction(type, within_lanes ? "octet_saturate_u8_within_lanes" : "octet_saturate_u8",
                                 {rest + cast<int32_t>(p.whole)})
                   : saturating_cast(type, saturating_add(saturating_cast<int16_t>(rest), p.whole));
  return clamp(value, cast(type, p.lo), cast(type, p.hi));
}

// Arm. Beyond 16 bits, saturated, the sum stays beyond 8 bits.
Expr affine_sum_of_products(Target target, const AffineParams& p, const Expr& a, const Expr& b, const Expr& lane) {
  const SumLayout layout = sum_layout(target);
  const auto low = [&](const Expr& q, int operand) {
    return cast<int16_t>(q) * cast<int16_t>(p.low_bytes(lane, operand));
  };
  const auto high = [&](const Expr& q, int operand) {
    return cast<int32_t>(cast<int16_t>(q) << layout.low_bits) * cast<int32_t>(p.factors(operand, kHigh));
  };
  Expr total = instruction(Int(16), "octet_add_high_halves",
                           {high(a, 0) + high(b, 1), p.fraction + cast<int32_t>(low(a, 0) + low(b, 1))});
  const int units = layout.shift - 16;
  Expr sum = saturating_add(total, p.whole << units) >> units;
  return clamp(saturating_cast<int8_t>(sum), cast<int8_t>(p.lo), cast<int8_t>(p.hi));
}

}  // namespace

Expr affine_sum(Target target, const AffineParams& params, const Expr& a, const Expr& b, const Expr& lane) {
  if (is_arm(target)) return affine_sum_of_products(target, params, a, b, lane);
  return from_total(target, total_of_words(target, params, a, b), params, pairs_within_lanes(target, a));
}

std::vector<Argument> AffineParams::arguments() const { return {factors, low_bytes, whole, fraction, lo, hi}; }

SumKernel::SumKernel(Target target) : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b") {
  const bool pairs = target == Target::Avx2 || target == Target::Sse41;
  output(i, j, k) = pairs ? from_total(target, total_of_pairs(sum_layout(target).low_bits), affine)
                          : affine_sum(target, affine, a(i, j, k), b(i, j, k), i % kSumLanes);
}

// AVX2, SSE4.1: two multiplies and their sum are one instruction for operands side by side, of which those of twice as
// many lanes are put together at once.
Expr SumKernel::total_of_pairs(int low_bits) {
  low_r = RDom(0, 2, "low_r");
  high_r = RDom(0, 2, "high_r");
  pair(operand, i, j, k) = select(operand == 0, a(i, j, k), b(i, j, k));
  low(i, j, k) = affine.fraction;
  low(i, j, k) += product(pair(low_r, i, j, k), affine.factors(low_r, kLow));
  high(i, j, k) = low(i, j, k) >> low_bits;
  high(i, j, k) += product(pair(high_r, i, j, k), affine.factors(high_r, kHigh));
  return high(i, j, k);
}

std::vector<Argument> SumKernel::arguments() const {
  std::vector<Argument> all = affine.arguments();
  all.insert(all.begin(), {a, b});
  return all;
}

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
