// AVERAGE_POOL_2D, MAX_POOL_2D: windows cut off at the image's edges; the average's divisions by the taps that remain.
#include <bit>

#include "runtime/kernels.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

constexpr int64_t kMostTaps = int64_t{1} << 22;  // of an average: generators/pool.h

int64_t most_taps(const Pool& op) { return int64_t{std::min(op.k_w, op.in_w)} * std::min(op.k_h, op.in_h); }

/// M and b of each n (generators/pool.h).
Constant<uint32_t> keep_divisors(PlanBuilder& builder, int64_t most) {
  const int32_t* table = builder.keep_table("divisors " + std::to_string(most), 2 * (most + 1), [&](int32_t* out) {
    for (int64_t n = 1; n <= most; n++) {
      const int b = std::bit_width(static_cast<uint64_t>(n)) - 1;
      out[2 * n] =
          static_cast<int32_t>(static_cast<uint32_t>((uint64_t{1} << (31 + b)) / static_cast<uint64_t>(n) + 1));
      out[2 * n + 1] = b;
    }
  });
  return builder.constant(reinterpret_cast<const uint32_t*>(table));
}

}  // namespace

void plan(const Pool& op, const Node& node, PlanBuilder& builder) {
  const bool average = op.kind == Pool::Kind::Average;
  const Kernel kernel = find_kernel(average ? Family::AveragePool : Family::MaxPool, builder.target());
  const int64_t most = most_taps(op);
  if (average && most >= kMostTaps) throw ModelError(node.name + ": an average of 2^22 or more pixels");
  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.work = PoolStep{.kernel = builder.use(kernel),
                       .activation = activation_halide_type(builder.target()),
                       .input = node.inputs[0],
                       .output = node.outputs[0],
                       .average = average,
                       .batch = op.batch,
                       .in_h = op.in_h,
                       .in_w = op.in_w,
                       .channels = op.channels,
                       .out_h = op.out_h,
                       .out_w = op.out_w,
                       .k_h = op.k_h,
                       .k_w = op.k_w,
                       .stride_h = op.stride_h,
                       .stride_w = op.stride_w,
                       .top = op.pads.top,
                       .left = op.pads.left,
                       .offset = op.offset,
                       .clamp = op.clamp,
                       .divisors = average ? keep_divisors(builder, most) : Constant<uint32_t>{},
                       .most_taps = most};
  builder.add(std::move(step));
}

}  // namespace octet
