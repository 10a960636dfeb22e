#include "benchmarks/peers/network.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>

#include "benchmarks/peers/engine.h"

namespace octet::peers {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool is_end(OpCode code) {
  return code == OpCode::Softmax || code == OpCode::Quantize || code == OpCode::Dequantize || code == OpCode::Reshape;
}

Range range_of(Activation activation, const Operator& op) {
  switch (activation) {
    case Activation::None:
      return {-kInfinity, kInfinity};
    case Activation::Relu:
      return {0, kInfinity};
    case Activation::ReluN1To1:
      return {-1, 1};
    case Activation::Relu6:
      return {0, 6};
    default:
      throw Unsupported(op.name() + " with this activation");
  }
}

Activation activation_of(const Operator& op) {
  return std::visit(
      [](const auto& options) {
        if constexpr (requires { options.activation; }) return options.activation;
        return Activation::None;
      },
      op.options);
}

/// What SAME adds along one axis: before, behind.
std::pair<int32_t, int32_t> same_padding(int32_t input, int32_t output, int32_t window, int32_t stride,
                                         int32_t dilation) {
  const int32_t total = std::max(0, (output - 1) * stride + (window - 1) * dilation + 1 - input);
  return {total / 2, total - total / 2};
}

void pad_same(Window& w, const Tensor& in, const Tensor& out) {
  std::tie(w.padding.top, w.padding.bottom) =
      same_padding(in.shape[1], out.shape[1], w.height, w.stride_h, w.dilation_h);
  std::tie(w.padding.left, w.padding.right) =
      same_padding(in.shape[2], out.shape[2], w.width, w.stride_w, w.dilation_w);
}

/// The window, as far as the operator itself says it; false where it has none.
bool find_window(const Model& model, const Operator& op, Window& w, Padding& padding) {
  const auto filter = [&](size_t axis) { return tensor_at(model, op.inputs[1]).shape[axis]; };
  const auto convolution = [&](const auto& o) {
    w = {filter(1), filter(2), o.stride_h, o.stride_w, o.dilation_h, o.dilation_w, {}};
    padding = o.padding;
  };
  if (const auto* pool = std::get_if<PoolOptions>(&op.options)) {
    w = {pool->filter_h, pool->filter_w, pool->stride_h, pool->stride_w, 1, 1, {}};
    padding = pool->padding;
  } else if (op.code == OpCode::Conv2D) {
    convolution(std::get<Conv2DOptions>(op.options));
  } else if (op.code == OpCode::DepthwiseConv2D) {
    convolution(std::get<DepthwiseConv2DOptions>(op.options));
  } else {
    return false;
  }
  return true;
}

/// A PAD of height and width whose only readers are unpadded convolutions: tensor that it pads, and by how much.
struct MergedPad {
  int32_t input;
  Padding2D padding;
};

bool only_unpadded_convolutions_read(const Model& model, int32_t tensor) {
  if (std::ranges::count(model.outputs, tensor) > 0) return false;
  return std::ranges::all_of(model.operators, [&](const Operator& op) {
    Window w;
    Padding padding{};
    return std::ranges::count(op.inputs, tensor) == 0 ||
           (op.code != OpCode::MaxPool2D && op.code != OpCode::AveragePool2D && find_window(model, op, w, padding) &&
            padding == Padding::Valid);
  });
}

MergedPad merge_pad(const Model& model, const Operator& op) {
  const Tensor& amounts = tensor_at(model, op.inputs[1]);
  int32_t before_and_behind[8] = {};
  if (amounts.type != DataType::Int32 || amounts.data.size() != sizeof before_and_behind)
    throw Unsupported("PAD of other than four dimensions");
  std::memcpy(before_and_behind, amounts.data.data(), sizeof before_and_behind);
  const auto& [n0, n1, top, bottom, left, right, c0, c1] = before_and_behind;
  if ((n0 | n1 | c0 | c1) != 0 || !only_unpadded_convolutions_read(model, op.outputs[0]))
    throw Unsupported("PAD for other than convolutions");
  return {op.inputs[0], {top, left, bottom, right}};
}

}  // namespace

Model without_ends(const Model& model) {
  Model cut = model;
  std::vector<Operator>& ops = cut.operators;
  const auto reads = [&](const Operator& op, int32_t tensor) { return std::ranges::count(op.inputs, tensor) > 0; };
  if (!ops.empty() && ops[0].code == OpCode::Quantize && cut.inputs == ops[0].inputs &&
      std::none_of(ops.begin() + 1, ops.end(), [&](const Operator& op) { return reads(op, cut.inputs[0]); })) {
    cut.inputs = ops[0].outputs;
    ops.erase(ops.begin());
  }
  while (ops.size() > 1 && is_end(ops.back().code) && cut.outputs == ops.back().outputs) {
    cut.outputs = {ops.back().inputs[0]};
    ops.pop_back();
  }
  return cut;
}

std::vector<Node> nodes_of(const Model& model) {
  std::vector<Node> nodes;
  std::map<int32_t, MergedPad> pads;
  for (const Operator& op : model.operators) {
    if (op.code == OpCode::Pad) {
      pads[op.outputs[0]] = merge_pad(model, op);
      continue;
    }
    Node node{&op, op.inputs, op.outputs[0], {}, range_of(activation_of(op), op)};
    Padding padding{};
    const bool has_window = find_window(model, op, node.window, padding);
    if (const auto pad = pads.find(op.inputs[0]); pad != pads.end()) {
      node.inputs[0] = pad->second.input;
      node.window.padding = pad->second.padding;
    } else if (has_window && padding == Padding::Same) {
      pad_same(node.window, tensor_at(model, op.inputs[0]), tensor_at(model, op.outputs[0]));
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

bool is_global_average(const Model& model, const Node& node) {
  const std::vector<int32_t>& in = tensor_at(model, node.inputs[0]).shape;
  if (in.size() != 4) return false;
  if (node.op->code == OpCode::AveragePool2D)
    return node.window.height == in[1] && node.window.width == in[2] && node.window.padding == Padding2D{} &&
           element_count(tensor_at(model, node.output).shape) == int64_t{in[0]} * in[3];
  const Tensor& axes = tensor_at(model, node.inputs[1]);
  int32_t axis[2] = {};
  if (axes.type != DataType::Int32 || axes.data.size() != sizeof axis) return false;
  std::memcpy(axis, axes.data.data(), sizeof axis);
  return (axis[0] == 1 && axis[1] == 2) || (axis[0] == 2 && axis[1] == 1);
}

}  // namespace octet::peers
