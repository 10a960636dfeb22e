#include "benchmarks/layers.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

namespace octet {

namespace {

bool computes(OpCode code) {
  switch (code) {
    case OpCode::Conv2D:
    case OpCode::DepthwiseConv2D:
    case OpCode::FullyConnected:
    case OpCode::Add:
    case OpCode::Mul:
    case OpCode::Sub:
    case OpCode::AveragePool2D:
    case OpCode::MaxPool2D:
    case OpCode::Mean:
    case OpCode::Softmax:
      return true;
    default:
      return false;
  }
}

/// "56x56x64": without a batch of 1.
std::string shape_text(const Tensor& tensor) {
  const std::span<const int32_t> shape(tensor.shape);
  return to_string(shape.size() > 1 && shape[0] == 1 ? shape.subspan(1) : shape);
}

std::string window_text(const Model& network, const Operator& op) {
  const auto text = [](int32_t h, int32_t w, int32_t stride) {
    return "/" + std::to_string(h) + "x" + std::to_string(w) + "s" + std::to_string(stride);
  };
  if (const auto* pool = std::get_if<PoolOptions>(&op.options))
    return text(pool->filter_h, pool->filter_w, pool->stride_w);
  if (op.inputs.size() < 2 || op.inputs[1] < 0) return {};
  const std::vector<int32_t>& filter = network.tensors[static_cast<size_t>(op.inputs[1])].shape;
  if (const auto* conv = std::get_if<Conv2DOptions>(&op.options)) return text(filter[1], filter[2], conv->stride_w);
  if (const auto* conv = std::get_if<DepthwiseConv2DOptions>(&op.options))
    return text(filter[1], filter[2], conv->stride_w);
  return {};
}

std::string layer_name(const Model& network, const Operator& op) {
  const Tensor& in = network.tensors[static_cast<size_t>(op.inputs[0])];
  const Tensor& out = network.tensors[static_cast<size_t>(op.outputs[0])];
  std::string name = op.name() + "/" + shape_text(in) + window_text(network, op);
  if (out.shape != in.shape && !out.shape.empty()) name += "/" + std::to_string(out.shape.back());
  return name;
}

Model cut(const Model& network, const Operator& op, const std::string& name) {
  Model model;
  model.name = name;
  model.storage = network.storage;
  std::map<int32_t, int32_t> renumbered;
  const auto renumber = [&](int32_t tensor) {
    if (tensor < 0) return tensor;
    const auto [it, is_new] = renumbered.try_emplace(tensor, static_cast<int32_t>(model.tensors.size()));
    if (is_new) model.tensors.push_back(network.tensors[static_cast<size_t>(tensor)]);
    return it->second;
  };
  Operator copy = op;
  for (int32_t& tensor : copy.inputs) {
    tensor = renumber(tensor);
    if (tensor >= 0 && model.tensors[static_cast<size_t>(tensor)].data.empty() &&
        std::ranges::count(model.inputs, tensor) == 0)
      model.inputs.push_back(tensor);
  }
  for (int32_t& tensor : copy.outputs) model.outputs.push_back(tensor = renumber(tensor));
  model.operators.push_back(std::move(copy));
  return model;
}

bool changes_sign(const Step& step) { return step.kernel == "flip_sign"; }

}  // namespace

std::vector<Layer> cut_layers(const Model& network) {
  std::vector<Layer> layers;
  std::set<std::string> seen;
  for (const Operator& op : network.operators) {
    if (!computes(op.code)) continue;
    const std::string name = layer_name(network, op);
    if (seen.insert(name).second) layers.push_back({name, cut(network, op, name)});
  }
  return layers;
}

std::string kernel_of_layer(const Plan& plan) {
  const auto found = std::ranges::find_if_not(plan.steps(), changes_sign);
  return found == plan.steps().end() ? "" : found->kernel;
}

double time_layer(Session& session) {
  using Clock = std::chrono::steady_clock;
  Clock::duration sum{};
  Clock::time_point last = Clock::now();
  session.run([&](size_t step) {
    const Clock::time_point now = Clock::now();
    if (!changes_sign(session.plan().steps()[step])) sum += now - last;
    last = now;
  });
  return std::chrono::duration<double>(sum).count();
}

}  // namespace octet
