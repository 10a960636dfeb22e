#include "models/tflite_writer.h"

#include <tflite_generated.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace octet {
namespace {

namespace fb = octet::tflite;
using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using Offset = flatbuffers::Offset<T>;

constexpr uint32_t kSchemaVersion = 3;
constexpr size_t kMaxFileBytes = (size_t{1} << 31) - 1;
constexpr size_t kBufferAlignment = 16;
constexpr int32_t kLastOldCode = 127;  // what the old one-byte field says of numbers that it cannot hold

// ---- Options.

struct WrittenOptions {
  fb::BuiltinOptions type = fb::BuiltinOptions::NONE;
  Offset<void> table;
};

template <class Table>
WrittenOptions written(Offset<Table> table) {
  return {fb::BuiltinOptionsTraits<Table>::enum_value, table.Union()};
}

template <class T>
int8_t byte_of(T value) {
  return static_cast<int8_t>(value);
}

template <class Wanted>
const Wanted& options_of(const Operator& op) {
  if (const auto* options = std::get_if<Wanted>(&op.options)) return *options;
  throw ModelError("operator " + op.name() + " holds options of another operator's kind");
}

WrittenOptions write_conv(Builder& out, const Conv2DOptions& o) {
  return written(fb::CreateConv2DOptions(out, byte_of(o.padding), o.stride_w, o.stride_h, byte_of(o.activation),
                                         o.dilation_w, o.dilation_h));
}

WrittenOptions write_transpose_conv(Builder& out, const Conv2DOptions& o) {
  if (o.dilation_w != 1 || o.dilation_h != 1) throw ModelError("operator TRANSPOSE_CONV has dilations; there are none");
  return written(
      fb::CreateTransposeConvOptions(out, byte_of(o.padding), o.stride_w, o.stride_h, byte_of(o.activation)));
}

WrittenOptions write_depthwise(Builder& out, const DepthwiseConv2DOptions& o) {
  return written(fb::CreateDepthwiseConv2DOptions(out, byte_of(o.padding), o.stride_w, o.stride_h, o.depth_multiplier,
                                                  byte_of(o.activation), o.dilation_w, o.dilation_h));
}

WrittenOptions write_pool(Builder& out, const PoolOptions& o) {
  return written(fb::CreatePool2DOptions(out, byte_of(o.padding), o.stride_w, o.stride_h, o.filter_w, o.filter_h,
                                         byte_of(o.activation)));
}

WrittenOptions write_fully_connected(Builder& out, const FullyConnectedOptions& o) {
  return written(
      fb::CreateFullyConnectedOptions(out, byte_of(o.activation), o.shuffled_weights ? 1 : 0, o.keep_num_dims));
}

WrittenOptions write_strided_slice(Builder& out, const StridedSliceOptions& o) {
  return written(fb::CreateStridedSliceOptions(out, o.begin_mask, o.end_mask, o.ellipsis_mask, o.new_axis_mask,
                                               o.shrink_axis_mask));
}

WrittenOptions write_cast(Builder& out, const CastOptions& o) {
  if (!o.in && !o.out) return {};
  return written(fb::CreateCastOptions(out, byte_of(o.in.value_or(DataType::Float32)),
                                       byte_of(o.out.value_or(DataType::Float32))));
}

WrittenOptions write_concatenation(Builder& out, const ConcatenationOptions& o) {
  return written(fb::CreateConcatenationOptions(out, o.axis, byte_of(o.activation)));
}

WrittenOptions write_resize_bilinear(Builder& out, const ResizeOptions& o) {
  return written(fb::CreateResizeBilinearOptions(out, o.align_corners, o.half_pixel_centers));
}

WrittenOptions write_resize_nearest(Builder& out, const ResizeOptions& o) {
  return written(fb::CreateResizeNearestNeighborOptions(out, o.align_corners, o.half_pixel_centers));
}

WrittenOptions write_pack(Builder& out, const PackOptions& o) {
  return written(fb::CreatePackOptions(out, o.values_count, o.axis));
}

WrittenOptions write_unpack(Builder& out, const UnpackOptions& o) {
  return written(fb::CreateUnpackOptions(out, o.num, o.axis));
}

WrittenOptions write_gather(Builder& out, const GatherOptions& o) {
  return written(fb::CreateGatherOptions(out, o.axis, o.batch_dims));
}

WrittenOptions write_options(Builder& out, const Operator& op) {
  switch (op.code) {
    case OpCode::Conv2D:
      return write_conv(out, options_of<Conv2DOptions>(op));
    case OpCode::DepthwiseConv2D:
      return write_depthwise(out, options_of<DepthwiseConv2DOptions>(op));
    case OpCode::TransposeConv:
      return write_transpose_conv(out, options_of<Conv2DOptions>(op));
    case OpCode::AveragePool2D:
    case OpCode::MaxPool2D:
      return write_pool(out, options_of<PoolOptions>(op));
    case OpCode::FullyConnected:
      return write_fully_connected(out, options_of<FullyConnectedOptions>(op));
    case OpCode::Add:
      return written(fb::CreateAddOptions(out, byte_of(options_of<ElementwiseOptions>(op).activation)));
    case OpCode::Sub:
      return written(fb::CreateSubOptions(out, byte_of(options_of<ElementwiseOptions>(op).activation)));
    case OpCode::Mul:
      return written(fb::CreateMulOptions(out, byte_of(options_of<ElementwiseOptions>(op).activation)));
    case OpCode::L2Normalization:
      return written(fb::CreateL2NormOptions(out, byte_of(options_of<L2NormalizationOptions>(op).activation)));
    case OpCode::Concatenation:
      return write_concatenation(out, options_of<ConcatenationOptions>(op));
    case OpCode::Softmax:
      return written(fb::CreateSoftmaxOptions(out, options_of<SoftmaxOptions>(op).beta));
    case OpCode::Reshape:
      return written(fb::CreateReshapeOptions(out, out.CreateVector(options_of<ReshapeOptions>(op).new_shape)));
    case OpCode::Mean:
      return written(fb::CreateReducerOptions(out, options_of<MeanOptions>(op).keep_dims));
    case OpCode::Squeeze:
      return written(fb::CreateSqueezeOptions(out, out.CreateVector(options_of<SqueezeOptions>(op).squeeze_dims)));
    case OpCode::StridedSlice:
      return write_strided_slice(out, options_of<StridedSliceOptions>(op));
    case OpCode::Split:
      return written(fb::CreateSplitOptions(out, options_of<SplitOptions>(op).num_splits));
    case OpCode::Cast:
      return write_cast(out, options_of<CastOptions>(op));
    case OpCode::ArgMax:
      return written(fb::CreateArgMaxOptions(out, byte_of(options_of<ArgMaxOptions>(op).output_type)));
    case OpCode::SpaceToDepth:
      return written(fb::CreateSpaceToDepthOptions(out, options_of<BlockOptions>(op).block_size));
    case OpCode::DepthToSpace:
      return written(fb::CreateDepthToSpaceOptions(out, options_of<BlockOptions>(op).block_size));
    case OpCode::ResizeBilinear:
      return write_resize_bilinear(out, options_of<ResizeOptions>(op));
    case OpCode::ResizeNearestNeighbor:
      return write_resize_nearest(out, options_of<ResizeOptions>(op));
    case OpCode::LeakyRelu:
      return written(fb::CreateLeakyReluOptions(out, options_of<LeakyReluOptions>(op).alpha));
    case OpCode::Pack:
      return write_pack(out, options_of<PackOptions>(op));
    case OpCode::Unpack:
      return write_unpack(out, options_of<UnpackOptions>(op));
    case OpCode::Gather:
      return write_gather(out, options_of<GatherOptions>(op));
    default:
      options_of<NoOptions>(op);
      return {};
  }
}

// ---- The file.

// Generous, so that the builder, which only asserts its own limit, never meets it.
size_t upper_bound_bytes(const Model& model) {
  constexpr size_t kTable = 512;  // a table, its vtable, its vectors' lengths, padding
  size_t total = kTable + model.description.size() + 4 * (model.inputs.size() + model.outputs.size());
  for (const Tensor& tensor : model.tensors)
    total += kTable + tensor.name.size() + 4 * tensor.shape.size() + 12 * tensor.quantization.scale.size() +
             8 * tensor.quantization.zero_point.size();
  for (const Operator& op : model.operators)
    total += kTable + op.custom_name.size() + op.custom_options.size() + 4 * (op.inputs.size() + op.outputs.size());
  return total;
}

class Writer {
 public:
  explicit Writer(const Model& model) : model_(model) {}

  std::vector<std::byte> write() {
    number_buffers();
    number_codes();
    const auto buffers = write_buffers();
    const auto graph = out_.CreateVector(std::vector{write_graph()});
    const auto codes = write_codes();
    const auto description = out_.CreateString(model_.description);
    fb::FinishFileBuffer(out_, fb::CreateFile(out_, kSchemaVersion, codes, graph, description, buffers));
    const auto bytes = std::as_bytes(std::span(out_.GetBufferPointer(), out_.GetSize()));
    return {bytes.begin(), bytes.end()};
  }

 private:
  // -- Buffers. Number 0 is empty: by convention the one that activations refer to.

  void number_buffers() {
    size_t total = upper_bound_bytes(model_);
    std::map<std::pair<const std::byte*, size_t>, uint32_t> numbers;  // same memory, same buffer
    for (const Tensor& tensor : model_.tensors) {
      if (tensor.data.empty()) {
        buffer_of_.push_back(0);
        continue;
      }
      const auto next = static_cast<uint32_t>(contents_.size() + 1);
      const auto [found, is_new] = numbers.try_emplace({tensor.data.data(), tensor.data.size()}, next);
      if (is_new) {
        contents_.push_back(tensor.data);
        total += tensor.data.size() + kBufferAlignment;
      }
      buffer_of_.push_back(found->second);
    }
    if (total > kMaxFileBytes)
      throw ModelError("model " + model_.name + ": takes 2 GiB or more; the format cannot hold it");
  }

  Offset<flatbuffers::Vector<Offset<fb::Buffer>>> write_buffers() {
    std::vector<Offset<fb::Buffer>> buffers = {fb::CreateBuffer(out_)};
    for (const auto& bytes : contents_) {
      out_.ForceVectorAlignment(bytes.size(), 1, kBufferAlignment);
      const auto data = out_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      buffers.push_back(fb::CreateBuffer(out_, data));
    }
    return out_.CreateVector(buffers);
  }

  // -- Operator codes: one each for number, version and custom name, in order of first use.

  struct Code {
    OpCode code;
    int32_t version;
    std::string custom_name;
    auto operator<=>(const Code&) const = default;
  };

  void number_codes() {
    std::map<Code, uint32_t> numbers;
    for (const Operator& op : model_.operators) {
      const Code code{op.code, op.version, op.custom_name};
      const auto [found, is_new] = numbers.try_emplace(code, static_cast<uint32_t>(codes_.size()));
      if (is_new) codes_.push_back(code);
      code_of_.push_back(found->second);
    }
  }

  Offset<flatbuffers::Vector<Offset<fb::OperatorCode>>> write_codes() {
    std::vector<Offset<fb::OperatorCode>> codes;
    for (const Code& code : codes_) {
      const auto number = static_cast<int32_t>(code.code);
      const auto name = code.custom_name.empty() ? Offset<flatbuffers::String>() : out_.CreateString(code.custom_name);
      const auto old_number = byte_of(std::min(number, kLastOldCode));
      codes.push_back(fb::CreateOperatorCode(out_, old_number, name, code.version, number));
    }
    return out_.CreateVector(codes);
  }

  // -- The graph.

  Offset<fb::SubGraph> write_graph() {
    std::vector<Offset<fb::Tensor>> tensors;
    for (size_t i = 0; i < model_.tensors.size(); ++i)
      tensors.push_back(write_tensor(model_.tensors[i], buffer_of_[i]));
    std::vector<Offset<fb::Operator>> operators;
    for (size_t i = 0; i < model_.operators.size(); ++i)
      operators.push_back(write_operator(model_.operators[i], code_of_[i]));
    const auto tensor_list = out_.CreateVector(tensors);
    const auto inputs = out_.CreateVector(model_.inputs);
    const auto outputs = out_.CreateVector(model_.outputs);
    const auto operator_list = out_.CreateVector(operators);
    return fb::CreateSubGraph(out_, tensor_list, inputs, outputs, operator_list, out_.CreateString("main"));
  }

  Offset<fb::Quantization> write_quantization(const Quantization& quantization) {
    if (quantization.scale.empty()) return {};
    const auto scale = out_.CreateVector(quantization.scale);
    const auto zero_point = out_.CreateVector(quantization.zero_point);
    return fb::CreateQuantization(out_, scale, zero_point, fb::QuantizationDetails::NONE, 0, quantization.axis);
  }

  Offset<fb::Tensor> write_tensor(const Tensor& tensor, uint32_t buffer) {
    const auto shape = out_.CreateVector(tensor.shape);
    const auto name = out_.CreateString(tensor.name);
    const auto quantization = write_quantization(tensor.quantization);
    constexpr bool kHasRank = true;  // so that [] is a scalar, not an unknown shape
    return fb::CreateTensor(out_, shape, byte_of(tensor.type), buffer, name, quantization, tensor.is_variable, 0,
                            kHasRank);
  }

  Offset<flatbuffers::Vector<uint8_t>> write_bytes(const std::vector<std::byte>& bytes) {
    if (bytes.empty()) return {};
    return out_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }

  Offset<fb::Operator> write_operator(const Operator& op, uint32_t code) {
    const auto inputs = out_.CreateVector(op.inputs);
    const auto outputs = out_.CreateVector(op.outputs);
    const auto options = write_options(out_, op);
    const auto custom = write_bytes(op.custom_options);
    return fb::CreateOperator(out_, code, inputs, outputs, options.type, options.table, custom);
  }

  const Model& model_;
  Builder out_;
  std::vector<std::span<const std::byte>> contents_;  // of buffers 1, 2, ...
  std::vector<uint32_t> buffer_of_;                   // a tensor
  std::vector<Code> codes_;
  std::vector<uint32_t> code_of_;  // an operator
};

}  // namespace

std::vector<std::byte> write_tflite(const Model& model) { return Writer(model).write(); }

}  // namespace octet
