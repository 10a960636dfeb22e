// ARG_MAX: the first of the largest along an axis.
#include "runtime/ops/ops.h"

namespace octet {

void plan(const ArgMax& op, const Node& node, PlanBuilder& builder) {
  const DataType type = builder.tensor(node.inputs[0]).type;
  Step step = builder.step_for(node, kernel_name("arg_max", type));
  step.work = ArgMaxStep{.input = node.inputs[0],
                         .output = node.outputs[0],
                         .type = type,
                         .index_type = builder.tensor(node.outputs[0]).type,
                         .outer = op.outer,
                         .axis = op.axis,
                         .inner = op.inner};
  builder.add(std::move(step));
}

}  // namespace octet
