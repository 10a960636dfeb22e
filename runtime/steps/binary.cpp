// ADD, SUB, MUL.
#include <algorithm>

#include "runtime/steps/call.h"
#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Dimension = BinaryStep::Dimension;

/// Where an innermost row, or a part of it, begins.
struct Position {
  int64_t a = 0, b = 0, out = 0;

  void move(const Dimension& d, int64_t steps) {
    a += d.a * steps;
    b += d.b * steps;
    out += d.out * steps;
  }
};

void call_kernel(const BinaryStep& layer, const RunContext& context, Position at, int64_t i, int64_t j, int64_t k) {
  const halide_type_t type = layer.activation;
  const Dimension* const dims = context.constant(layer.dims);
  const Dimension *x = &dims[0], *y = &dims[1], *z = &dims[2];
  const BufferArgument a(context.data<uint8_t>(layer.a) + at.a, type, {{i, x->a}, {j, y->a}, {k, z->a}});
  const BufferArgument b(context.data<uint8_t>(layer.b) + at.b, type, {{i, x->b}, {j, y->b}, {k, z->b}});
  const BufferArgument out(context.data<uint8_t>(layer.output) + at.out, type, {{i, 1}, {j, y->out}, {k, z->out}});
  const KernelFunction kernel = context.kernels[layer.kernel];
  if (layer.form == BinaryStep::Form::Affine) {
    const BufferArgument factors = layer.sum.factor_buffer(), low_bytes = layer.sum.low_byte_buffer();
    call(kernel, a, b, factors, low_bytes, layer.sum.whole, layer.sum.fraction, layer.clamp.lo, layer.clamp.hi, out);
    return;
  }
  const int32_t left = std::max(layer.scale.shift, 0), right = std::max(-layer.scale.shift, 0);
  if (layer.form == BinaryStep::Form::Product) {
    call(kernel, a, b, layer.a_zero, layer.b_zero, layer.scale.multiplier, left, right, layer.output_zero,
         layer.clamp.lo, layer.clamp.hi, out);
    return;
  }
  const int32_t a_right = -layer.a_scale.shift, b_right = -layer.b_scale.shift;
  call(kernel, a, b, layer.a_zero, layer.a_scale.multiplier, a_right, layer.b_zero, layer.b_scale.multiplier, b_right,
       layer.sign, layer.scale.multiplier, left, right, layer.output_zero, layer.clamp.lo, layer.clamp.hi, out);
}

/// Rows [begin, end), in as few calls as whole planes of rows allow.
void run_rows(const BinaryStep& layer, const RunContext& context, int64_t begin, int64_t end) {
  const Dimension* const dims = context.constant(layer.dims);
  const int64_t inner = dims[0].extent, plane = dims[1].extent, planes = dims[2].extent;
  for (int64_t row = begin; row < end;) {
    Position at;
    int64_t index = row;
    for (int64_t d = 1; d < layer.dims.count; d++) {
      at.move(dims[d], index % dims[d].extent);
      index /= dims[d].extent;
    }
    const int64_t j = row % plane, k = row / plane % planes;
    const int64_t whole = j == 0 ? std::min((end - row) / plane, planes - k) : 0;
    const int64_t count = whole > 0 ? plane : std::min(end - row, plane - j);
    call_kernel(layer, context, at, inner, count, std::max<int64_t>(whole, 1));
    row += count * std::max<int64_t>(whole, 1);
  }
}

}  // namespace

void run(const BinaryStep& layer, const RunContext& context) {
  constexpr int64_t kGrain = 16384;  // elements worth a thread
  const Dimension* const dims = context.constant(layer.dims);
  const int64_t inner = dims[0].extent;
  int64_t rows = 1;
  for (int64_t i = 1; i < layer.dims.count; i++) rows *= dims[i].extent;
  if (rows > 1) {
    context.pool.parallel_for(rows, std::max<int64_t>(1, kGrain / inner),
                              [&](int64_t begin, int64_t end) { run_rows(layer, context, begin, end); });
    return;
  }
  context.pool.parallel_for(inner, kGrain, [&](int64_t begin, int64_t end) {
    Position at;
    at.move(dims[0], begin);
    call_kernel(layer, context, at, end - begin, 1, 1);
  });
}

}  // namespace octet
