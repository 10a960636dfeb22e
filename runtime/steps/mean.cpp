// MEAN.
#include <algorithm>

#include "runtime/steps/call.h"
#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Axis = MeanStep::Axis;

/// Elements [begin, end) of the innermost kept axis, `count` of the next one.
void call_kernel(const MeanStep& layer, int64_t begin, int64_t end, int64_t count, const uint8_t* in, uint8_t* out,
                 const RunContext& context) {
  const halide_type_t type = layer.activation;
  const Axis* const kept = context.constant(layer.kept);
  const Axis &i = kept[0], &j = kept[1];
  const Axis* const r = layer.summed;
  const BufferArgument input(
      in + begin * i.in, type,
      {{end - begin, i.in}, {count, j.in}, {r[0].extent, r[0].in}, {r[1].extent, r[1].in}, {r[2].extent, r[2].in}});
  const BufferArgument output(out + begin, type, {{end - begin, 1}, {count, j.out}});
  const auto start = static_cast<int32_t>(-layer.count * layer.input_zero);
  const int32_t left = std::max(layer.rescale.shift, 0), right = std::max(-layer.rescale.shift, 0);
  call(context.kernels[layer.kernel], input, start, layer.rescale.multiplier, left, right, layer.output_zero,
       layer.clamp.lo, layer.clamp.hi, output);
}

}  // namespace

/// Threads share the innermost kept axis where it is long, else the next one; the others are a loop here.
void run(const MeanStep& layer, const RunContext& context) {
  constexpr int64_t kBlock = 64;
  const Axis* const kept = context.constant(layer.kept);
  const auto rank = static_cast<size_t>(layer.kept.count);
  int64_t outer = 1;
  for (size_t d = 2; d < rank; d++) outer *= kept[d].extent;
  const int64_t blocks = (kept[0].extent + kBlock - 1) / kBlock;
  for (int64_t index = 0; index < outer; index++) {
    const uint8_t* in = context.data<uint8_t>(layer.input);
    uint8_t* out = context.data<uint8_t>(layer.output);
    for (size_t d = 2, rest = static_cast<size_t>(index); d < rank; d++) {
      const auto at = static_cast<int64_t>(rest) % kept[d].extent;
      rest /= static_cast<size_t>(kept[d].extent);
      in += at * kept[d].in;
      out += at * kept[d].out;
    }
    if (blocks >= kept[1].extent) {
      context.pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
        call_kernel(layer, begin * kBlock, std::min(end * kBlock, kept[0].extent), kept[1].extent, in, out, context);
      });
    } else {
      context.pool.parallel_for(kept[1].extent, 1, [&](int64_t begin, int64_t end) {
        call_kernel(layer, 0, kept[0].extent, end - begin, in + begin * kept[1].in, out + begin * kept[1].out, context);
      });
    }
  }
}

}  // namespace octet
