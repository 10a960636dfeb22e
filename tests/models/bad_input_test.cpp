// Each way in which a file can lie, one at a time: it is refused, in one line that says where and what.
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>

#include "models/tflite_reader.h"
#include "tests/models/edit.h"
#include "tests/models/sample_models.h"

namespace octet {
namespace {

struct Lie {
  const char* name;
  Edit edit;
  const char* error;  // part of the message
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }
std::string name_of_lie(const ::testing::TestParamInfo<Lie>& info) { return info.param.name; }

void expect_refused(const std::vector<std::byte>& bytes, const std::string& error) {
  try {
    parse_tflite(bytes, "lie");
  } catch (const ModelError& thrown) {
    const std::string message = thrown.what();
    EXPECT_NE(message.find(error), std::string::npos) << message;
    EXPECT_EQ(message.rfind("lie: ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return;
  }
  FAIL() << "accepted";
}

// ---- Lies about small_network(): see its tensors in sample_models.h.

class SmallNetwork : public ::testing::TestWithParam<Lie> {};

TEST_P(SmallNetwork, IsRefused) { expect_refused(edit_file(small_network(), GetParam().edit), GetParam().error); }

fb::SubGraphT& graph(fb::FileT& file) { return *file.subgraphs[0]; }
fb::TensorT& tensor(fb::FileT& file, size_t index) { return *graph(file).tensors[index]; }
fb::QuantizationT& quantization(fb::FileT& file, size_t index) { return *tensor(file, index).quantization; }
fb::OperatorT& op(fb::FileT& file, size_t index) { return *graph(file).operators[index]; }
fb::OperatorCodeT& code(fb::FileT& file, size_t index) { return *file.operator_codes[index]; }
fb::Conv2DOptionsT& conv(fb::FileT& file) { return *op(file, 0).options.AsConv2DOptions(); }
fb::Pool2DOptionsT& pool(fb::FileT& file) { return *op(file, 1).options.AsPool2DOptions(); }

std::vector<uint8_t>& contents(fb::FileT& file, size_t of_tensor) {
  return file.buffers[tensor(file, of_tensor).buffer]->data;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const Lie kFileLies[] = {
    {"SchemaVersion", [](fb::FileT& f) { f.version = 2; }, "schema version 2"},
    {"NoGraph", [](fb::FileT& f) { f.subgraphs.clear(); }, "holds no graph"},
    {"EmptyGraph", [](fb::FileT& f) { f.subgraphs[0] = std::make_unique<fb::SubGraphT>(); }, "no outputs"},
    {"NoBuffers", [](fb::FileT& f) { f.buffers.clear(); }, "tensor 1 (weights): buffer 1 does not exist"},
    {"NoCodes", [](fb::FileT& f) { f.operator_codes.clear(); }, "operator 0: operator code 0 does not exist"},
};

const Lie kTensorLies[] = {
    {"BufferIndex", [](fb::FileT& f) { tensor(f, 1).buffer = 99; }, "tensor 1 (weights): buffer 99 does not exist"},
    {"BufferIndexWraps", [](fb::FileT& f) { tensor(f, 1).buffer = 0xffffffff; }, "does not exist"},
    {"BufferTooSmall", [](fb::FileT& f) { contents(f, 1).pop_back(); }, "holds 5 bytes; shape 3x1x1x2 of INT8 takes 6"},
    {"BufferTooLarge", [](fb::FileT& f) { contents(f, 2).push_back(0); }, "holds 13 bytes; shape 3 of INT32 takes 12"},
    {"ShapeAndBufferDiffer", [](fb::FileT& f) { tensor(f, 1).type = 2; }, "takes 24"},
    {"BufferElsewhere", [](fb::FileT& f) { f.buffers[1]->offset = 4096; }, "behind the flatbuffer"},
    {"BufferInAnotherFile", [](fb::FileT& f) { tensor(f, 1).external_buffer = 1; }, "in another file"},
    {"SparseContents", [](fb::FileT& f) { tensor(f, 1).sparsity = std::make_unique<fb::SparsityT>(); }, "sparse"},
    {"VariableWithContents", [](fb::FileT& f) { tensor(f, 1).is_variable = true; }, "variable with contents"},
    {"TypeTooLarge", [](fb::FileT& f) { tensor(f, 0).type = 18; }, "tensor 0 (image): type is 18"},
    {"TypeNegative", [](fb::FileT& f) { tensor(f, 0).type = -1; }, "type is -1"},
    {"ExtentZero", [](fb::FileT& f) { tensor(f, 0).shape[1] = 0; }, "shape 1x0x4x2 has an extent below 1"},
    {"ExtentUnknown", [](fb::FileT& f) { tensor(f, 0).shape[0] = -1; }, "shape -1x4x4x2 has an extent below 1"},
    {"TooManyElements",
     [](fb::FileT& f) {
       tensor(f, 0).shape = {65536, 65536};
     },
     "more than 2^31 - 1 elements"},
    {"ElementsOverflow",
     [](fb::FileT& f) {
       tensor(f, 0).shape = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};
     },
     "more than 2^31 - 1 elements"},
    {"TooManyBytes",
     [](fb::FileT& f) {
       tensor(f, 3).shape = {1 << 29};
       tensor(f, 3).type = 0;
     },
     "takes 2 GiB or more"},
    {"TooManyDimensions", [](fb::FileT& f) { tensor(f, 0).shape.assign(9, 1); }, "has 9 dimensions"},
    {"NameOfManyLines",
     [](fb::FileT& f) {
       tensor(f, 0).name = "a\nb\x01" + std::string(1000, 'c');
       tensor(f, 0).type = 99;
     },
     "tensor 0 (a?b?ccc"},
};

const Lie kQuantizationLies[] = {
    {"FewerZeroPoints", [](fb::FileT& f) { quantization(f, 1).zero_point.pop_back(); }, "3 scales but 2 zero points"},
    {"NoZeroPoints", [](fb::FileT& f) { quantization(f, 0).zero_point.clear(); }, "1 scales but 0 zero points"},
    {"FewerScalesThanChannels",
     [](fb::FileT& f) {
       quantization(f, 1).scale.pop_back();
       quantization(f, 1).zero_point.pop_back();
     },
     "2 scales along dimension 0 of shape 3x1x1x2"},
    {"AxisTooLarge", [](fb::FileT& f) { quantization(f, 1).quantized_dimension = 4; }, "quantized dimension 4"},
    {"AxisNegative", [](fb::FileT& f) { quantization(f, 1).quantized_dimension = -1; }, "quantized dimension -1"},
    {"AxisOfAnotherExtent", [](fb::FileT& f) { quantization(f, 1).quantized_dimension = 3; },
     "3 scales along dimension 3"},
    {"ScaleZero", [](fb::FileT& f) { quantization(f, 1).scale[2] = 0; }, "scale 2 is 0"},
    {"ScaleNegative", [](fb::FileT& f) { quantization(f, 1).scale[0] = -1; }, "scale 0 is -1"},
    {"ScaleNaN", [](fb::FileT& f) { quantization(f, 0).scale[0] = kNaN; }, "scales must be finite"},
    {"ScaleInfinite", [](fb::FileT& f) { quantization(f, 0).scale[0] = kInfinity; }, "scales must be finite"},
    {"ZeroPointTooSmall", [](fb::FileT& f) { quantization(f, 0).zero_point[0] = -129; }, "it must be -128 to 127"},
    {"ZeroPointTooLarge", [](fb::FileT& f) { quantization(f, 0).zero_point[0] = 128; }, "it must be -128 to 127"},
    {"ZeroPointOfBytes",
     [](fb::FileT& f) {
       tensor(f, 0).type = 3;
       quantization(f, 0).zero_point[0] = -1;
     },
     "zero point -1 of type UINT8; it must be 0 to 255"},
    {"ZeroPointWraps", [](fb::FileT& f) { quantization(f, 0).zero_point[0] = int64_t{1} << 32; },
     "zero point 4294967296"},
    {"ZeroPointOfBias", [](fb::FileT& f) { quantization(f, 2).zero_point[1] = 1; }, "zero point 1 of type INT32"},
    {"OtherScheme", [](fb::FileT& f) { quantization(f, 0).details.Set(fb::CustomQuantizationT{}); },
     "other than scales and zero points"},
};

const Lie kOperatorLies[] = {
    {"CodeIndex", [](fb::FileT& f) { op(f, 1).opcode_index = 3; }, "operator 1: operator code 3 does not exist"},
    {"CodeNegative", [](fb::FileT& f) { code(f, 0).deprecated_builtin_code = -1, code(f, 0).builtin_code = -5; },
     "operator number -1 is negative"},
    {"CodeVersion", [](fb::FileT& f) { code(f, 0).version = 0; }, "operator version 0"},
    {"CustomWithoutName", [](fb::FileT& f) { code(f, 2).deprecated_builtin_code = 32, code(f, 2).builtin_code = 32; },
     "operator 2: is a custom operator without a name"},
    {"TooFewInputs", [](fb::FileT& f) { op(f, 0).inputs = {0}; },
     "operator 0 (CONV_2D): has 1 inputs; it takes 2 to 3"},
    {"TooManyInputs",
     [](fb::FileT& f) {
       op(f, 2).inputs = {4, 4};
     },
     "operator 2 (SOFTMAX): has 2 inputs; it takes 1"},
    {"NoOutputs", [](fb::FileT& f) { op(f, 2).outputs.clear(); }, "has 0 outputs; it gives 1"},
    {"TooManyOutputs",
     [](fb::FileT& f) {
       op(f, 2).outputs = {5, 4};
     },
     "has 2 outputs; it gives 1"},
    {"RequiredInputAbsent", [](fb::FileT& f) { op(f, 0).inputs[1] = -1; }, "input 1 is absent"},
    {"InputIndex", [](fb::FileT& f) { op(f, 0).inputs[0] = 6; }, "input tensor 6 does not exist; the graph has 6"},
    {"InputNegative", [](fb::FileT& f) { op(f, 0).inputs[0] = -2; }, "input tensor -2 does not exist"},
    {"OutputIndex", [](fb::FileT& f) { op(f, 0).outputs[0] = 6; }, "output tensor 6 does not exist"},
    {"OutputAbsent", [](fb::FileT& f) { op(f, 0).outputs[0] = -1; }, "output tensor -1 does not exist"},
    {"CustomOptionsElsewhere", [](fb::FileT& f) { op(f, 0).large_custom_options_offset = 2; }, "behind the flatbuffer"},
};

const Lie kOrderLies[] = {
    {"Cycle", [](fb::FileT& f) { op(f, 0).inputs[0] = 5; }, "reads tensor 5 (scores), which nothing before it writes"},
    {"ReadsItself", [](fb::FileT& f) { op(f, 1).inputs[0] = 4; }, "reads tensor 4 (pooled), which nothing before"},
    {"WrongOrder", [](fb::FileT& f) { std::swap(graph(f).operators[0], graph(f).operators[1]); },
     "operator 0 (AVERAGE_POOL_2D): reads tensor 3 (features)"},
    {"WrittenTwice", [](fb::FileT& f) { op(f, 2).outputs[0] = 3; },
     "writes tensor 3 (features), which is written already"},
    {"WritesConstant", [](fb::FileT& f) { op(f, 2).outputs[0] = 1; }, "writes tensor 1 (weights), a constant"},
    {"WritesInput", [](fb::FileT& f) { op(f, 2).outputs[0] = 0; }, "writes tensor 0 (image), an input of the graph"},
    {"ConstantGone", [](fb::FileT& f) { contents(f, 1).clear(); }, "reads tensor 1 (weights), which nothing before"},
    {"NoInput", [](fb::FileT& f) { graph(f).inputs.clear(); }, "reads tensor 0 (image), which nothing before"},
    {"InputIsConstant",
     [](fb::FileT& f) {
       graph(f).inputs = {0, 1};
     },
     "graph input tensor 1 (weights) is a constant"},
    {"InputTwice",
     [](fb::FileT& f) {
       graph(f).inputs = {0, 0};
     },
     "graph input tensor 0 (image) is listed twice"},
    {"GraphInputIndex", [](fb::FileT& f) { graph(f).inputs = {-1}; }, "graph input tensor -1 does not exist"},
    {"GraphOutputIndex", [](fb::FileT& f) { graph(f).outputs = {6}; }, "graph output tensor 6 does not exist"},
    {"NoGraphOutputs", [](fb::FileT& f) { graph(f).outputs.clear(); }, "the graph has no outputs"},
    {"OutputNeverWritten", [](fb::FileT& f) { graph(f).operators.pop_back(); },
     "graph output tensor 5 (scores) is never written"},
};

const Lie kOptionLies[] = {
    {"OptionsAbsent", [](fb::FileT& f) { op(f, 0).options.Reset(); }, "operator 0 (CONV_2D): stride_w is 0"},
    {"OptionsOfAnother", [](fb::FileT& f) { op(f, 0).options.Set(fb::AddOptionsT{}); }, "has options of type 11"},
    {"StrideZero", [](fb::FileT& f) { conv(f).stride_h = 0; }, "stride_h is 0; it must be 1 to 65535"},
    {"StrideNegative", [](fb::FileT& f) { conv(f).stride_w = -1; }, "stride_w is -1"},
    {"StrideHuge", [](fb::FileT& f) { conv(f).stride_w = 1 << 30; }, "stride_w is 1073741824"},
    {"DilationZero", [](fb::FileT& f) { conv(f).dilation_w = 0; }, "dilation_w is 0"},
    {"DilationNegative", [](fb::FileT& f) { conv(f).dilation_h = std::numeric_limits<int32_t>::min(); },
     "dilation_h is -"},
    {"FilterZero", [](fb::FileT& f) { pool(f).filter_w = 0; }, "filter_width is 0"},
    {"FilterNegative", [](fb::FileT& f) { pool(f).filter_h = -3; }, "filter_height is -3"},
    {"PaddingUnknown", [](fb::FileT& f) { conv(f).padding = 2; }, "padding is 2"},
    {"ActivationUnknown", [](fb::FileT& f) { pool(f).activation = 6; }, "fused activation is 6"},
    {"ActivationNegative", [](fb::FileT& f) { pool(f).activation = -1; }, "fused activation is -1"},
    {"BetaZero", [](fb::FileT& f) { op(f, 2).options.AsSoftmaxOptions()->beta = 0; }, "beta is 0"},
    {"BetaNaN", [](fb::FileT& f) { op(f, 2).options.AsSoftmaxOptions()->beta = kNaN; }, "beta is not a finite number"},
};

INSTANTIATE_TEST_SUITE_P(File, SmallNetwork, ::testing::ValuesIn(kFileLies), name_of_lie);
INSTANTIATE_TEST_SUITE_P(Tensor, SmallNetwork, ::testing::ValuesIn(kTensorLies), name_of_lie);
INSTANTIATE_TEST_SUITE_P(Quantization, SmallNetwork, ::testing::ValuesIn(kQuantizationLies), name_of_lie);
INSTANTIATE_TEST_SUITE_P(Operator, SmallNetwork, ::testing::ValuesIn(kOperatorLies), name_of_lie);
INSTANTIATE_TEST_SUITE_P(Order, SmallNetwork, ::testing::ValuesIn(kOrderLies), name_of_lie);
INSTANTIATE_TEST_SUITE_P(Option, SmallNetwork, ::testing::ValuesIn(kOptionLies), name_of_lie);

// ---- Lies about options of operators in every_operator().

class EveryOperator : public ::testing::TestWithParam<Lie> {};

TEST_P(EveryOperator, IsRefused) { expect_refused(edit_file(every_operator(), GetParam().edit), GetParam().error); }

// Changes the first options of this kind.
template <class OptionsT, class Change>
Edit change(Change change) {
  return [change](fb::FileT& file) {
    constexpr auto kType = fb::BuiltinOptionsUnionTraits<OptionsT>::enum_value;
    for (auto& one : graph(file).operators) {
      if (one->options.type != kType) continue;
      change(*static_cast<OptionsT*>(one->options.value));
      return;
    }
    FAIL() << "no such operator";
  };
}

const Lie kOtherOptionLies[] = {
    {"SplitCount", change<fb::SplitOptionsT>([](auto& o) { o.num_splits = 2; }), "(SPLIT): its options say 2 outputs"},
    {"SplitNegative", change<fb::SplitOptionsT>([](auto& o) { o.num_splits = -3; }), "num_splits is -3"},
    {"PackCount", change<fb::PackOptionsT>([](auto& o) { o.values_count = 3; }), "(PACK): its options say 3 inputs"},
    {"UnpackCount", change<fb::UnpackOptionsT>([](auto& o) { o.num = 1; }), "(UNPACK): its options say 1 outputs"},
    {"ArgMaxType", change<fb::ArgMaxOptionsT>([](auto& o) { o.output_type = 0; }), "output_type is FLOAT32"},
    {"CastType", change<fb::CastOptionsT>([](auto& o) { o.out_type = 77; }), "out_data_type is 77"},
    {"BlockZero", change<fb::SpaceToDepthOptionsT>([](auto& o) { o.block_size = 0; }),
     "(SPACE_TO_DEPTH): block_size is 0"},
    {"BlockNegative", change<fb::DepthToSpaceOptionsT>([](auto& o) { o.block_size = -2; }), "block_size is -2"},
    {"WeightsFormat", change<fb::FullyConnectedOptionsT>([](auto& o) { o.weights_format = 2; }), "weights_format is 2"},
    {"SliceOffset", change<fb::StridedSliceOptionsT>([](auto& o) { o.offset = true; }), "`offset`"},
    {"AlphaInfinite", change<fb::LeakyReluOptionsT>([](auto& o) { o.alpha = kInfinity; }), "alpha is not a finite"},
    {"DepthwiseStride", change<fb::DepthwiseConv2DOptionsT>([](auto& o) { o.stride_w = 0; }), "stride_w is 0"},
    {"TransposeConvStride", change<fb::TransposeConvOptionsT>([](auto& o) { o.stride_h = 0; }), "stride_h is 0"},
    {"AddActivation", change<fb::AddOptionsT>([](auto& o) { o.activation = 100; }), "(ADD): fused activation is 100"},
};

INSTANTIATE_TEST_SUITE_P(Option, EveryOperator, ::testing::ValuesIn(kOtherOptionLies), name_of_lie);

// ---- Files that grow when read.

// One table with a long name, named many times over.
std::vector<std::byte> file_of_one_tensor(size_t times, size_t name_size) {
  flatbuffers::FlatBufferBuilder out;
  const auto name = out.CreateString(std::string(name_size, 'n'));
  const std::vector<flatbuffers::Offset<fb::Tensor>> tensors(times, fb::CreateTensor(out, 0, 0, 0, name));
  const auto list = out.CreateVector(tensors);
  const std::vector graphs = {fb::CreateSubGraph(out, list)};
  const auto graph_list = out.CreateVector(graphs);
  fb::FinishFileBuffer(out, fb::CreateFile(out, 3, 0, graph_list));
  const auto bytes = std::as_bytes(std::span(out.GetBufferPointer(), out.GetSize()));
  return {bytes.begin(), bytes.end()};
}

TEST(Growth, NamesSharedTooOften) { expect_refused(file_of_one_tensor(1000, 10000), "shares its pieces too often"); }

TEST(Growth, MoreTablesThanTheFileHasRoomFor) { expect_refused(file_of_one_tensor(100000, 4), "does not verify"); }

}  // namespace
}  // namespace octet
