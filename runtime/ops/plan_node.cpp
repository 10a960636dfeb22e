#include "runtime/ops/ops.h"

namespace octet {

void plan_node(const Node& node, PlanBuilder& builder) {
  std::visit([&](const auto& op) { plan(op, node, builder); }, node.op);
}

std::string kernel_name(std::string_view base, DataType type) {
  std::string name(base);
  switch (type) {
    case DataType::UInt8:
      return name + "_u8";
    case DataType::Int8:
      return name + "_s8";
    case DataType::Int32:
      return name + "_s32";
    case DataType::Int64:
      return name + "_s64";
    case DataType::Float32:
      return name + "_f32";
    default:
      return name;
  }
}

}  // namespace octet
