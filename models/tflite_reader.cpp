#include "models/tflite_reader.h"

#include <tflite_generated.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

namespace octet {
namespace {

namespace fb = octet::tflite;

static_assert(std::endian::native == std::endian::little, "constants are used as the file holds them: little-endian");

constexpr size_t kMaxFileBytes = (size_t{1} << 31) - 1;  // offsets in a flatbuffer are 31 bits
constexpr int64_t kMaxTensorBytes = (int64_t{1} << 31) - 1;
constexpr size_t kMaxRank = 8;         // no operator of the format takes more
constexpr int32_t kMaxWindow = 65535;  // strides, dilations, filter sizes
constexpr size_t kStorageAlignment = 64;
constexpr uint32_t kSchemaVersion = 3;

// ---- How many tensors an operator takes and gives.

constexpr size_t kAny = std::numeric_limits<size_t>::max();

struct Arity {
  OpCode code;
  size_t min_inputs, max_inputs;  // inputs from min_inputs on may be absent (-1), unless max_inputs is kAny
  size_t min_outputs, max_outputs;
};

constexpr Arity kArities[] = {
    {OpCode::Add, 2, 2, 1, 1},
    {OpCode::AveragePool2D, 1, 1, 1, 1},
    {OpCode::Concatenation, 1, kAny, 1, 1},
    {OpCode::Conv2D, 2, 3, 1, 1},
    {OpCode::DepthwiseConv2D, 2, 3, 1, 1},
    {OpCode::DepthToSpace, 1, 1, 1, 1},
    {OpCode::Dequantize, 1, 1, 1, 1},
    {OpCode::FullyConnected, 2, 3, 1, 2},  // the second output: scratch for shuffled weights
    {OpCode::L2Normalization, 1, 1, 1, 1},
    {OpCode::Logistic, 1, 1, 1, 1},
    {OpCode::MaxPool2D, 1, 1, 1, 1},
    {OpCode::Mul, 2, 2, 1, 1},
    {OpCode::Relu, 1, 1, 1, 1},
    {OpCode::ReluN1To1, 1, 1, 1, 1},
    {OpCode::Relu6, 1, 1, 1, 1},
    {OpCode::Reshape, 1, 2, 1, 1},
    {OpCode::ResizeBilinear, 2, 2, 1, 1},
    {OpCode::Softmax, 1, 1, 1, 1},
    {OpCode::SpaceToDepth, 1, 1, 1, 1},
    {OpCode::Tanh, 1, 1, 1, 1},
    {OpCode::Pad, 2, 2, 1, 1},
    {OpCode::Gather, 2, 2, 1, 1},
    {OpCode::Transpose, 2, 2, 1, 1},
    {OpCode::Mean, 2, 2, 1, 1},
    {OpCode::Sub, 2, 2, 1, 1},
    {OpCode::Squeeze, 1, 1, 1, 1},
    {OpCode::StridedSlice, 4, 4, 1, 1},
    {OpCode::Split, 2, 2, 1, kAny},
    {OpCode::Cast, 1, 1, 1, 1},
    {OpCode::Prelu, 2, 2, 1, 1},
    {OpCode::ArgMax, 2, 2, 1, 1},
    {OpCode::PadV2, 3, 3, 1, 1},
    {OpCode::Slice, 3, 3, 1, 1},
    {OpCode::TransposeConv, 3, 4, 1, 1},
    {OpCode::Tile, 2, 2, 1, 1},
    {OpCode::ExpandDims, 2, 2, 1, 1},
    {OpCode::Pack, 1, kAny, 1, 1},
    {OpCode::Unpack, 1, 1, 1, kAny},
    {OpCode::ResizeNearestNeighbor, 2, 2, 1, 1},
    {OpCode::LeakyRelu, 1, 1, 1, 1},
    {OpCode::Quantize, 1, 1, 1, 1},
    {OpCode::HardSwish, 1, 1, 1, 1},
};

const Arity* find_arity(OpCode code) {
  const auto found = std::ranges::find(kArities, code, &Arity::code);
  return found == std::end(kArities) ? nullptr : &*found;
}

std::string count_text(size_t min, size_t max) {
  if (max == kAny) return "at least " + std::to_string(min);
  if (min == max) return std::to_string(min);
  return std::to_string(min) + " to " + std::to_string(max);
}

// ---- Errors.

// A name from the file, fit for one line of text.
std::string printable(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string out(text.substr(0, kLongest));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text.size() > kLongest ? out + "..." : out;
}

// The place in the file that an error names.
class Where {
 public:
  explicit Where(std::string place) : place_(std::move(place)) {}
  [[noreturn]] void fail(const std::string& what) const { throw ModelError(place_ + ": " + what); }
  Where inside(const std::string& part) const { return Where(place_ + ": " + part); }

 private:
  std::string place_;
};

// ---- Flatbuffer access.

template <class T>
size_t size_of_vector(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

std::string_view text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

// Pieces of a flatbuffer may be shared, so a small file could ask for a large Model. What is copied out may be a few
// times what the file holds, no more.
class CopyBudget {
 public:
  explicit CopyBudget(size_t file_bytes) : left_(4 * file_bytes + 4096) {}

  void spend(size_t bytes, const Where& where) {
    if (bytes > left_) where.fail("the file shares its pieces too often: it would grow far beyond its own size");
    left_ -= bytes;
  }

  // Copied bytewise: 64-bit elements need not be aligned in a file that verifies.
  template <class T>
  std::vector<T> copy(const flatbuffers::Vector<T>* vector, const Where& where) {
    const size_t count = size_of_vector(vector);
    spend(count * sizeof(T), where);
    std::vector<T> out(count);
    if (count != 0) std::memcpy(out.data(), vector->Data(), count * sizeof(T));
    return out;
  }

  std::string copy(const flatbuffers::String* text, const Where& where) {
    const std::string_view view = text_of(text);
    spend(view.size(), where);
    return std::string(view);
  }

 private:
  size_t left_;
};

// ---- Options.

// The options of `op`. Where the file has none, an empty table: its fields are the format's defaults.
template <class Table>
const Table& options_table(const fb::Operator& op, const Where& where) {
  alignas(8) static constexpr uint8_t kEmpty[] = {4, 0, 4, 0, 4, 0, 0, 0};  // vtable without fields, then the table
  constexpr fb::BuiltinOptions kExpected = fb::BuiltinOptionsTraits<Table>::enum_value;
  const fb::BuiltinOptions type = op.options_type();
  if (type == fb::BuiltinOptions::NONE || op.options() == nullptr)
    return *reinterpret_cast<const Table*>(static_cast<const uint8_t*>(kEmpty) + 4);
  if (type != kExpected)
    where.fail("has options of type " + std::to_string(static_cast<int>(type)) + "; this operator's are of type " +
               std::to_string(static_cast<int>(kExpected)));
  return *static_cast<const Table*>(op.options());
}

int32_t window(int32_t value, const char* field, const Where& where) {
  if (value < 1 || value > kMaxWindow)
    where.fail(std::string(field) + " is " + std::to_string(value) + "; it must be 1 to " + std::to_string(kMaxWindow));
  return value;
}

int32_t at_least_one(int32_t value, const char* field, const Where& where) {
  if (value < 1) where.fail(std::string(field) + " is " + std::to_string(value) + "; it must be at least 1");
  return value;
}

float finite(float value, const char* field, const Where& where) {
  if (!std::isfinite(value)) where.fail(std::string(field) + " is not a finite number");
  return value;
}

Padding padding(int8_t value, const Where& where) {
  if (value != 0 && value != 1)
    where.fail("padding is " + std::to_string(value) + "; it must be 0 (SAME) or 1 (VALID)");
  return static_cast<Padding>(value);
}

Activation activation(int8_t value, const Where& where) {
  if (value < 0 || value > static_cast<int8_t>(Activation::SignBit))
    where.fail("fused activation is " + std::to_string(value) + "; it must be 0 to 5");
  return static_cast<Activation>(value);
}

DataType data_type(int8_t value, const char* field, const Where& where) {
  if (value < 0 || value > static_cast<int8_t>(DataType::Int4))
    where.fail(std::string(field) + " is " + std::to_string(value) + "; known types are 0 to 17");
  return static_cast<DataType>(value);
}

template <class Options, class Table>
Options read_strides(const Table& table, const Where& where) {
  Options out;
  out.padding = padding(table.padding(), where);
  out.stride_w = window(table.stride_w(), "stride_w", where);
  out.stride_h = window(table.stride_h(), "stride_h", where);
  out.activation = activation(table.activation(), where);
  return out;
}

template <class Options, class Table>
Options read_dilated(const Table& table, const Where& where) {
  auto out = read_strides<Options>(table, where);
  out.dilation_w = window(table.dilation_w(), "dilation_w", where);
  out.dilation_h = window(table.dilation_h(), "dilation_h", where);
  return out;
}

Options read_conv(const fb::Operator& op, const Where& where) {
  return read_dilated<Conv2DOptions>(options_table<fb::Conv2DOptions>(op, where), where);
}

Options read_transpose_conv(const fb::Operator& op, const Where& where) {
  return read_strides<Conv2DOptions>(options_table<fb::TransposeConvOptions>(op, where), where);
}

Options read_depthwise(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::DepthwiseConv2DOptions>(op, where);
  auto out = read_dilated<DepthwiseConv2DOptions>(table, where);
  out.depth_multiplier = table.depth_multiplier();
  return out;
}

Options read_pool(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::Pool2DOptions>(op, where);
  auto out = read_strides<PoolOptions>(table, where);
  out.filter_w = window(table.filter_w(), "filter_width", where);
  out.filter_h = window(table.filter_h(), "filter_height", where);
  return out;
}

Options read_fully_connected(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::FullyConnectedOptions>(op, where);
  const int8_t format = table.weights_format();
  if (format != 0 && format != 1) where.fail("weights_format is " + std::to_string(format) + "; it must be 0 or 1");
  return FullyConnectedOptions{activation(table.activation(), where), table.keep_num_dims(), format == 1};
}

template <class Out, class Table>
Options read_activation(const fb::Operator& op, const Where& where) {
  return Out{activation(options_table<Table>(op, where).activation(), where)};
}

Options read_concatenation(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::ConcatenationOptions>(op, where);
  return ConcatenationOptions{table.axis(), activation(table.activation(), where)};
}

Options read_softmax(const fb::Operator& op, const Where& where) {
  const float beta = finite(options_table<fb::SoftmaxOptions>(op, where).beta(), "beta", where);
  if (beta <= 0) where.fail("beta is " + std::to_string(beta) + "; it must be above 0");
  return SoftmaxOptions{beta};
}

Options read_strided_slice(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::StridedSliceOptions>(op, where);
  if (table.offset()) where.fail("option `offset` (ends relative to begins) is not supported");
  return StridedSliceOptions{table.begin_mask(), table.end_mask(), table.ellipsis_mask(), table.new_axis_mask(),
                             table.shrink_axis_mask()};
}

Options read_cast(const fb::Operator& op, const Where& where) {
  if (op.options() == nullptr) return CastOptions{};
  const auto& table = options_table<fb::CastOptions>(op, where);
  return CastOptions{data_type(table.in_type(), "in_data_type", where),
                     data_type(table.out_type(), "out_data_type", where)};
}

Options read_arg_max(const fb::Operator& op, const Where& where) {
  const auto type = data_type(options_table<fb::ArgMaxOptions>(op, where).output_type(), "output_type", where);
  if (type != DataType::Int32 && type != DataType::Int64)
    where.fail("output_type is " + std::string(name_of(type)) + "; it must be INT32 or INT64");
  return ArgMaxOptions{type};
}

template <class Table>
Options read_block(const fb::Operator& op, const Where& where) {
  return BlockOptions{window(options_table<Table>(op, where).block_size(), "block_size", where)};
}

template <class Table>
Options read_resize(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<Table>(op, where);
  return ResizeOptions{table.align_corners(), table.half_pixel_centers()};
}

Options read_pack(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::PackOptions>(op, where);
  return PackOptions{at_least_one(table.values_count(), "values_count", where), table.axis()};
}

Options read_unpack(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::UnpackOptions>(op, where);
  return UnpackOptions{at_least_one(table.num(), "num", where), table.axis()};
}

Options read_gather(const fb::Operator& op, const Where& where) {
  const auto& table = options_table<fb::GatherOptions>(op, where);
  return GatherOptions{table.axis(), table.batch_dims()};
}

Options read_options(OpCode code, const fb::Operator& op, CopyBudget& budget, const Where& where) {
  switch (code) {
    case OpCode::Conv2D:
      return read_conv(op, where);
    case OpCode::DepthwiseConv2D:
      return read_depthwise(op, where);
    case OpCode::TransposeConv:
      return read_transpose_conv(op, where);
    case OpCode::AveragePool2D:
    case OpCode::MaxPool2D:
      return read_pool(op, where);
    case OpCode::FullyConnected:
      return read_fully_connected(op, where);
    case OpCode::Add:
      return read_activation<ElementwiseOptions, fb::AddOptions>(op, where);
    case OpCode::Sub:
      return read_activation<ElementwiseOptions, fb::SubOptions>(op, where);
    case OpCode::Mul:
      return read_activation<ElementwiseOptions, fb::MulOptions>(op, where);
    case OpCode::L2Normalization:
      return read_activation<L2NormalizationOptions, fb::L2NormOptions>(op, where);
    case OpCode::Concatenation:
      return read_concatenation(op, where);
    case OpCode::Softmax:
      return read_softmax(op, where);
    case OpCode::Reshape:
      return ReshapeOptions{budget.copy(options_table<fb::ReshapeOptions>(op, where).new_shape(), where)};
    case OpCode::Mean:
      return MeanOptions{options_table<fb::ReducerOptions>(op, where).keep_dims()};
    case OpCode::Squeeze:
      return SqueezeOptions{budget.copy(options_table<fb::SqueezeOptions>(op, where).squeeze_dims(), where)};
    case OpCode::StridedSlice:
      return read_strided_slice(op, where);
    case OpCode::Split:
      return SplitOptions{at_least_one(options_table<fb::SplitOptions>(op, where).num_splits(), "num_splits", where)};
    case OpCode::Cast:
      return read_cast(op, where);
    case OpCode::ArgMax:
      return read_arg_max(op, where);
    case OpCode::SpaceToDepth:
      return read_block<fb::SpaceToDepthOptions>(op, where);
    case OpCode::DepthToSpace:
      return read_block<fb::DepthToSpaceOptions>(op, where);
    case OpCode::ResizeBilinear:
      return read_resize<fb::ResizeBilinearOptions>(op, where);
    case OpCode::ResizeNearestNeighbor:
      return read_resize<fb::ResizeNearestNeighborOptions>(op, where);
    case OpCode::LeakyRelu:
      return LeakyReluOptions{finite(options_table<fb::LeakyReluOptions>(op, where).alpha(), "alpha", where)};
    case OpCode::Pack:
      return read_pack(op, where);
    case OpCode::Unpack:
      return read_unpack(op, where);
    case OpCode::Gather:
      return read_gather(op, where);
    default:
      return NoOptions{};  // none in the format, or an operator that Octet does not name
  }
}

// ---- Tensors.

struct Range {
  int64_t min, max;
};

// Where zero points of a type may lie.
Range zero_point_range(DataType type) {
  switch (type) {
    case DataType::Int8:
      return {-128, 127};
    case DataType::UInt8:
      return {0, 255};
    case DataType::Int16:
      return {-32768, 32767};
    case DataType::Int4:
      return {-8, 7};
    case DataType::Int32:
    case DataType::Int64:
      return {0, 0};
    default:
      return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

void check_scales(const std::vector<float>& scales, const Where& where) {
  for (size_t i = 0; i < scales.size(); ++i) {
    if (!std::isfinite(scales[i]) || scales[i] <= 0)
      where.fail("scale " + std::to_string(i) + " is " + std::to_string(scales[i]) +
                 "; scales must be finite and above 0");
  }
}

void check_zero_points(const std::vector<int64_t>& zero_points, DataType type, const Where& where) {
  const Range range = zero_point_range(type);
  for (int64_t zero_point : zero_points) {
    if (zero_point < range.min || zero_point > range.max)
      where.fail("zero point " + std::to_string(zero_point) + " of type " + std::string(name_of(type)) +
                 "; it must be " + std::to_string(range.min) + " to " + std::to_string(range.max));
  }
}

// Several scales: one each for the extent along the axis. One scale: the axis means nothing, and files may say
// anything.
void check_axis(Quantization& quantization, const std::vector<int32_t>& shape, const Where& where) {
  const int32_t axis = quantization.axis;
  const bool in_range = axis >= 0 && static_cast<size_t>(axis) < shape.size();
  if (quantization.scale.size() == 1) {
    if (!in_range) quantization.axis = 0;
    return;
  }
  if (!in_range) where.fail("quantized dimension " + std::to_string(axis) + " is outside shape " + to_string(shape));
  if (quantization.scale.size() != static_cast<size_t>(shape[axis]))
    where.fail(std::to_string(quantization.scale.size()) + " scales along dimension " + std::to_string(axis) +
               " of shape " + to_string(shape) + "; one, or one each, would work");
}

Quantization read_quantization(const fb::Tensor& tensor, const Tensor& so_far, CopyBudget& budget, const Where& where) {
  Quantization out;
  const fb::Quantization* in = tensor.quantization();
  if (in == nullptr) return out;
  if (in->details_type() != fb::QuantizationDetails::NONE)
    where.fail("has a quantization scheme other than scales and zero points; re-convert with affine quantization");
  out.scale = budget.copy(in->scale(), where);
  if (out.scale.empty()) return out;  // only ranges seen in training: not quantized
  out.zero_point = budget.copy(in->zero_point(), where);
  out.axis = in->quantized_dimension();
  if (out.zero_point.size() != out.scale.size())
    where.fail(std::to_string(out.scale.size()) + " scales but " + std::to_string(out.zero_point.size()) +
               " zero points; their counts must agree");
  check_axis(out, so_far.shape, where);
  check_scales(out.scale, where);
  check_zero_points(out.zero_point, so_far.type, where);
  return out;
}

// Bytes that contents of this shape and type take; -1 where the type does not say.
int64_t byte_count(int64_t elements, DataType type) {
  if (type == DataType::Int4) return (elements + 1) / 2;
  const auto size = static_cast<int64_t>(size_of(type));
  return size == 0 ? -1 : elements * size;
}

std::vector<int32_t> read_shape(const fb::Tensor& tensor, DataType type, CopyBudget& budget, const Where& where) {
  if (size_of_vector(tensor.shape()) > kMaxRank)
    where.fail("has " + std::to_string(tensor.shape()->size()) + " dimensions; at most " + std::to_string(kMaxRank) +
               " are supported");
  auto shape = budget.copy(tensor.shape(), where);
  for (int32_t extent : shape) {
    if (extent < 1)
      where.fail("shape " + to_string(shape) + " has an extent below 1; convert the model with a fixed input shape");
  }
  int64_t elements = 0;
  try {
    elements = element_count(shape);
  } catch (const ModelError& error) {
    where.fail(error.what());
  }
  if (byte_count(elements, type) > kMaxTensorBytes)
    where.fail("shape " + to_string(shape) + " of " + std::string(name_of(type)) + " takes 2 GiB or more");
  return shape;
}

// ---- The order of operators.

enum class Origin : uint8_t { Nowhere, Constant, Variable, Input, Operator };

class Reader {
 public:
  Reader(const fb::File& file, size_t file_bytes, const Where& where)
      : file_(file), where_(where), budget_(file_bytes) {}

  Model read() {
    check_file();
    model_.description = budget_.copy(file_.description(), where_);
    const fb::SubGraph& graph = *file_.subgraphs()->Get(0);
    read_tensors(graph);
    read_inputs(graph);
    read_operators(graph);
    read_outputs(graph);
    return std::move(model_);
  }

 private:
  void check_file() const {
    if (file_.version() != kSchemaVersion)
      where_.fail("schema version " + std::to_string(file_.version()) + "; only version 3 is supported");
    if (size_of_vector(file_.subgraphs()) == 0) where_.fail("holds no graph");
  }

  // -- Tensors.

  Where at_tensor(size_t index, std::string_view name) const {
    return where_.inside("tensor " + std::to_string(index) + " (" + printable(name) + ")");
  }

  void read_tensors(const fb::SubGraph& graph) {
    const size_t count = size_of_vector(graph.tensors());
    model_.tensors.reserve(count);
    origins_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const fb::Tensor& in = *graph.tensors()->Get(i);
      model_.tensors.push_back(read_tensor(in, at_tensor(i, text_of(in.name()))));
      origins_.push_back(origin_of(model_.tensors.back()));
    }
  }

  static Origin origin_of(const Tensor& tensor) {
    if (!tensor.data.empty()) return Origin::Constant;
    return tensor.is_variable ? Origin::Variable : Origin::Nowhere;
  }

  Tensor read_tensor(const fb::Tensor& in, const Where& where) {
    Tensor out;
    out.name = budget_.copy(in.name(), where);
    out.type = data_type(in.type(), "type", where);
    out.shape = read_shape(in, out.type, budget_, where);
    out.quantization = read_quantization(in, out, budget_, where);
    out.data = contents(in, where);
    out.is_variable = in.is_variable();
    if (!out.data.empty()) check_contents(out, in, where);
    return out;
  }

  std::span<const std::byte> contents(const fb::Tensor& in, const Where& where) const {
    if (in.external_buffer() != 0)
      where.fail("its contents lie in another file; only self-contained files are supported");
    const size_t buffers = size_of_vector(file_.buffers());
    if (in.buffer() == 0 && buffers == 0) return {};
    if (in.buffer() >= buffers)
      where.fail("buffer " + std::to_string(in.buffer()) + " does not exist; the file has " + std::to_string(buffers));
    const fb::Buffer& buffer = *file_.buffers()->Get(in.buffer());
    if (buffer.offset() > 1)
      where.fail("its contents lie behind the flatbuffer, as in files beyond 2 GiB; such files are not supported");
    if (size_of_vector(buffer.data()) == 0) return {};
    return std::as_bytes(std::span(buffer.data()->Data(), buffer.data()->size()));
  }

  static void check_contents(const Tensor& tensor, const fb::Tensor& in, const Where& where) {
    if (in.sparsity() != nullptr) where.fail("its contents are sparse; convert the model with dense weights");
    if (tensor.is_variable) where.fail("is a variable with contents; variables start empty");
    const int64_t expected = byte_count(element_count(tensor.shape), tensor.type);
    if (expected >= 0 && static_cast<size_t>(expected) != tensor.data.size())
      where.fail("its buffer holds " + std::to_string(tensor.data.size()) + " bytes; shape " + to_string(tensor.shape) +
                 " of " + std::string(name_of(tensor.type)) + " takes " + std::to_string(expected));
  }

  // -- Operators.

  void read_operators(const fb::SubGraph& graph) {
    const size_t count = size_of_vector(graph.operators());
    model_.operators.reserve(count);
    for (size_t i = 0; i < count; ++i) read_operator(*graph.operators()->Get(i), i);
  }

  void read_operator(const fb::Operator& in, size_t index) {
    Operator out;
    const Where at_index = where_.inside("operator " + std::to_string(index));
    read_code(in, out, at_index);
    const Where where = where_.inside("operator " + std::to_string(index) + " (" + printable(out.name()) + ")");
    out.inputs = budget_.copy(in.inputs(), where);
    out.outputs = budget_.copy(in.outputs(), where);
    check_arity(out, where);
    out.options = read_options(out.code, in, budget_, where);
    check_counts(out, where);
    if (in.large_custom_options_offset() > 1)
      where.fail("its options lie behind the flatbuffer, as in files beyond 2 GiB; such files are not supported");
    const auto custom = budget_.copy(in.custom_options(), where);
    const auto custom_bytes = std::as_bytes(std::span(custom));
    out.custom_options.assign(custom_bytes.begin(), custom_bytes.end());
    for (size_t i = 0; i < out.inputs.size(); ++i) read_tensor_of(out, i, where);
    for (int32_t tensor : out.outputs) write_tensor(tensor, where);
    model_.operators.push_back(std::move(out));
  }

  void read_code(const fb::Operator& in, Operator& out, const Where& where) {
    const size_t codes = size_of_vector(file_.operator_codes());
    if (in.opcode_index() >= codes)
      where.fail("operator code " + std::to_string(in.opcode_index()) + " does not exist; the file has " +
                 std::to_string(codes));
    const fb::OperatorCode& code = *file_.operator_codes()->Get(in.opcode_index());
    // Files keep numbers below 127 in the old field too; older files have only that one.
    const int32_t number = std::max<int32_t>(code.deprecated_builtin_code(), code.builtin_code());
    if (number < 0) where.fail("operator number " + std::to_string(number) + " is negative");
    out.code = static_cast<OpCode>(number);
    out.version = code.version();
    if (out.version < 1) where.fail("operator version " + std::to_string(out.version) + "; versions begin at 1");
    if (out.code != OpCode::Custom) return;
    out.custom_name = budget_.copy(code.custom_code(), where);
    if (out.custom_name.empty()) where.fail("is a custom operator without a name");
  }

  static void check_arity(const Operator& op, const Where& where) {
    const Arity* arity = find_arity(op.code);
    if (arity == nullptr) return;
    if (op.inputs.size() < arity->min_inputs || op.inputs.size() > arity->max_inputs)
      where.fail("has " + std::to_string(op.inputs.size()) + " inputs; it takes " +
                 count_text(arity->min_inputs, arity->max_inputs));
    if (op.outputs.size() < arity->min_outputs || op.outputs.size() > arity->max_outputs)
      where.fail("has " + std::to_string(op.outputs.size()) + " outputs; it gives " +
                 count_text(arity->min_outputs, arity->max_outputs));
  }

  // Counts that options repeat.
  static void check_counts(const Operator& op, const Where& where) {
    const auto agree = [&](int32_t option, size_t tensors, const char* what) {
      if (static_cast<size_t>(option) != tensors)
        where.fail("its options say " + std::to_string(option) + " " + what + ", but it has " +
                   std::to_string(tensors));
    };
    if (const auto* split = std::get_if<SplitOptions>(&op.options))
      agree(split->num_splits, op.outputs.size(), "outputs");
    if (const auto* pack = std::get_if<PackOptions>(&op.options)) agree(pack->values_count, op.inputs.size(), "inputs");
    if (const auto* unpack = std::get_if<UnpackOptions>(&op.options)) agree(unpack->num, op.outputs.size(), "outputs");
  }

  static bool may_be_absent(const Operator& op, size_t input) {
    const Arity* arity = find_arity(op.code);
    return arity == nullptr || (arity->max_inputs != kAny && input >= arity->min_inputs);
  }

  std::string describe(int32_t tensor) const {
    return "tensor " + std::to_string(tensor) + " (" + printable(model_.tensors[tensor].name) + ")";
  }

  void check_index(int32_t tensor, const char* role, const Where& where) const {
    if (tensor < 0 || static_cast<size_t>(tensor) >= model_.tensors.size())
      where.fail(std::string(role) + " tensor " + std::to_string(tensor) + " does not exist; the graph has " +
                 std::to_string(model_.tensors.size()));
  }

  void read_tensor_of(const Operator& op, size_t input, const Where& where) const {
    const int32_t tensor = op.inputs[input];
    if (tensor == -1) {
      if (!may_be_absent(op, input)) where.fail("input " + std::to_string(input) + " is absent, but it is required");
      return;
    }
    check_index(tensor, "input", where);
    if (origins_[tensor] == Origin::Nowhere)
      where.fail("reads " + describe(tensor) +
                 ", which nothing before it writes; operators must be in execution order");
  }

  void write_tensor(int32_t tensor, const Where& where) {
    check_index(tensor, "output", where);
    Origin& origin = origins_[tensor];
    if (origin == Origin::Constant) where.fail("writes " + describe(tensor) + ", a constant");
    if (origin == Origin::Input) where.fail("writes " + describe(tensor) + ", an input of the graph");
    if (origin == Origin::Operator) where.fail("writes " + describe(tensor) + ", which is written already");
    origin = Origin::Operator;
  }

  // -- The graph's own inputs and outputs.

  void read_inputs(const fb::SubGraph& graph) {
    model_.inputs = budget_.copy(graph.inputs(), where_);
    for (int32_t tensor : model_.inputs) {
      check_index(tensor, "graph input", where_);
      Origin& origin = origins_[tensor];
      if (origin == Origin::Constant) where_.fail("graph input " + describe(tensor) + " is a constant");
      if (origin == Origin::Input) where_.fail("graph input " + describe(tensor) + " is listed twice");
      origin = Origin::Input;
    }
  }

  void read_outputs(const fb::SubGraph& graph) {
    model_.outputs = budget_.copy(graph.outputs(), where_);
    if (model_.outputs.empty()) where_.fail("the graph has no outputs");
    for (int32_t tensor : model_.outputs) {
      check_index(tensor, "graph output", where_);
      if (origins_[tensor] == Origin::Nowhere) where_.fail("graph output " + describe(tensor) + " is never written");
    }
  }

  const fb::File& file_;
  const Where& where_;
  CopyBudget budget_;
  Model model_;
  std::vector<Origin> origins_;  // who has written each tensor so far
};

// ---- Bytes.

void verify_structure(std::span<const std::byte> bytes, const Where& where) {
  constexpr size_t kSmallest = 8;  // root offset and identifier
  if (bytes.empty()) where.fail("is empty");
  if (bytes.size() > kMaxFileBytes) where.fail("has 2 GiB or more; such models are not supported");
  if (bytes.size() < kSmallest || !fb::FileBufferHasIdentifier(bytes.data()))
    where.fail("is not a TensorFlow Lite model (no TFL3 mark)");
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 16;  // the format nests 5 deep
  // A table that is not shared takes 8 bytes or more, with its reference.
  limits.max_tables = static_cast<flatbuffers::uoffset_t>(bytes.size() / 8 + 1);
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), limits);
  if (!fb::VerifyFileBuffer(verifier)) where.fail("is damaged or cut short: its structure does not verify");
}

struct AlignedDelete {
  void operator()(std::byte* bytes) const { ::operator delete (bytes, std::align_val_t{kStorageAlignment}); }
};

std::shared_ptr<std::byte> allocate(size_t size) {
  auto* bytes = static_cast<std::byte*>(::operator new (size, std::align_val_t{kStorageAlignment}));
  return std::shared_ptr<std::byte>(bytes, AlignedDelete{});
}

bool is_aligned(std::span<const std::byte> bytes) { return reinterpret_cast<uintptr_t>(bytes.data()) % 16 == 0; }

Model parse(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> storage,
            const Where& where) {
  if (bytes.size() > kMaxFileBytes) where.fail("has 2 GiB or more; such models are not supported");
  if (storage == nullptr || !is_aligned(bytes)) {
    auto copy = allocate(bytes.size());
    std::ranges::copy(bytes, copy.get());
    bytes = {copy.get(), bytes.size()};
    storage = std::move(copy);
  }
  verify_structure(bytes, where);
  Model model = Reader(*fb::GetFile(bytes.data()), bytes.size(), where).read();
  model.name = std::move(name);
  model.storage = std::move(storage);
  return model;
}

size_t regular_file_size(const std::filesystem::path& path, const Where& where) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) where.fail("no such file");
  if (std::filesystem::is_directory(status)) where.fail("is a directory; name a .tflite file");
  if (!std::filesystem::is_regular_file(status)) where.fail("is not a regular file");
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) where.fail("cannot be read: " + error.message());
  if (size == 0) where.fail("is empty");
  if (size > kMaxFileBytes) where.fail("has 2 GiB or more; such models are not supported");
  return static_cast<size_t>(size);
}

}  // namespace

Model read_tflite(const std::filesystem::path& path) {
  const Where where(path.string());
  const size_t size = regular_file_size(path, where);
  auto storage = allocate(size);
  std::ifstream in(path, std::ios::binary);
  if (!in) where.fail("cannot be opened; check its permissions");
  if (!in.read(reinterpret_cast<char*>(storage.get()), static_cast<std::streamsize>(size)))
    where.fail("cannot be read to its end");
  const std::span<const std::byte> bytes(storage.get(), size);
  return parse(bytes, path.stem().string(), std::move(storage), where);
}

Model parse_tflite(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> storage) {
  const Where where(name);
  return parse(bytes, std::move(name), std::move(storage), where);
}

}  // namespace octet
