// Reading quantized tensors element by element, and how Halide's kernels see them.
#pragma once

#include <HalideRuntime.h>

#include "runtime/graph.h"
#include "runtime/target.h"

namespace octet {

inline int32_t zero_point_of(const Tensor& tensor, int64_t channel = 0) {
  const auto& z = tensor.quantization.zero_point;
  return z.empty() ? 0 : static_cast<int32_t>(z[z.size() == 1 ? 0 : static_cast<size_t>(channel)]);
}

/// Element `index` of a constant 8-bit tensor.
inline int32_t stored_value(const Tensor& tensor, int64_t index) {
  const auto byte = static_cast<uint8_t>(tensor.data[static_cast<size_t>(index)]);
  return tensor.type == DataType::UInt8 ? byte : static_cast<int8_t>(byte);
}

inline halide_type_t activation_halide_type(Target target) {
  return halide_type_t(activation_type(target) == DataType::UInt8 ? halide_type_uint : halide_type_int, 8);
}

}  // namespace octet
