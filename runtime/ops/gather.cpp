// GATHER: rows of `inner` elements, chosen by indices that are only known as the network runs.
#include <algorithm>
#include <cstring>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

/// Throws where an index is outside of [0, extent): the run ends, nothing is read.
template <typename Index>
void check_indices(const Index* indices, int64_t count, int64_t extent, const std::string& layer) {
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] >= 0 && indices[i] < extent) continue;
    throw ModelError(layer + ": index " + std::to_string(indices[i]) + " is outside of an axis of " +
                     std::to_string(extent));
  }
}

template <typename Index>
void plan_gather(const Gather& op, const Node& node, PlanBuilder& builder, std::string kernel) {
  Step step = builder.step_for(node, std::move(kernel));
  const auto bytes = op.inner * static_cast<int64_t>(size_of(builder.tensor(node.outputs[0]).type));
  step.run = [op, bytes, layer = step.layer, data_id = node.inputs[0], indices_id = node.inputs[1],
              out_id = node.outputs[0]](const RunContext& context) {
    const std::byte* const data = context.tensors[data_id];
    const auto* const indices = context.data<const Index>(indices_id);
    std::byte* const out = context.tensors[out_id];
    check_indices(indices, op.batch * op.count, op.axis, layer);
    const int64_t rows = op.batch * op.outer * op.count;
    context.pool.parallel_for(rows, std::max<int64_t>(1, kGrainBytes / bytes), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t outer = row / op.count;  // batch and outer
        const int64_t index = indices[outer / op.outer * op.count + row % op.count];
        std::memcpy(out + row * bytes, data + (outer * op.axis + index) * bytes, static_cast<size_t>(bytes));
      }
    });
  };
  builder.add(std::move(step));
}

}  // namespace

void plan(const Gather& op, const Node& node, PlanBuilder& builder) {
  if (builder.tensor(node.inputs[1]).type == DataType::Int32) {
    plan_gather<int32_t>(op, node, builder, "gather_s32");
  } else {
    plan_gather<int64_t>(op, node, builder, "gather_s64");
  }
}

}  // namespace octet
