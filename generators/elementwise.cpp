#include "generators/elementwise.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;
using Halide::Internal::const_true;

namespace {

Expr difference(const Expr& q, const Expr& zero) { return cast<int32_t>(q) - zero; }

// mbqm((q - zero) << 20, factor), the factor at most 1.
Expr scaled_operand(Target target, const Expr& q, const Expr& zero, const FactorParams& factor) {
  Expr d = difference(q, zero);
  if (activation_of(target).is_uint()) return rescale_shifted_byte(d, factor.multiplier, factor.right);
  return rescale_sqrdmulh(d << 20, factor.multiplier, -factor.right, const_true());
}

}  // namespace

SumKernel::SumKernel(Target target) : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b") {
  Expr first = scaled_operand(target, a(i, j, k), a_zero, a_factor);
  Expr second = scaled_operand(target, b(i, j, k), b_zero, b_factor);
  Expr signed_second = (second ^ sign) - sign;
  output(i, j, k) = requantized(target, first + signed_second, out_factor.multiplier, out_factor.left, out_factor.right,
                                zero_point, lo, hi);
}

std::vector<Argument> SumKernel::arguments() const {
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
