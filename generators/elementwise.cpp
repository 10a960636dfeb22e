#include "generators/elementwise.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

namespace {

Expr difference(const Expr& q, const Expr& zero) { return cast<int32_t>(q) - zero; }

Expr activation(Target target, const Expr& value, const Expr& lo, const Expr& hi) {
  return cast(activation_of(target), clamp(value, lo, hi));
}

}  // namespace

SumKernel::SumKernel(Target target) : a(activation_of(target), 3, "a"), b(activation_of(target), 3, "b") {
  Expr first = rescale_shifted_byte(difference(a(i, j, k), a_zero), a_factor.multiplier, a_factor.right);
  Expr second = rescale_shifted_byte(difference(b(i, j, k), b_zero), b_factor.multiplier, b_factor.right);
  Expr signed_second = (second ^ sign) - sign;
  Expr value =
      rescale_exact(first + signed_second, out_factor.multiplier, out_factor.left, out_factor.right, zero_point);
  output(i, j, k) = activation(target, value, lo, hi);
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
  Expr value = rescale_exact(product, out_factor.multiplier, out_factor.left, out_factor.right, zero_point);
  output(i, j, k) = activation(target, value, lo, hi);
}

std::vector<Argument> ProductKernel::arguments() const {
  return {a, b, a_zero, b_zero, out_factor.multiplier, out_factor.left, out_factor.right, zero_point, lo, hi};
}

}  // namespace octet
