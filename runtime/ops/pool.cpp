// AVERAGE_POOL_2D, MAX_POOL_2D: windows cut off at the image's edges; the average's divisions by the taps that remain.
#include <algorithm>
#include <bit>

#include "runtime/kernels.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

constexpr int64_t kMostTaps = int64_t{1} << 22;  // of an average: generators/pool.h

struct Layer {
  Pool op;
  Target target;
  KernelFunction kernel;
  int32_t input, output;
  const uint32_t* divisors = nullptr;  // Average
  int64_t most_taps;
};

int64_t most_taps(const Pool& op) { return int64_t{std::min(op.k_w, op.in_w)} * std::min(op.k_h, op.in_h); }

/// M and b of each n (generators/pool.h).
const uint32_t* keep_divisors(PlanBuilder& builder, int64_t most) {
  const int32_t* table = builder.keep_table("divisors " + std::to_string(most), 2 * (most + 1), [&](int32_t* out) {
    for (int64_t n = 1; n <= most; n++) {
      const int b = std::bit_width(static_cast<uint64_t>(n)) - 1;
      out[2 * n] =
          static_cast<int32_t>(static_cast<uint32_t>((uint64_t{1} << (31 + b)) / static_cast<uint64_t>(n) + 1));
      out[2 * n + 1] = b;
    }
  });
  return reinterpret_cast<const uint32_t*>(table);
}

struct Range {
  int64_t begin, end;

  int64_t size() const { return end - begin; }
};

/// Some output rows, some channels of one image. `in`, `out`: its first byte.
void call_kernel(const Layer& layer, Range rows, Range channels, const uint8_t* in, uint8_t* out) {
  const Pool& op = layer.op;
  const halide_type_t type = activation_halide_type(layer.target);
  const int64_t c = op.channels;
  const BufferArgument input(in + channels.begin, type, {{channels.size(), 1}, {op.in_w, c}, {op.in_h, op.in_w * c}});
  const BufferArgument output(out + rows.begin * op.out_w * c + channels.begin, type,
                              {{channels.size(), 1}, {op.out_w, c}, {rows.size(), op.out_w * c}});
  const auto pad_top = static_cast<int32_t>(op.pads.top - rows.begin * op.stride_h);
  if (op.kind == Pool::Kind::Average) {
    const BufferArgument divisors(layer.divisors, halide_type_t(halide_type_uint, 32),
                                  {{2, 1}, {layer.most_taps + 1, 2}});
    call(layer.kernel, input, divisors, op.k_w, op.k_h, op.stride_w, op.stride_h, op.pads.left, pad_top, op.offset,
         op.clamp.lo, op.clamp.hi, output);
  } else {
    call(layer.kernel, input, op.k_w, op.k_h, op.stride_w, op.stride_h, op.pads.left, pad_top, op.clamp.lo, op.clamp.hi,
         output);
  }
}

/// Threads share the rows of an image, or, where these are few, its channels.
void run(const Layer& layer, const RunContext& context) {
  constexpr int64_t kBlock = 64;
  const Pool& op = layer.op;
  const int64_t in_image = int64_t{op.in_h} * op.in_w * op.channels,
                out_image = int64_t{op.out_h} * op.out_w * op.channels;
  const int64_t blocks = (op.channels + kBlock - 1) / kBlock;
  for (int64_t b = 0; b < op.batch; b++) {
    const uint8_t* in = context.data<uint8_t>(layer.input) + b * in_image;
    uint8_t* out = context.data<uint8_t>(layer.output) + b * out_image;
    if (op.out_h >= blocks || op.out_h >= 4 * context.pool.threads()) {
      context.pool.parallel_for(op.out_h, 1, [&](int64_t begin, int64_t end) {
        call_kernel(layer, {begin, end}, {0, op.channels}, in, out);
      });
    } else {
      context.pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
        const Range channels{begin * kBlock, std::min<int64_t>(end * kBlock, op.channels)};
        call_kernel(layer, {0, op.out_h}, channels, in, out);
      });
    }
  }
}

}  // namespace

void plan(const Pool& op, const Node& node, PlanBuilder& builder) {
  const bool average = op.kind == Pool::Kind::Average;
  const Kernel kernel = find_kernel(average ? Family::AveragePool : Family::MaxPool, builder.target());
  Layer layer{.op = op,
              .target = builder.target(),
              .kernel = kernel.function,
              .input = node.inputs[0],
              .output = node.outputs[0],
              .most_taps = most_taps(op)};
  if (average) {
    if (layer.most_taps >= kMostTaps) throw ModelError(node.name + ": an average of 2^22 or more pixels");
    layer.divisors = keep_divisors(builder, layer.most_taps);
  }
  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.run = [layer](const RunContext& context) { run(layer, context); };
  builder.add(std::move(step));
}

}  // namespace octet
