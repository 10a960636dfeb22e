// GATHER: rows of `inner` elements, chosen by indices that are only known as the network runs.
#include "runtime/ops/ops.h"

namespace octet {

void plan(const Gather& op, const Node& node, PlanBuilder& builder) {
  const bool wide = builder.tensor(node.inputs[1]).type != DataType::Int32;
  Step step = builder.step_for(node, wide ? "gather_s64" : "gather_s32");
  step.work = GatherStep{.data = node.inputs[0],
                         .indices = node.inputs[1],
                         .output = node.outputs[0],
                         .wide_indices = wide,
                         .batch = op.batch,
                         .outer = op.outer,
                         .axis = op.axis,
                         .count = op.count,
                         .row_bytes = op.inner * static_cast<int64_t>(size_of(builder.tensor(node.outputs[0]).type))};
  builder.add(std::move(step));
}

}  // namespace octet
