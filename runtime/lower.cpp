// Model -> Graph: finds the lowering function of each operator. The functions are in the other lower_*.cpp files, one
// file a family of operators.
#include "runtime/lower.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

#include "runtime/fixed_point.h"

namespace octet {
namespace {

// ---- Which operators there are, and on which types.

using Types = std::vector<DataType>;

bool same_8bit(const Types& in, const Types& out) { return is_8bit(in[0]) && out[0] == in[0]; }

bool convolution_types(const Types& in, const Types& out) {
  const bool bias_fits = in.size() < 3 || in[2] == DataType::Int32;
  return same_8bit(in, out) && in[1] == in[0] && bias_fits;
}

bool transpose_conv_types(const Types& in, const Types& out) {
  const bool bias_fits = in.size() < 4 || in[3] == DataType::Int32;
  return is_8bit(in[2]) && in[1] == in[2] && out[0] == in[2] && bias_fits;
}

bool binary_types(const Types& in, const Types& out) { return same_8bit(in, out) && in[1] == in[0]; }

bool movable(DataType type) {
  const size_t bytes = size_of(type);
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

bool mover_types(const Types& in, const Types& out) { return movable(in[0]) && out[0] == in[0]; }

bool all_inputs_mover_types(const Types& in, const Types& out) {
  return mover_types(in, out) && std::ranges::all_of(in, [&](DataType type) { return type == in[0]; });
}

bool all_outputs_mover_types(DataType in, const Types& out) {
  return movable(in) && std::ranges::all_of(out, [&](DataType type) { return type == in; });
}

bool unpack_types(const Types& in, const Types& out) { return all_outputs_mover_types(in[0], out); }
bool split_types(const Types& in, const Types& out) { return all_outputs_mover_types(in[1], out); }

bool pad_v2_types(const Types& in, const Types& out) { return mover_types(in, out) && in[2] == in[0]; }

bool gather_types(const Types& in, const Types& out) {
  return mover_types(in, out) && (in[1] == DataType::Int32 || in[1] == DataType::Int64);
}

bool quantize_types(const Types& in, const Types& out) {
  return (is_8bit(in[0]) || in[0] == DataType::Float32) && is_8bit(out[0]);
}

bool dequantize_types(const Types& in, const Types& out) { return is_8bit(in[0]) && out[0] == DataType::Float32; }

bool castable(DataType type) {
  switch (type) {
    case DataType::UInt8:
    case DataType::Int8:
    case DataType::UInt16:
    case DataType::Int16:
    case DataType::UInt32:
    case DataType::Int32:
    case DataType::UInt64:
    case DataType::Int64:
    case DataType::Bool:
    case DataType::Float32:
    case DataType::Float64:
      return true;
    default:
      return false;
  }
}

bool cast_types(const Types& in, const Types& out) { return castable(in[0]) && castable(out[0]); }

bool arg_max_types(const Types& in, const Types& out) {
  const bool comparable = is_8bit(in[0]) || in[0] == DataType::Int32 || in[0] == DataType::Float32;
  return comparable && (out[0] == DataType::Int32 || out[0] == DataType::Int64);
}

constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();

struct Lowering {
  OpCode code;
  size_t min_inputs, max_inputs;  // those past the first `min_inputs` may be absent
  size_t max_outputs;             // one output, or any number
  bool (*types_fit)(const Types& in, const Types& out);
  void (*lower)(OpLowering&);
};

constexpr Lowering kLowerings[] = {
    {OpCode::Conv2D, 2, 3, 1, convolution_types, lower_conv_2d},
    {OpCode::DepthwiseConv2D, 2, 3, 1, convolution_types, lower_depthwise_conv_2d},
    {OpCode::FullyConnected, 2, 3, 1, convolution_types, lower_fully_connected},
    {OpCode::TransposeConv, 3, 4, 1, transpose_conv_types, lower_transpose_conv},
    {OpCode::Add, 2, 2, 1, binary_types, lower_add},
    {OpCode::Sub, 2, 2, 1, binary_types, lower_sub},
    {OpCode::Mul, 2, 2, 1, binary_types, lower_mul},
    {OpCode::Prelu, 2, 2, 1, binary_types, lower_prelu},
    {OpCode::Logistic, 1, 1, 1, same_8bit, lower_logistic},
    {OpCode::Tanh, 1, 1, 1, same_8bit, lower_tanh},
    {OpCode::Relu, 1, 1, 1, same_8bit, lower_relu},
    {OpCode::Relu6, 1, 1, 1, same_8bit, lower_relu6},
    {OpCode::ReluN1To1, 1, 1, 1, same_8bit, lower_relu_n1_to_1},
    {OpCode::HardSwish, 1, 1, 1, same_8bit, lower_hard_swish},
    {OpCode::LeakyRelu, 1, 1, 1, same_8bit, lower_leaky_relu},
    {OpCode::AveragePool2D, 1, 1, 1, same_8bit, lower_average_pool_2d},
    {OpCode::MaxPool2D, 1, 1, 1, same_8bit, lower_max_pool_2d},
    {OpCode::Mean, 2, 2, 1, same_8bit, lower_mean},
    {OpCode::Softmax, 1, 1, 1, same_8bit, lower_softmax},
    {OpCode::L2Normalization, 1, 1, 1, same_8bit, lower_l2_normalization},
    {OpCode::ArgMax, 2, 2, 1, arg_max_types, lower_arg_max},
    {OpCode::Quantize, 1, 1, 1, quantize_types, lower_quantize},
    {OpCode::Dequantize, 1, 1, 1, dequantize_types, lower_dequantize},
    {OpCode::Cast, 1, 1, 1, cast_types, lower_cast},
    {OpCode::Gather, 2, 2, 1, gather_types, lower_gather},
    {OpCode::ResizeBilinear, 2, 2, 1, same_8bit, lower_resize_bilinear},
    {OpCode::ResizeNearestNeighbor, 2, 2, 1, mover_types, lower_resize_nearest_neighbor},
    {OpCode::Concatenation, 1, kAnyNumber, 1, all_inputs_mover_types, lower_concatenation},
    {OpCode::Pack, 1, kAnyNumber, 1, all_inputs_mover_types, lower_pack},
    {OpCode::Unpack, 1, 1, kAnyNumber, unpack_types, lower_unpack},
    {OpCode::Split, 2, 2, kAnyNumber, split_types, lower_split},
    {OpCode::Pad, 2, 2, 1, mover_types, lower_pad},
    {OpCode::PadV2, 3, 3, 1, pad_v2_types, lower_pad},
    {OpCode::Reshape, 1, 2, 1, mover_types, lower_reshape},
    {OpCode::Squeeze, 1, 1, 1, mover_types, lower_squeeze},
    {OpCode::ExpandDims, 2, 2, 1, mover_types, lower_expand_dims},
    {OpCode::Transpose, 2, 2, 1, mover_types, lower_transpose},
    {OpCode::Slice, 3, 3, 1, mover_types, lower_slice},
    {OpCode::StridedSlice, 4, 4, 1, mover_types, lower_strided_slice},
    {OpCode::SpaceToDepth, 1, 1, 1, mover_types, lower_space_to_depth},
    {OpCode::DepthToSpace, 1, 1, 1, mover_types, lower_depth_to_space},
    {OpCode::Tile, 2, 2, 1, mover_types, lower_tile},
};

const Lowering* find_lowering(OpCode code) {
  const auto* found = std::ranges::find(kLowerings, code, &Lowering::code);
  return found == std::end(kLowerings) ? nullptr : found;
}

Types types_of(const Model& model, std::span<const int32_t> tensors) {
  Types types;
  for (const int32_t index : tensors) {
    if (index >= 0) types.push_back(model.tensors[static_cast<size_t>(index)].type);
  }
  return types;
}

std::string list_of(const Types& types) {
  std::string list;
  for (const DataType type : types) {
    if (!list.empty()) list += ", ";
    list += name_of(type);
  }
  return list;
}

// ---- What must hold of every model, before any operator is looked at.

std::string plural(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

void check_tensor(const Model& model, size_t index) {
  const Tensor& tensor = model.tensors[index];
  const std::string which = model.name + ": tensor " + std::to_string(index) + " (" + tensor.name + ")";
  for (const int32_t extent : tensor.shape) {
    if (extent < 1)
      throw ModelError(which + " has an extent of " + std::to_string(extent) + "; each must be at least 1");
  }
  const auto bytes = static_cast<uint64_t>(element_count(tensor.shape)) * size_of(tensor.type);
  if (!tensor.data.empty() && size_of(tensor.type) != 0 && tensor.data.size() != bytes) {
    throw ModelError(which + " holds " + std::to_string(tensor.data.size()) + " bytes, but its shape " +
                     to_string(tensor.shape) + " takes " + std::to_string(bytes));
  }
}

void check_index(const Model& model, int32_t index, const std::string& where) {
  if (index < 0 || static_cast<size_t>(index) >= model.tensors.size()) {
    throw ModelError(model.name + ": " + where + " is tensor " + std::to_string(index) + ", which does not exist");
  }
}

std::string operator_label(const Model& model, size_t index) {
  return "operator " + std::to_string(index) + " (" + model.operators[index].name() + ")";
}

/// Every activation is written once, and before it is read.
void check_order(const Model& model) {
  std::vector<bool> written(model.tensors.size());
  for (size_t t = 0; t < model.tensors.size(); ++t) written[t] = !model.tensors[t].data.empty();
  for (const int32_t input : model.inputs) {
    check_index(model, input, "an input");
    if (!model.tensors[static_cast<size_t>(input)].data.empty()) {
      throw ModelError(model.name + ": input " + model.tensors[static_cast<size_t>(input)].name + " is a constant");
    }
    written[static_cast<size_t>(input)] = true;
  }
  for (size_t o = 0; o < model.operators.size(); ++o) {
    const std::string label = operator_label(model, o);
    for (const int32_t input : model.operators[o].inputs) {
      if (input == -1) continue;
      check_index(model, input, "an input of " + label);
      if (!written[static_cast<size_t>(input)]) {
        throw ModelError(model.name + ": " + label + " reads " + model.tensors[static_cast<size_t>(input)].name +
                         " before anything writes it");
      }
    }
    for (const int32_t output : model.operators[o].outputs) {
      check_index(model, output, "an output of " + label);
      if (written[static_cast<size_t>(output)]) {
        throw ModelError(model.name + ": " + label + " writes " + model.tensors[static_cast<size_t>(output)].name +
                         ", which is an input, a constant or written already");
      }
      written[static_cast<size_t>(output)] = true;
    }
  }
  for (const int32_t output : model.outputs) {
    check_index(model, output, "an output");
    if (!written[static_cast<size_t>(output)]) {
      throw ModelError(model.name + ": nothing writes output " + model.tensors[static_cast<size_t>(output)].name);
    }
  }
}

void check_counts(const Model& model, size_t index, const Lowering& lowering) {
  const Operator& op = model.operators[index];
  const std::string where = model.name + ": " + operator_label(model, index);
  if (op.inputs.size() < lowering.min_inputs || op.inputs.size() > lowering.max_inputs) {
    throw ModelError(where + " has " + plural(op.inputs.size(), "input") + "; it takes " +
                     (lowering.max_inputs == lowering.min_inputs ? std::to_string(lowering.min_inputs)
                      : lowering.max_inputs == kAnyNumber
                          ? std::to_string(lowering.min_inputs) + " or more"
                          : std::to_string(lowering.min_inputs) + " to " + std::to_string(lowering.max_inputs)));
  }
  const size_t required = lowering.max_inputs == kAnyNumber ? op.inputs.size() : lowering.min_inputs;
  for (size_t i = 0; i < required; ++i) {
    if (op.inputs[i] < 0) throw ModelError(where + " lacks its input " + std::to_string(i));
  }
  if (op.outputs.empty() || op.outputs.size() > lowering.max_outputs) {
    throw ModelError(where + " has " + plural(op.outputs.size(), "output") + "; it makes 1" +
                     (lowering.max_outputs == 1 ? "" : " or more"));
  }
}

/// Throws one message that lists every operator for which there is no lowering, or not on these types.
void check_supported(const Model& model) {
  std::map<std::tuple<std::string, int32_t, std::string>, size_t> unsupported;
  for (size_t o = 0; o < model.operators.size(); ++o) {
    const Operator& op = model.operators[o];
    const Lowering* lowering = find_lowering(op.code);
    const Types in = types_of(model, op.inputs);
    const Types out = types_of(model, op.outputs);
    if (lowering != nullptr) check_counts(model, o, *lowering);
    if (lowering != nullptr && lowering->types_fit(in, out)) continue;
    ++unsupported[{op.name(), op.version, list_of(in) + " -> " + list_of(out)}];
  }
  if (unsupported.empty()) return;
  std::string list;
  for (const auto& [what, times] : unsupported) {
    const auto& [name, version, types] = what;
    list += (list.empty() ? " " : "; ") + name + " version " + std::to_string(version) + " on " + types + " (" +
            plural(times, "time") + ")";
  }
  throw ModelError(model.name + ": " + (unsupported.size() == 1 ? "an operator is" : "some operators are") +
                   " not supported:" + list + ". Octet runs networks quantized to uint8 or int8, weights included");
}

void check_stateless(const Model& model) {
  for (const Operator& op : model.operators) {
    for (const int32_t input : op.inputs) {
      if (input < 0 || !model.tensors[static_cast<size_t>(input)].is_variable) continue;
      throw ModelError(model.name + ": tensor " + model.tensors[static_cast<size_t>(input)].name +
                       " keeps state from run to run, which is not supported");
    }
  }
}

/// A graph's outputs are tensors that a node writes: inputs and constants which the file lists as outputs are copied.
void copy_unwritten_outputs(Graph& graph) {
  for (int32_t& output : graph.outputs) {
    const Tensor& tensor = graph.tensors[static_cast<size_t>(output)];
    if (tensor.data.empty() && std::ranges::find(graph.inputs, output) == graph.inputs.end()) continue;
    if (!movable(tensor.type)) {
      throw ModelError(graph.name + ": output " + tensor.name + " is a constant of type " +
                       std::string(name_of(tensor.type)) + ", which is not supported");
    }
    Tensor copy = tensor;
    copy.data = {};
    const int64_t elements = element_count(copy.shape);
    graph.tensors.push_back(std::move(copy));
    const auto made = static_cast<int32_t>(graph.tensors.size() - 1);
    Move move;
    move.blocks.push_back({.extents = {elements}, .src_strides = {1}, .dst_strides = {1}});
    graph.nodes.push_back({.name = "COPY", .source = -1, .inputs = {output}, .outputs = {made}, .op = std::move(move)});
    output = made;
  }
}

}  // namespace

std::vector<int64_t> dense_strides(std::span<const int32_t> shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

void OpLowering::fail(const std::string& wrong) const {
  throw ModelError(model_.name + ": " + operator_label(model_, static_cast<size_t>(index_)) + ": " + wrong);
}

void OpLowering::require_rank(const Tensor& tensor, size_t rank) const {
  if (tensor.shape.size() == rank) return;
  fail(tensor.name + " has shape " + to_string(tensor.shape) + "; it must have " + std::to_string(rank) +
       " dimensions");
}

void OpLowering::require_shape(std::span<const int64_t> computed, size_t i) const {
  if (std::ranges::equal(computed, output(i).shape)) return;
  std::string should;
  for (const int64_t extent : computed) should += (should.empty() ? "" : "x") + std::to_string(extent);
  fail("output " + output(i).name + " has shape " + to_string(output(i).shape) + "; it must be " +
       (computed.empty() ? "scalar" : should));
}

void OpLowering::require_no_activation(Activation activation) const {
  require(activation == Activation::None, "a fused activation is not supported here; make it an operator of its own");
}

Scale OpLowering::scale_of(const Tensor& tensor) const {
  const Quantization& q = tensor.quantization;
  require(!q.scale.empty(), "tensor " + tensor.name + " is not quantized; it needs a scale and a zero point");
  require(q.scale.size() == 1 && q.zero_point.size() == 1,
          "tensor " + tensor.name + " has " + plural(q.scale.size(), "scale") + " and " +
              plural(q.zero_point.size(), "zero point") + "; here it must be one of each");
  const float scale = q.scale[0];
  require(std::isfinite(scale) && scale > 0,
          "tensor " + tensor.name + " has scale " + std::to_string(scale) + "; a scale must be positive and finite");
  const int64_t zero_point = q.zero_point[0];
  require(zero_point >= lowest(tensor.type) && zero_point <= highest(tensor.type),
          "tensor " + tensor.name + " has zero point " + std::to_string(zero_point) + ", which no " +
              std::string(name_of(tensor.type)) + " is");
  return {scale, static_cast<int32_t>(zero_point)};
}

FixedPoint OpLowering::rescale(double d, const std::string& what) const {
  const FixedPoint fixed = quantize_multiplier(d);
  require(fixed.shift <= 30, what + " is " + std::to_string(d) + "; the scales must make it less than 2^30");
  return fixed;
}

Clamp OpLowering::clamp_of(Activation activation, const Tensor& tensor) const {
  Clamp clamp{lowest(tensor.type), highest(tensor.type)};
  if (activation == Activation::None) return clamp;
  const Scale s = scale_of(tensor);
  // Saturated, so that tiny scales do not overflow.
  const auto quantized = [&](float f) {
    const float q = std::clamp(std::round(f / s.scale), -1024.0F, 1024.0F);
    return std::clamp(s.zero_point + static_cast<int32_t>(q), lowest(tensor.type), highest(tensor.type));
  };
  switch (activation) {
    case Activation::Relu:
      clamp.lo = quantized(0);
      return clamp;
    case Activation::Relu6:
      return {quantized(0), quantized(6)};
    case Activation::ReluN1To1:
      return {quantized(-1), quantized(1)};
    default:
      fail("its fused activation is number " + std::to_string(static_cast<int>(activation)) +
           "; RELU, RELU6 and RELU_N1_TO_1 are supported");
  }
}

std::vector<int64_t> OpLowering::integers(size_t i, const std::string& what) const {
  const Tensor& tensor = input(i);
  require(tensor.type == DataType::Int32 || tensor.type == DataType::Int64,
          "its " + what + " (" + tensor.name + ") is of type " + std::string(name_of(tensor.type)) +
              "; it must be INT32 or INT64");
  require(!tensor.data.empty(),
          "its " + what + " (" + tensor.name + ") is computed as the network runs; it must be a constant");
  std::vector<int64_t> values(static_cast<size_t>(element_count(tensor.shape)));
  for (size_t k = 0; k < values.size(); ++k) {
    if (tensor.type == DataType::Int64) {
      std::memcpy(&values[k], tensor.data.data() + k * 8, 8);
    } else {
      int32_t value = 0;
      std::memcpy(&value, tensor.data.data() + k * 4, 4);
      values[k] = value;
    }
  }
  return values;
}

int64_t OpLowering::integer(size_t i, const std::string& what) const {
  const std::vector<int64_t> values = integers(i, what);
  require(values.size() == 1, "its " + what + " has " + std::to_string(values.size()) + " elements; it must have 1");
  return values[0];
}

size_t OpLowering::axis(int64_t value, size_t rank) const {
  const auto dims = static_cast<int64_t>(rank);
  require(value >= -dims && value < dims,
          "axis " + std::to_string(value) + " is not one of a tensor with " + plural(rank, "dimension"));
  return static_cast<size_t>(value < 0 ? value + dims : value);
}

int32_t OpLowering::add_tensor(Tensor tensor) {
  graph_.tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(graph_.tensors.size() - 1);
}

void OpLowering::emit(Op op, std::vector<int32_t> inputs, std::vector<int32_t> outputs) {
  graph_.nodes.push_back({.name = this->op().name(),
                          .source = index_,
                          .inputs = std::move(inputs),
                          .outputs = std::move(outputs),
                          .op = std::move(op)});
}

void OpLowering::emit(Op op, size_t inputs) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < inputs; ++i) ids.push_back(input_id(i));
  emit(std::move(op), std::move(ids), {output_id()});
}

Graph lower(const Model& model) {
  for (size_t t = 0; t < model.tensors.size(); ++t) check_tensor(model, t);
  check_order(model);
  check_supported(model);
  check_stateless(model);

  Graph graph;
  graph.name = model.name;
  graph.tensors = model.tensors;
  graph.inputs = model.inputs;
  graph.outputs = model.outputs;
  if (model.storage) graph.storage.push_back(model.storage);
  for (size_t o = 0; o < model.operators.size(); ++o) {
    OpLowering op(model, static_cast<int32_t>(o), graph);
    find_lowering(model.operators[o].code)->lower(op);
  }
  copy_unwritten_outputs(graph);
  return graph;
}

namespace {

int64_t macs(const Convolution& op) {
  const int64_t pixels = op.transposed ? int64_t{op.in_h} * op.in_w : int64_t{op.out_h} * op.out_w;
  return op.batch * pixels * op.out_c * op.k_h * op.k_w * (op.in_c / op.groups);
}
int64_t macs(const Depthwise& op) { return int64_t{op.batch} * op.out_h * op.out_w * op.out_c * op.k_h * op.k_w; }
template <typename T>
int64_t macs(const T&) {
  return 0;
}

}  // namespace

int64_t macs_of(const Op& op) {
  return std::visit([](const auto& kind) { return macs(kind); }, op);
}

}  // namespace octet
