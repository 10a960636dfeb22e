#include "runtime/ops/ops.h"

namespace octet {

void plan_node(const Node& node, PlanBuilder& builder) {
  std::visit([&](const auto& op) { plan(op, node, builder); }, node.op);
}

}  // namespace octet
