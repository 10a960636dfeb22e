#include "benchmarks/peers/onnx.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <span>

#include "benchmarks/peers/engine.h"
#include "benchmarks/peers/network.h"

namespace octet::peers {
namespace {

// ---- protocol buffers, as far as ONNX needs them; numbers of fields are those of onnx.proto

class Message {
 public:
  Message& number(int field, int64_t value) {
    varint(static_cast<uint64_t>(field) << 3);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& bytes(int field, std::string_view value) {
    varint(static_cast<uint64_t>(field) << 3 | 2);
    varint(value.size());
    text_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return bytes(field, value.text_); }
  Message& numbers(int field, std::span<const int64_t> values) {
    for (const int64_t value : values) number(field, value);
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

// ---- ONNX

enum Type : int64_t { kFloat = 1, kUInt8 = 2, kInt8 = 3, kInt32 = 6, kInt64 = 7 };
template <typename T>
constexpr Type kTypeOf = kFloat;
template <>
constexpr Type kTypeOf<uint8_t> = kUInt8;
template <>
constexpr Type kTypeOf<int8_t> = kInt8;
template <>
constexpr Type kTypeOf<int32_t> = kInt32;
template <>
constexpr Type kTypeOf<int64_t> = kInt64;

constexpr const char* kMicrosoft = "com.microsoft";

using Dims = std::vector<int64_t>;
using Names = std::vector<std::string>;

struct Attributes {
  std::vector<std::pair<std::string, int64_t>> numbers = {};
  std::vector<std::pair<std::string, Dims>> lists = {};
};

Dims dims_of(const Tensor& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

class Translator {
 public:
  explicit Translator(const Model& model) : model_(model) {}

  std::string translate() {
    for (size_t i = 0; i < model_.inputs.size(); ++i) {
      const Tensor& tensor = tensor_at(model_, model_.inputs[i]);
      const std::string name = "input" + std::to_string(i);
      graph_.message(11, value_info(name, tensor));
      names_[model_.inputs[i]] =
          tensor.shape.size() == 4 ? op("Transpose", {name}, {.lists = {{"perm", {0, 3, 1, 2}}}}) : name;
    }
    for (const Node& node : nodes_of(model_)) names_[node.output] = translate(node);
    const Tensor& out = tensor_at(model_, model_.outputs[0]);
    const std::string last = names_.at(model_.outputs[0]);
    if (out.shape.size() == 4)
      op("Transpose", {last}, {.lists = {{"perm", {0, 2, 3, 1}}}}, "", "output");
    else
      op("Reshape", {last, constant(dims_of(out))}, {}, "", "output");
    graph_.message(12, value_info("output", out)).bytes(2, model_.name);
    return Message()
        .number(1, 8)  // version of the format
        .message(7, graph_)
        .message(8, Message().bytes(1, "").number(2, 13))
        .message(8, Message().bytes(1, kMicrosoft).number(2, 1))
        .text();
  }

 private:
  // What a graph is made of. Each returns the name of what it makes.

  static Message value_info(const std::string& name, const Tensor& tensor) {
    Message shape;
    for (const int32_t extent : tensor.shape) shape.message(1, Message().number(1, extent));
    const Message type = Message().message(1, Message().number(1, kUInt8).message(2, shape));
    return Message().bytes(1, name).message(2, type);
  }

  std::string new_name() { return "v" + std::to_string(++last_name_); }

  template <typename T>
  std::string constant(const std::vector<T>& values, const Dims& dims) {
    const std::string name = new_name();
    const std::string_view raw(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    graph_.message(5, Message().numbers(1, dims).number(2, kTypeOf<T>).bytes(8, name).bytes(9, raw));
    return name;
  }
  template <typename T>
  std::string constant(const std::vector<T>& values) {
    return constant(values, {static_cast<int64_t>(values.size())});
  }
  template <typename T>
  std::string scalar(T value) {
    return constant(std::vector<T>{value}, {});
  }

  std::string op(const std::string& type, const Names& inputs, const Attributes& attributes = {},
                 const std::string& domain = "", std::string output = "") {
    if (output.empty()) output = new_name();
    Message node;
    for (const std::string& input : inputs) node.bytes(1, input);
    node.bytes(2, output).bytes(3, output).bytes(4, type);
    for (const auto& [name, value] : attributes.numbers)
      node.message(5, Message().bytes(1, name).number(3, value).number(20, 2));
    for (const auto& [name, values] : attributes.lists)
      node.message(5, Message().bytes(1, name).numbers(8, values).number(20, 7));
    if (!domain.empty()) node.bytes(7, domain);
    graph_.message(1, node);
    return output;
  }

  // Quantization

  /// An activation's zero point, as uint8 has it.
  static int32_t zero_point(const Tensor& tensor) {
    return static_cast<int32_t>(tensor.quantization.zero_point.at(0)) + (tensor.type == DataType::Int8 ? 128 : 0);
  }
  const Tensor& tensor(int32_t index) const { return tensor_at(model_, index); }

  void add_quantization(Names& inputs, const Tensor& t) {
    if (t.quantization.scale.size() != 1 || size_of(t.type) != 1)
      throw Unsupported("ONNX Runtime: " + t.name + " is not quantized to 8 bits");
    inputs.push_back(scalar(t.quantization.scale[0]));
    inputs.push_back(scalar(static_cast<uint8_t>(zero_point(t))));
  }
  Names quantized(int32_t index) {
    Names names = {names_.at(index)};
    add_quantization(names, tensor(index));
    return names;
  }

  /// Weights, scale and zero point; `order[i]` is where the file keeps what stands at i.
  void add_weights(Names& inputs, const Tensor& t, const std::vector<size_t>& order, const Dims& dims) {
    const int32_t shift = t.type == DataType::UInt8 ? 128 : 0;
    std::vector<int8_t> values;
    for (const size_t at : order) values.push_back(static_cast<int8_t>(static_cast<uint8_t>(t.data[at]) - shift));
    inputs.push_back(constant(values, dims));
    const auto zero = static_cast<int8_t>(t.quantization.zero_point.at(0) - shift);
    const std::vector<float>& scales = t.quantization.scale;
    if (scales.size() == 1) {
      inputs.push_back(scalar(scales[0]));
      inputs.push_back(scalar(zero));
    } else {
      inputs.push_back(constant(scales));
      inputs.push_back(constant(std::vector<int8_t>(scales.size(), zero)));
    }
  }
  std::string bias(const Node& node, int64_t channels) {
    std::vector<int32_t> values(static_cast<size_t>(channels));
    if (node.inputs.size() > 2 && node.inputs[2] >= 0) {
      const std::span<const std::byte> data = tensor(node.inputs[2]).data;
      std::memcpy(values.data(), data.data(), std::min(data.size(), values.size() * sizeof(int32_t)));
    }
    return constant(values);
  }

  /// Clamps as the activation does, unless the output's range does so already.
  std::string clamped(const std::string& name, const Node& node) {
    const Tensor& out = tensor(node.output);
    const auto quantize = [&](float value) {
      return std::clamp(std::round(value / out.quantization.scale[0]) + static_cast<float>(zero_point(out)), 0.f,
                        255.f);
    };
    const auto low = static_cast<uint8_t>(quantize(node.range.low)),
               high = static_cast<uint8_t>(quantize(node.range.high));
    return low == 0 && high == 255 ? name : op("Clip", {name, scalar(low), scalar(high)});
  }

  // Operators

  std::string translate(const Node& node) {
    switch (node.op->code) {
      case OpCode::Conv2D:
      case OpCode::DepthwiseConv2D:
        return convolution(node);
      case OpCode::FullyConnected:
        return fully_connected(node);
      case OpCode::Add:
        return add(node);
      case OpCode::MaxPool2D:
        return clamped(op("MaxPool", {names_.at(node.inputs[0])}, window(node.window)), node);
      case OpCode::AveragePool2D:
      case OpCode::Mean:
        return global_average(node);
      case OpCode::Reshape:
      case OpCode::Squeeze:
        return reshape(node.inputs[0], dims_of(tensor(node.output)));
      default:
        throw Unsupported("ONNX Runtime: " + node.op->name() + " is not translated");
    }
  }

  static Attributes window(const Window& w) {
    const Padding2D& p = w.padding;
    return {.lists = {{"kernel_shape", {w.height, w.width}},
                      {"strides", {w.stride_h, w.stride_w}},
                      {"dilations", {w.dilation_h, w.dilation_w}},
                      {"pads", {p.top, p.left, p.bottom, p.right}}}};
  }

  std::string convolution(const Node& node) {
    const Tensor& filter = tensor(node.inputs[1]);
    const bool is_depthwise = node.op->code == OpCode::DepthwiseConv2D;
    const int64_t taps = int64_t{filter.shape[1]} * filter.shape[2];
    // Of the weights' file order, [outputs, taps, depth]; depthwise [1, taps, outputs].
    const int64_t outputs = filter.shape[is_depthwise ? 3 : 0], depth = is_depthwise ? 1 : filter.shape[3];
    std::vector<size_t> order;
    for (int64_t o = 0; o < outputs; ++o)
      for (int64_t d = 0; d < depth; ++d)
        for (int64_t t = 0; t < taps; ++t)
          order.push_back(static_cast<size_t>(is_depthwise ? t * outputs + o : (o * taps + t) * depth + d));
    Names inputs = quantized(node.inputs[0]);
    add_weights(inputs, filter, order, {outputs, depth, filter.shape[1], filter.shape[2]});
    add_quantization(inputs, tensor(node.output));
    inputs.push_back(bias(node, outputs));
    Attributes attributes = window(node.window);
    attributes.numbers = {{"group", tensor(node.inputs[0]).shape[3] / depth}};
    return clamped(op("QLinearConv", inputs, attributes), node);
  }

  std::string fully_connected(const Node& node) {
    const Tensor& filter = tensor(node.inputs[1]);
    const auto outputs = static_cast<size_t>(filter.shape[0]), depth = static_cast<size_t>(filter.shape[1]);
    std::vector<size_t> order;
    for (size_t d = 0; d < depth; ++d)
      for (size_t o = 0; o < outputs; ++o) order.push_back(o * depth + d);
    Names inputs = {reshape(node.inputs[0], {-1, filter.shape[1]})};
    add_quantization(inputs, tensor(node.inputs[0]));
    add_weights(inputs, filter, order, {filter.shape[1], filter.shape[0]});
    inputs.push_back(bias(node, filter.shape[0]));
    add_quantization(inputs, tensor(node.output));
    return clamped(op("QGemm", inputs, {}, kMicrosoft), node);
  }

  std::string add(const Node& node) {
    Names inputs = quantized(node.inputs[0]), second = quantized(node.inputs[1]);
    inputs.insert(inputs.end(), second.begin(), second.end());
    add_quantization(inputs, tensor(node.output));
    return clamped(op("QLinearAdd", inputs, {}, kMicrosoft), node);
  }

  std::string global_average(const Node& node) {
    if (!is_global_average(model_, node)) throw Unsupported("ONNX Runtime: an average of less than the whole picture");
    Names inputs = quantized(node.inputs[0]);
    add_quantization(inputs, tensor(node.output));
    const std::string averages =
        op("QLinearGlobalAveragePool", inputs, {.numbers = {{"channels_last", 0}}}, kMicrosoft);
    const Tensor& out = tensor(node.output);
    return clamped(out.shape.size() == 4 ? averages : op("Reshape", {averages, constant(dims_of(out))}), node);
  }

  /// Only where channels first and last are the same order of bytes.
  std::string reshape(int32_t input, const Dims& dims) {
    const std::vector<int32_t>& from = tensor(input).shape;
    const bool is_picture = from.size() == 4 && from[1] * from[2] != 1;
    if (is_picture || (dims.size() == 4 && dims[1] * dims[2] != 1))
      throw Unsupported("ONNX Runtime: RESHAPE of a picture is not translated");
    const Dims first = dims.size() == 4 ? Dims{dims[0], dims[3], 1, 1} : dims;
    return op("Reshape", {names_.at(input), constant(first)});
  }

  const Model& model_;
  Message graph_;
  std::map<int32_t, std::string> names_;  // of tensors that exist so far
  int last_name_ = 0;
};

}  // namespace

std::string to_onnx(const Model& model) { return Translator(model).translate(); }

}  // namespace octet::peers
