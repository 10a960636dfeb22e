// Written to XNNPACK's interface of 2022, which Debian 12 has. Later ones keep it, calling parts of it deprecated.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "benchmarks/peers/xnnpack.h"

#include <pthreadpool.h>
#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <map>

#include "benchmarks/peers/network.h"

namespace octet::peers {
namespace {

void check(xnn_status status, const std::string& what) {
  if (status != xnn_status_success)
    throw Unsupported("XNNPACK: " + what + ": status " + std::to_string(static_cast<int>(status)));
}

xnn_datatype type_of(const Tensor& tensor) {
  const bool by_channel = tensor.quantization.scale.size() > 1;
  switch (tensor.type) {
    case DataType::UInt8:
      return xnn_datatype_quint8;
    case DataType::Int8:
      return by_channel ? xnn_datatype_qcint8 : xnn_datatype_qint8;
    case DataType::Int32:
      return by_channel ? xnn_datatype_qcint32 : xnn_datatype_qint32;
    default:
      throw Unsupported("XNNPACK: type " + std::string(name_of(tensor.type)));
  }
}

std::vector<size_t> dims_of(const Tensor& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

/// Turns a model into a subgraph, operator by operator.
class Translator {
 public:
  Translator(const Model& model, xnn_subgraph_t graph) : model_(model), graph_(graph) {}

  void add(const Node& node) {
    switch (node.op->code) {
      case OpCode::Conv2D:
        return check(convolution(node), "CONV_2D");
      case OpCode::DepthwiseConv2D:
        return check(depthwise(node), "DEPTHWISE_CONV_2D");
      case OpCode::FullyConnected:
        return check(fully_connected(node), "FULLY_CONNECTED");
      case OpCode::Add:
        return check(xnn_define_add2(graph_, node.range.low, node.range.high, value(node.inputs[0]),
                                     value(node.inputs[1]), value(node.output), 0),
                     "ADD");
      case OpCode::MaxPool2D:
        return check(max_pool(node), "MAX_POOL_2D");
      case OpCode::AveragePool2D:
      case OpCode::Mean:
        return check(global_average(node), "AVERAGE_POOL_2D, MEAN");
      case OpCode::Reshape:
      case OpCode::Squeeze:
        return check(reshape(value(node.inputs[0]), dims_of(tensor_at(model_, node.output)), value(node.output)),
                     "RESHAPE");
      default:
        throw Unsupported("XNNPACK: " + node.op->name() + " is not translated");
    }
  }

 private:
  uint32_t external_id(int32_t tensor) const {
    const auto position = [&](const std::vector<int32_t>& list) {
      return static_cast<uint32_t>(std::ranges::find(list, tensor) - list.begin());
    };
    if (const uint32_t at = position(model_.inputs); at < model_.inputs.size()) return at;
    if (const uint32_t at = position(model_.outputs); at < model_.outputs.size())
      return static_cast<uint32_t>(model_.inputs.size()) + at;
    return XNN_INVALID_VALUE_ID;
  }

  /// The value that stands for a tensor; `dims` where XNNPACK wants others than the model has.
  uint32_t value(int32_t index, std::vector<size_t> dims = {}) {
    if (index < 0) return XNN_INVALID_VALUE_ID;
    if (const auto known = values_.find(index); known != values_.end()) return known->second;
    const Tensor& tensor = tensor_at(model_, index);
    const Quantization& q = tensor.quantization;
    if (q.scale.empty()) throw Unsupported("XNNPACK: " + tensor.name + " is not quantized");
    if (dims.empty()) dims = dims_of(tensor);
    const void* const data = tensor.data.empty() ? nullptr : tensor.data.data();
    uint32_t id = external_id(index), flags = 0;
    if (id != XNN_INVALID_VALUE_ID)
      flags = id < model_.inputs.size() ? XNN_VALUE_FLAG_EXTERNAL_INPUT : XNN_VALUE_FLAG_EXTERNAL_OUTPUT;
    if (q.scale.size() > 1) {
      check(
          xnn_define_channelwise_quantized_tensor_value(graph_, type_of(tensor), q.scale.data(), dims.size(),
                                                        static_cast<size_t>(q.axis), dims.data(), data, id, flags, &id),
          "value");
    } else {
      check(xnn_define_quantized_tensor_value(graph_, type_of(tensor), static_cast<int32_t>(q.zero_point[0]),
                                              q.scale[0], dims.size(), dims.data(), data, id, flags, &id),
            "value");
    }
    return values_[index] = id;
  }

  xnn_status reshape(uint32_t input, const std::vector<size_t>& dims, uint32_t output) {
    return xnn_define_static_reshape(graph_, dims.size(), dims.data(), input, output, 0);
  }

  xnn_status convolution(const Node& node) {
    const Tensor &in = tensor_at(model_, node.inputs[0]), &filter = tensor_at(model_, node.inputs[1]);
    const int32_t groups = in.shape[3] / filter.shape[3];
    const Window& w = node.window;
    const auto [top, left, bottom, right] = unsigned_of(w.padding);
    return xnn_define_convolution_2d(graph_, top, right, bottom, left, u(w.height), u(w.width), u(w.stride_h),
                                     u(w.stride_w), u(w.dilation_h), u(w.dilation_w), u(groups), u(filter.shape[3]),
                                     u(filter.shape[0] / groups), node.range.low, node.range.high,
                                     value(node.inputs[0]), value(node.inputs[1]), bias(node), value(node.output), 0);
  }

  xnn_status depthwise(const Node& node) {
    const int32_t channels = tensor_at(model_, node.inputs[0]).shape[3];
    const Window& w = node.window;
    const auto [top, left, bottom, right] = unsigned_of(w.padding);
    return xnn_define_depthwise_convolution_2d(
        graph_, top, right, bottom, left, u(w.height), u(w.width), u(w.stride_h), u(w.stride_w), u(w.dilation_h),
        u(w.dilation_w), u(tensor_at(model_, node.inputs[1]).shape[3] / channels), u(channels), node.range.low,
        node.range.high, value(node.inputs[0]), value(node.inputs[1]), bias(node), value(node.output), 0);
  }

  xnn_status fully_connected(const Node& node) {
    const Tensor& filter = tensor_at(model_, node.inputs[1]);
    if (filter.quantization.scale.size() <= 1)
      return xnn_define_fully_connected(graph_, node.range.low, node.range.high, value(node.inputs[0]),
                                        value(node.inputs[1]), bias(node), value(node.output),
                                        XNN_FLAG_TENSORFLOW_RESHAPE_2D);
    // By channel it came later; a 1x1 convolution is the same product.
    const size_t outputs = u(filter.shape[0]), depth = u(filter.shape[1]);
    const size_t rows = static_cast<size_t>(element_count(tensor_at(model_, node.inputs[0]).shape)) / depth;
    const std::vector<size_t> picture = {rows, 1, 1, depth};
    const uint32_t input = value(node.inputs[0]);
    const Quantization& q = tensor_at(model_, node.inputs[0]).quantization;
    uint32_t reshaped = 0;
    check(
        xnn_define_quantized_tensor_value(graph_, xnn_datatype_qint8, static_cast<int32_t>(q.zero_point[0]), q.scale[0],
                                          picture.size(), picture.data(), nullptr, XNN_INVALID_VALUE_ID, 0, &reshaped),
        "value");
    check(reshape(input, picture, reshaped), "RESHAPE");
    return xnn_define_convolution_2d(graph_, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, depth, outputs, node.range.low,
                                     node.range.high, reshaped, value(node.inputs[1], {outputs, 1, 1, depth}),
                                     bias(node), value(node.output, {rows, 1, 1, outputs}), 0);
  }

  xnn_status max_pool(const Node& node) {
    const Window& w = node.window;
    const auto [top, left, bottom, right] = unsigned_of(w.padding);
    return xnn_define_max_pooling_2d(graph_, top, right, bottom, left, u(w.height), u(w.width), u(w.stride_h),
                                     u(w.stride_w), 1, 1, node.range.low, node.range.high, value(node.inputs[0]),
                                     value(node.output), 0);
  }

  xnn_status global_average(const Node& node) {
    if (!is_global_average(model_, node)) throw Unsupported("XNNPACK: an average of less than the whole picture");
    uint32_t flags = 0;
#ifdef XNN_FLAG_KEEP_DIMS
    if (tensor_at(model_, node.output).shape.size() == 4) flags = XNN_FLAG_KEEP_DIMS;
#endif
    return xnn_define_global_average_pooling_2d(graph_, node.range.low, node.range.high, value(node.inputs[0]),
                                                value(node.output), flags);
  }

  uint32_t bias(const Node& node) { return node.inputs.size() > 2 ? value(node.inputs[2]) : XNN_INVALID_VALUE_ID; }

  static uint32_t u(int32_t extent) { return static_cast<uint32_t>(extent); }
  static std::array<uint32_t, 4> unsigned_of(const Padding2D& p) {
    return {u(p.top), u(p.left), u(p.bottom), u(p.right)};
  }

  const Model& model_;
  xnn_subgraph_t graph_;
  std::map<int32_t, uint32_t> values_;
};

template <typename T, auto destroy>
using Owned = std::unique_ptr<T, decltype([](T* object) { destroy(object); })>;

class XnnpackEngine : public Engine {
 public:
  XnnpackEngine(const Model& model, int threads) : model_(model) {
    check(xnn_initialize(nullptr), "initialize");
    const size_t externals = model_.inputs.size() + model_.outputs.size();
    xnn_subgraph_t graph = nullptr;
    check(xnn_create_subgraph(static_cast<uint32_t>(externals), 0, &graph), "subgraph");
    graph_.reset(graph);
    Translator translator(model_, graph);
    for (const Node& node : nodes_of(model_)) translator.add(node);
    if (threads > 1) pool_.reset(pthreadpool_create(static_cast<size_t>(threads)));
    xnn_runtime_t runtime = nullptr;
    check(xnn_create_runtime_v2(graph, pool_.get(), 0, &runtime), "runtime");
    runtime_.reset(runtime);
    std::vector<xnn_external_value> values;
    for (const std::vector<int32_t>* list : {&model_.inputs, &model_.outputs}) {
      for (const int32_t index : *list) {
        buffers_.emplace_back(static_cast<size_t>(element_count(tensor_at(model_, index).shape)) + XNN_EXTRA_BYTES);
        values.push_back({static_cast<uint32_t>(values.size()), buffers_.back().data()});
      }
    }
    check(xnn_setup_runtime(runtime, values.size(), values.data()), "setup");
  }

  void set_input(size_t index, std::span<const std::byte> bytes) override {
    std::ranges::copy(bytes, buffers_[index].begin());
  }
  void run() override { check(xnn_invoke_runtime(runtime_.get()), "run"); }
  std::vector<std::byte> output() const override {
    const std::vector<std::byte>& bytes = buffers_[model_.inputs.size()];
    return {bytes.begin(), bytes.end() - XNN_EXTRA_BYTES};
  }

 private:
  Model model_;  // whose weights and scales the subgraph points to
  std::vector<std::vector<std::byte>> buffers_;
  Owned<std::remove_pointer_t<xnn_subgraph_t>, xnn_delete_subgraph> graph_;
  Owned<std::remove_pointer_t<pthreadpool_t>, pthreadpool_destroy> pool_;
  Owned<std::remove_pointer_t<xnn_runtime_t>, xnn_delete_runtime> runtime_;
};

}  // namespace

std::unique_ptr<Engine> make_xnnpack(const Model& model, int threads) {
  return std::make_unique<XnnpackEngine>(model, threads);
}

}  // namespace octet::peers
