// ADD, SUB, MUL, PRELU.
#include <algorithm>

#include "runtime/lower.h"

namespace octet {
namespace {

/// The shape that two shapes broadcast to, as numpy's.
std::vector<int64_t> broadcast(const OpLowering& l, const Tensor& a, const Tensor& b) {
  const size_t rank = std::max(a.shape.size(), b.shape.size());
  std::vector<int64_t> shape(rank);
  for (size_t i = 0; i < rank; ++i) {
    const auto extent = [&](const Tensor& t) {
      const size_t missing = rank - t.shape.size();
      return i < missing ? 1 : t.shape[i - missing];
    };
    const int32_t x = extent(a);
    const int32_t y = extent(b);
    l.require(x == y || x == 1 || y == 1,
              "shapes " + to_string(a.shape) + " and " + to_string(b.shape) + " do not broadcast to one another");
    shape[i] = std::max(x, y);
  }
  return shape;
}

/// Both inputs on a common scale with 20 more bits, then to the output's.
void lower_sum(OpLowering& l, Binary::Kind kind) {
  l.require_shape(broadcast(l, l.input(0), l.input(1)));
  const float a = l.scale_of(l.input(0)).scale;
  const float b = l.scale_of(l.input(1)).scale;
  const float out = l.scale_of(l.output()).scale;
  const double twice = 2.0 * std::max(a, b);
  const double steps = 1 << 20;
  Binary op{.kind = kind,
            .a = l.rescale(a / twice, "the first input's factor"),
            .b = l.rescale(b / twice, "the second input's factor"),
            .out = l.rescale(twice / (steps * out), "the factor from sum to output"),
            .clamp = l.clamp_of(l.options<ElementwiseOptions>().activation, l.output())};
  l.emit(op, 2);
}

}  // namespace

void lower_add(OpLowering& l) { lower_sum(l, Binary::Kind::Add); }
void lower_sub(OpLowering& l) { lower_sum(l, Binary::Kind::Sub); }

void lower_mul(OpLowering& l) {
  l.require_shape(broadcast(l, l.input(0), l.input(1)));
  const float a = l.scale_of(l.input(0)).scale;
  const float b = l.scale_of(l.input(1)).scale;
  const float factor = a * b / l.scale_of(l.output()).scale;
  Binary op{.kind = Binary::Kind::Mul,
            .a = {},
            .b = {},
            .out = l.rescale(factor, "the factor from product to output"),
            .clamp = l.clamp_of(l.options<ElementwiseOptions>().activation, l.output())};
  l.emit(op, 2);
}

void lower_prelu(OpLowering& l) {
  const Shape& in = l.input().shape;
  l.require_shape(broadcast(l, l.input(0), l.input(1)));
  l.require(l.output().shape == in,
            "alpha of shape " + to_string(l.input(1).shape) + " must broadcast to the input's " + to_string(in));
  const float x = l.scale_of(l.input(0)).scale;
  const float alpha = l.scale_of(l.input(1)).scale;
  const float out = l.scale_of(l.output()).scale;
  const float positive = x / out;
  const float negative = x * alpha / out;
  l.emit(Prelu{.positive = l.rescale(positive, "the factor of positive values"),
               .negative = l.rescale(negative, "the factor of negative values"),
               .clamp = l.clamp_of(Activation::None, l.output())},
         2);
}

}  // namespace octet
