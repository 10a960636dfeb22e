// MEAN: which axes the kernel keeps and which it sums, as few as there can be.
#include <algorithm>

#include "runtime/kernels.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

struct Axis {
  int64_t extent, in, out;  // strides in elements; out: of kept axes
};

struct Axes {
  std::vector<Axis> kept, summed;  // innermost first
  int64_t count = 1;               // elements of a sum
};

/// Neighbours that are both kept or both summed are one.
Axes axes_of(const Mean& op) {
  Axes axes;
  int64_t in = 1, out = 1;
  bool last_summed = false, any = false;
  for (size_t i = op.extents.size(); i-- > 0;) {
    const int64_t extent = op.extents[i];
    if (extent == 1) continue;
    const bool summed = op.reduce[i];
    auto& list = summed ? axes.summed : axes.kept;
    if (any && last_summed == summed)
      list.back().extent *= extent;
    else
      list.push_back({extent, in, summed ? 0 : out});
    in *= extent;
    (summed ? axes.count : out) *= extent;
    last_summed = summed;
    any = true;
  }
  while (axes.kept.size() < 2) axes.kept.push_back({1, 1, 1});
  while (axes.summed.size() < 3) axes.summed.push_back({1, 0, 0});
  return axes;
}

struct Layer {
  Mean op;
  Target target;
  KernelFunction kernel;
  int32_t input, output, input_zero, output_zero;
  Axes axes;
};

/// Elements [begin, end) of the innermost kept axis, `count` of the next one.
void call_kernel(const Layer& layer, int64_t begin, int64_t end, int64_t count, const uint8_t* in, uint8_t* out) {
  const halide_type_t type = activation_halide_type(layer.target);
  const Axis &i = layer.axes.kept[0], &j = layer.axes.kept[1];
  const std::vector<Axis>& r = layer.axes.summed;
  const BufferArgument input(
      in + begin * i.in, type,
      {{end - begin, i.in}, {count, j.in}, {r[0].extent, r[0].in}, {r[1].extent, r[1].in}, {r[2].extent, r[2].in}});
  const BufferArgument output(out + begin, type, {{end - begin, 1}, {count, j.out}});
  const auto start = static_cast<int32_t>(-layer.axes.count * layer.input_zero);
  const Mean& op = layer.op;
  const int32_t left = std::max(op.rescale.shift, 0), right = std::max(-op.rescale.shift, 0);
  call(layer.kernel, input, start, op.rescale.multiplier, left, right, layer.output_zero, op.clamp.lo, op.clamp.hi,
       output);
}

/// Threads share the innermost kept axis where it is long, else the next one; the others are a loop here.
void run(const Layer& layer, const RunContext& context) {
  constexpr int64_t kBlock = 64;
  const std::vector<Axis>& kept = layer.axes.kept;
  int64_t outer = 1;
  for (size_t d = 2; d < kept.size(); d++) outer *= kept[d].extent;
  const int64_t blocks = (kept[0].extent + kBlock - 1) / kBlock;
  for (int64_t index = 0; index < outer; index++) {
    const uint8_t* in = context.data<uint8_t>(layer.input);
    uint8_t* out = context.data<uint8_t>(layer.output);
    for (size_t d = 2, rest = static_cast<size_t>(index); d < kept.size(); d++) {
      const auto at = static_cast<int64_t>(rest) % kept[d].extent;
      rest /= static_cast<size_t>(kept[d].extent);
      in += at * kept[d].in;
      out += at * kept[d].out;
    }
    if (blocks >= kept[1].extent) {
      context.pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
        call_kernel(layer, begin * kBlock, std::min(end * kBlock, kept[0].extent), kept[1].extent, in, out);
      });
    } else {
      context.pool.parallel_for(kept[1].extent, 1, [&](int64_t begin, int64_t end) {
        call_kernel(layer, 0, kept[0].extent, end - begin, in + begin * kept[1].in, out + begin * kept[1].out);
      });
    }
  }
}

}  // namespace

void plan(const Mean& op, const Node& node, PlanBuilder& builder) {
  const Kernel kernel = find_kernel(Family::Mean, builder.target());
  const Layer layer{.op = op,
                    .target = builder.target(),
                    .kernel = kernel.function,
                    .input = node.inputs[0],
                    .output = node.outputs[0],
                    .input_zero = zero_point_of(builder.tensor(node.inputs[0])),
                    .output_zero = zero_point_of(builder.tensor(node.outputs[0])),
                    .axes = axes_of(op)};
  if (layer.axes.summed.size() > 3)
    throw ModelError(node.name + ": axes in more than three groups apart from each other");
  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.run = [layer](const RunContext& context) { run(layer, context); };
  builder.add(std::move(step));
}

}  // namespace octet
