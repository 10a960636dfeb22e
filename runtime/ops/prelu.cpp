// PRELU: both the value and alpha are 8 bits wide, so each alpha has a table of 256 outputs. Where alpha is a constant,
// only those of its values that occur are made.
#include <algorithm>
#include <array>

#include "runtime/fixed_point.h"
#include "runtime/ops/ops.h"

namespace octet {
namespace {

int32_t value_of(DataType type, size_t byte) {
  return type == DataType::UInt8 ? static_cast<int32_t>(byte) : int32_t{static_cast<int8_t>(byte)};
}

int32_t zero_point_of(const Tensor& tensor) { return static_cast<int32_t>(tensor.quantization.zero_point.at(0)); }

/// Outputs by input byte, for one value of alpha - Z_alpha. The last sum wraps, as the reference's does.
void make_row(const Prelu& op, const Tensor& in, const Tensor& out, int32_t alpha, uint8_t* row) {
  for (size_t byte = 0; byte < 256; ++byte) {
    const int32_t x = value_of(in.type, byte) - zero_point_of(in);
    const int32_t y = x >= 0 ? multiply_by_quantized_multiplier(x, op.positive)
                             : multiply_by_quantized_multiplier(x * alpha, op.negative);
    const auto sum = static_cast<int32_t>(static_cast<uint32_t>(y) + static_cast<uint32_t>(zero_point_of(out)));
    row[byte] = static_cast<uint8_t>(std::clamp(sum, op.clamp.lo, op.clamp.hi));
  }
}

/// Bytes of alpha that may occur.
std::array<bool, 256> occurring(const Tensor& alpha) {
  std::array<bool, 256> occurs{};
  if (alpha.data.empty()) occurs.fill(true);
  for (const std::byte b : alpha.data) occurs[std::to_integer<size_t>(b)] = true;
  return occurs;
}

using Dim = PreluStep::Dim;

/// The input's dimensions, merged where alpha runs on as the input does; the last one is left alone.
std::vector<Dim> broadcast_dims(std::span<const int32_t> in, std::span<const int32_t> alpha) {
  std::vector<Dim> dims(in.size());
  int64_t stride = 1;
  for (size_t i = in.size(); i-- > 0;) {
    const size_t missing = in.size() - alpha.size();
    const int64_t extent = i < missing ? 1 : alpha[i - missing];
    dims[i] = {in[i], extent == 1 ? 0 : stride};
    stride *= extent;
  }
  std::vector<Dim> merged;
  for (const Dim& dim : dims) {
    if (dim.extent == 1 && !merged.empty()) continue;
    if (!merged.empty() && merged.back().alpha == dim.extent * dim.alpha) {
      merged.back() = {merged.back().extent * dim.extent, dim.alpha};
    } else {
      merged.push_back(dim);
    }
  }
  if (merged.empty()) merged.push_back({1, 0});
  return merged;
}

}  // namespace

void plan(const Prelu& op, const Node& node, PlanBuilder& builder) {
  const Tensor& in = builder.tensor(node.inputs[0]);
  const Tensor& alpha = builder.tensor(node.inputs[1]);
  auto* const table = builder.keep<uint8_t>(256 * 256);
  const std::array<bool, 256> occurs = occurring(alpha);
  for (size_t byte = 0; byte < 256; ++byte) {
    if (!occurs[byte]) continue;
    make_row(op, in, builder.tensor(node.outputs[0]), value_of(alpha.type, byte) - zero_point_of(alpha),
             table + 256 * byte);
  }

  Step step = builder.step_for(node, kernel_name("prelu", in.type));
  step.in_place = !step.reads.empty() && step.reads[0] == node.inputs[0];
  step.work = PreluStep{.input = node.inputs[0],
                        .alpha = node.inputs[1],
                        .output = node.outputs[0],
                        .table = builder.constant(table),
                        .dims = builder.keep_array<Dim>(broadcast_dims(in.shape, alpha.shape)),
                        .count = element_count(in.shape)};
  builder.add(std::move(step));
}

}  // namespace octet
