// L2_NORMALIZATION (docs/numerics.md).
#include "runtime/ops/ops.h"

namespace octet {

void plan(const L2Normalization& op, const Node& node, PlanBuilder& builder) {
  const Tensor& input = builder.tensor(node.inputs[0]);
  Step step = builder.step_for(node, kernel_name("l2_normalization", input.type));
  step.in_place = true;
  step.work = L2NormalizationStep{.input = node.inputs[0],
                                  .output = node.outputs[0],
                                  .type = input.type,
                                  .rows = op.rows,
                                  .depth = op.depth,
                                  .zero_point = static_cast<int32_t>(input.quantization.zero_point.at(0)),
                                  .is_signed = op.is_signed};
  builder.add(std::move(step));
}

}  // namespace octet
