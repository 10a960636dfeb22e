// A network as peers are given it: what every translation needs and none should work out again.
#pragma once

#include <cstdint>
#include <vector>

#include "models/model.h"

namespace octet::peers {

/// Without a QUANTIZE in front and without SOFTMAX, QUANTIZE, DEQUANTIZE and RESHAPE at the end: peers' 8-bit forms of
/// these differ or do not exist, so everyone is measured from the first 8-bit tensor to the logits.
Model without_ends(const Model& model);

struct Padding2D {
  int32_t top = 0, left = 0, bottom = 0, right = 0;

  bool operator==(const Padding2D&) const = default;
};

/// Window of a convolution or pool.
struct Window {
  int32_t height = 1, width = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  Padding2D padding;  // in numbers: SAME, or what a PAD in front of it added
};

/// What a fused activation lets through, as real values; infinite where it does not bound.
struct Range {
  float low, high;
};

/// An operator, with PAD merged into the convolutions that read it, as peers like it best.
struct Node {
  const Operator* op;
  std::vector<int32_t> inputs;  // tensors of the model; -1: absent
  int32_t output;
  Window window;  // of convolutions and pools
  Range range;
};

/// In execution order. Points into `model`. Throws Unsupported for operators and options that no peer is given.
std::vector<Node> nodes_of(const Model& model);

/// Whether a node (AVERAGE_POOL_2D or MEAN) averages the whole picture, channel by channel.
bool is_global_average(const Model& model, const Node& node);

inline const Tensor& tensor_at(const Model& model, int32_t index) { return model.tensors[static_cast<size_t>(index)]; }

}  // namespace octet::peers
