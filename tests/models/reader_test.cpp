// What the reader takes: files as they are found, and the liberties that the format allows.
#include "models/tflite_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "models/tflite_writer.h"
#include "tests/models/compare.h"
#include "tests/models/edit.h"
#include "tests/models/sample_models.h"

namespace octet {
namespace {

std::filesystem::path temporary(const std::string& name) {
  return std::filesystem::path(::testing::TempDir()) / ("octet_reader_" + name);
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::string error_of_file(const std::filesystem::path& path) {
  try {
    read_tflite(path);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ReadFile, TakesItsNameFromThePath) {
  const auto path = temporary("net.v1.tflite");
  write_file(path, write_tflite(small_network()));
  const Model model = read_tflite(path);
  EXPECT_EQ(model.name, "octet_reader_net.v1");
  EXPECT_EQ(difference(model, small_network()), "");
  std::filesystem::remove(path);
}

TEST(ReadFile, SaysWhatIsWrongWithThePath) {
  EXPECT_NE(error_of_file("/no/such.tflite").find("/no/such.tflite: no such file"), std::string::npos);
  EXPECT_NE(error_of_file(::testing::TempDir()).find("is a directory"), std::string::npos);
  EXPECT_NE(error_of_file("/dev/null").find("is not a regular file"), std::string::npos);
}

TEST(ReadFile, SaysWhatIsWrongWithTheContents) {
  const auto path = temporary("bad.tflite");
  write_file(path, {});
  EXPECT_NE(error_of_file(path).find("is empty"), std::string::npos);
  const std::string text = "PK, or any other kind of file";
  write_file(path, std::as_bytes(std::span(text)));
  EXPECT_NE(error_of_file(path).find("is not a TensorFlow Lite model"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(ReadFile, RefusesWhatIsTooBigWithoutReadingIt) {
  const auto path = temporary("big.tflite");
  write_file(path, {});
  std::error_code error;
  std::filesystem::resize_file(path, uintmax_t{1} << 31, error);  // sparse: takes no room
  if (error) GTEST_SKIP() << "no sparse files here: " << error.message();
  EXPECT_NE(error_of_file(path).find("2 GiB or more"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(ParseBytes, CopiesWhatNobodyKeeps) {
  auto bytes = write_tflite(small_network());
  const Model model = parse_tflite(bytes, "copy");
  bytes.assign(bytes.size(), std::byte{0});
  EXPECT_EQ(model.name, "copy");
  EXPECT_EQ(difference(model, small_network()), "");
}

TEST(ParseBytes, PointsIntoKeptStorage) {
  const auto kept = std::make_shared<std::vector<std::byte>>(write_tflite(small_network()));
  const Model model = parse_tflite(*kept, "kept", kept);
  const std::byte* weights = model.tensors[1].data.data();
  EXPECT_GE(weights, kept->data());
  EXPECT_LT(weights, kept->data() + kept->size());
  EXPECT_EQ(model.storage.get(), kept.get());
}

TEST(ParseBytes, TakesBytesAtAnyAddress) {
  const auto bytes = write_tflite(every_operator());
  for (size_t shift : {1, 2, 4, 8}) {
    const auto kept = std::make_shared<std::vector<std::byte>>(shift);
    kept->insert(kept->end(), bytes.begin(), bytes.end());
    const Model model = parse_tflite(std::span(*kept).subspan(shift), "shifted", kept);
    EXPECT_EQ(difference(model, every_operator()), "");
  }
}

// ---- Liberties.

Model edited(const Model& model, const Edit& edit) { return parse_tflite(edit_file(model, edit), "edited"); }

TEST(Tolerates, OldFilesWithoutTheNewOperatorNumber) {
  const Model model = edited(small_network(), [](fb::FileT& file) {
    for (auto& code : file.operator_codes) code->builtin_code = 0;
  });
  EXPECT_EQ(difference(model, small_network()), "");
}

TEST(Tolerates, FilesWithoutTheOldOperatorNumber) {
  const Model model = edited(small_network(), [](fb::FileT& file) {
    for (auto& code : file.operator_codes) code->deprecated_builtin_code = 0;
  });
  EXPECT_EQ(difference(model, small_network()), "");
}

TEST(Tolerates, AbsentOptionsThatHaveDefaults) {
  const Model model = edited(every_operator(), [](fb::FileT& file) {
    for (auto& op : file.subgraphs[0]->operators) {
      if (op->options.type == fb::BuiltinOptions::AddOptions || op->options.type == fb::BuiltinOptions::ReshapeOptions)
        op->options.Reset();
    }
  });
  for (const Operator& op : model.operators) {
    if (op.code == OpCode::Add) {
      EXPECT_EQ(op.options, Options(ElementwiseOptions{}));
    } else if (op.code == OpCode::Reshape) {
      EXPECT_EQ(op.options, Options(ReshapeOptions{}));
    }
  }
}

TEST(Tolerates, BuffersOfActivations) {  // converters give each activation an empty one of its own
  const Model model = edited(small_network(), [](fb::FileT& file) {
    file.subgraphs[0]->tensors[3]->buffer = static_cast<uint32_t>(file.buffers.size());
    file.buffers.push_back(std::make_unique<fb::BufferT>());
  });
  EXPECT_EQ(difference(model, small_network()), "");
}

TEST(Tolerates, AnyAxisWhereThereIsOneScale) {
  const Model model = edited(
      small_network(), [](fb::FileT& file) { file.subgraphs[0]->tensors[0]->quantization->quantized_dimension = -7; });
  EXPECT_EQ(model.tensors[0].quantization.axis, 0);
}

TEST(Tolerates, QuantizationWithoutScales) {
  const Model model = edited(small_network(), [](fb::FileT& file) {
    file.subgraphs[0]->tensors[0]->quantization->scale.clear();
    file.subgraphs[0]->tensors[0]->quantization->zero_point.clear();
  });
  EXPECT_EQ(model.tensors[0].quantization, Quantization{});
}

TEST(Tolerates, MoreGraphsThanTheFirst) {
  const Model model = edited(small_network(), [](fb::FileT& file) {
    auto second = std::make_unique<fb::SubGraphT>();
    second->name = "not run";
    second->inputs = {77};
    file.subgraphs.push_back(std::move(second));
  });
  EXPECT_EQ(difference(model, small_network()), "");
}

TEST(Tolerates, OutputsThatAreInputsOrConstants) {
  const Model model = edited(small_network(), [](fb::FileT& file) { file.subgraphs[0]->outputs = {5, 0, 1}; });
  EXPECT_EQ(model.outputs, (std::vector<int32_t>{5, 0, 1}));
}

TEST(Tolerates, OptionsOfUnknownKindsOnUnknownOperators) {
  flatbuffers::FlatBufferBuilder out;
  const std::vector<int32_t> zero = {0}, one = {1};
  const std::vector shape = {4};
  // 120 is a number this schema does not list; any table will do.
  const auto options = fb::CreateSoftmaxOptions(out, 1).Union();
  const auto op = fb::CreateOperatorDirect(out, 0, &zero, &one, static_cast<fb::BuiltinOptions>(120), options);
  std::vector tensors = {fb::CreateTensorDirect(out, &shape, 0, 0, "in"),
                         fb::CreateTensorDirect(out, &shape, 0, 0, "out")};
  std::vector operators = {op};
  std::vector graphs = {fb::CreateSubGraphDirect(out, &tensors, &zero, &one, &operators)};
  std::vector codes = {fb::CreateOperatorCode(out, 127, 0, 2, 201)};
  fb::FinishFileBuffer(out, fb::CreateFileDirect(out, 3, &codes, &graphs));
  const Model model = parse_tflite(std::as_bytes(std::span(out.GetBufferPointer(), out.GetSize())), "unknown");
  EXPECT_EQ(model.operators.at(0).name(), "OP_201");
  EXPECT_EQ(model.operators[0].version, 2);
  EXPECT_EQ(model.operators[0].options, Options(NoOptions{}));
}

}  // namespace
}  // namespace octet
