// QUANTIZE from float, DEQUANTIZE, CAST.
#include <limits>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

int32_t zero_point_of(const Tensor& tensor) { return static_cast<int32_t>(tensor.quantization.zero_point.at(0)); }

int64_t count_of(const Node& node, const PlanBuilder& builder) {
  return element_count(builder.tensor(node.outputs[0]).shape);
}

void plan_quantize(const Node& node, PlanBuilder& builder) {
  const Tensor& tensor = builder.tensor(node.outputs[0]);
  Step step = builder.step_for(node, kernel_name("quantize_f32", tensor.type));
  step.work = QuantizeStep{.input = node.inputs[0],
                           .output = node.outputs[0],
                           .type = tensor.type,
                           .zero_point = zero_point_of(tensor),
                           .scale = tensor.quantization.scale.at(0),
                           .count = count_of(node, builder)};
  builder.add(std::move(step));
}

template <typename T>
void plan_dequantize(const Node& node, PlanBuilder& builder) {
  const Tensor& tensor = builder.tensor(node.inputs[0]);
  // The 256 values that there are.
  auto* const table = builder.keep<float>(256);
  const double scale = tensor.quantization.scale.at(0);
  for (int32_t q = std::numeric_limits<T>::min(); q <= std::numeric_limits<T>::max(); ++q) {
    table[static_cast<uint8_t>(q)] = static_cast<float>(scale * (q - zero_point_of(tensor)));
  }
  Step step = builder.step_for(node, kernel_name("dequantize", tensor.type));
  step.work = DequantizeStep{.input = node.inputs[0],
                             .output = node.outputs[0],
                             .table = builder.constant(table),
                             .count = count_of(node, builder)};
  builder.add(std::move(step));
}

/// The type that the file has for what is stored as `type`.
DataType type_in_file(DataType type, int32_t offset) {
  if (offset == 0) return type;
  return type == DataType::UInt8 ? DataType::Int8 : DataType::UInt8;
}

void plan_cast(const Convert& op, const Node& node, PlanBuilder& builder) {
  const DataType in_type = builder.tensor(node.inputs[0]).type;
  const DataType out_type = builder.tensor(node.outputs[0]).type;
  for (const DataType type : {in_type, out_type}) {
    if (!is_castable(type)) throw ModelError("CAST on " + std::string(name_of(type)) + " is not supported");
  }
  Step step = builder.step_for(node, kernel_name(kernel_name("cast", in_type), out_type));
  step.work = CastStep{.input = node.inputs[0],
                       .output = node.outputs[0],
                       .from = type_in_file(in_type, op.offset_in),
                       .to = type_in_file(out_type, op.offset_out),
                       .in_mask = static_cast<uint8_t>(op.offset_in == 0 ? 0 : 0x80),
                       .out_mask = static_cast<uint8_t>(op.offset_out == 0 ? 0 : 0x80),
                       .count = count_of(node, builder)};
  builder.add(std::move(step));
}

}  // namespace

void plan(const Convert& op, const Node& node, PlanBuilder& builder) {
  switch (op.kind) {
    case Convert::Kind::Quantize:
      return plan_quantize(node, builder);
    case Convert::Kind::Dequantize:
      if (builder.tensor(node.inputs[0]).type == DataType::UInt8) return plan_dequantize<uint8_t>(node, builder);
      return plan_dequantize<int8_t>(node, builder);
    case Convert::Kind::Cast:
      return plan_cast(op, node, builder);
  }
}

}  // namespace octet
