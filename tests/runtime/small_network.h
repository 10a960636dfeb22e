// A network small enough to be computed by hand, with something of everything that sessions care about: weights, a
// tensor in the middle, a reshape, an int8 and a uint8 form.
#pragma once

#include <cstdint>
#include <vector>

#include "models/builder.h"

namespace octet {

/// [1,2,2,4] -> CONV_2D 1x1, identity weights -> RELU, i.e. max(q, zero point) -> RESHAPE to [1,16]. All scales 0.5;
/// the zero point is 10, or for int8 10 - 128, so that both forms compute the same but for the sign bit.
inline Model small_network(DataType type = DataType::UInt8) {
  const int64_t zero = type == DataType::UInt8 ? 10 : 10 - 128;
  const Quantization q = quantized(0.5f, zero);
  ModelBuilder b("small");
  const int32_t in = b.input({"in", {1, 2, 2, 4}, type, q});
  std::vector<uint8_t> weights(16, 0);
  for (size_t i = 0; i < 4; ++i) weights[5 * i] = 1;
  const Quantization one = quantized(1.0f, 0);
  const int32_t filter =
      type == DataType::UInt8
          ? b.constant<uint8_t>("filter", {4, 1, 1, 4}, weights, one)
          : b.constant<int8_t>("filter", {4, 1, 1, 4}, std::vector<int8_t>(weights.begin(), weights.end()), one);
  const int32_t bias = b.constant<int32_t>("bias", {4}, {0, 0, 0, 0}, quantized(0.5f, 0));
  const int32_t conv = b.op(OpCode::Conv2D, {in, filter, bias}, Conv2DOptions{}, {"conv", {1, 2, 2, 4}, type, q});
  const int32_t relu = b.op(OpCode::Relu, {conv}, {"relu", {1, 2, 2, 4}, type, q});
  const int32_t shape = b.constant<int32_t>("shape", {2}, {1, 16});
  b.output(b.op(OpCode::Reshape, {relu, shape}, ReshapeOptions{{1, 16}}, {"out", {1, 16}, type, q}));
  return b.build();
}

/// Sixteen inputs around the zero point, as the type's bytes; and what comes out.
inline std::vector<uint8_t> small_input(DataType type) {
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 16; ++i) bytes.push_back(static_cast<uint8_t>((2 + i) ^ (type == DataType::Int8 ? 0x80 : 0)));
  return bytes;
}
inline std::vector<uint8_t> small_output(DataType type) {
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 16; ++i) {
    bytes.push_back(static_cast<uint8_t>((2 + i < 10 ? 10 : 2 + i) ^ (type == DataType::Int8 ? 0x80 : 0)));
  }
  return bytes;
}

}  // namespace octet
