// MEAN: which axes the kernel keeps and which it sums, as few as there can be.
#include "runtime/kernels.h"
#include "runtime/ops/ops.h"
#include "runtime/ops/tensor_values.h"

namespace octet {

namespace {

using Axis = MeanStep::Axis;

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

}  // namespace

void plan(const Mean& op, const Node& node, PlanBuilder& builder) {
  const Kernel kernel = find_kernel(Family::Mean, builder.target());
  const Axes axes = axes_of(op);
  if (axes.summed.size() > 3) throw ModelError(node.name + ": axes in more than three groups apart from each other");
  Step step = builder.step_for(node, std::string(kernel.info->name));
  step.work = MeanStep{.kernel = builder.use(kernel),
                       .activation = activation_halide_type(builder.target()),
                       .input = node.inputs[0],
                       .output = node.outputs[0],
                       .input_zero = zero_point_of(builder.tensor(node.inputs[0])),
                       .output_zero = zero_point_of(builder.tensor(node.outputs[0])),
                       .rescale = op.rescale,
                       .clamp = op.clamp,
                       .kept = builder.keep_array<Axis>(axes.kept),
                       .summed = {axes.summed[0], axes.summed[1], axes.summed[2]},
                       .count = axes.count};
  builder.add(std::move(step));
}

}  // namespace octet
