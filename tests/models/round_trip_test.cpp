// What is written reads the same; and every public model we have reads at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "models/tflite_reader.h"
#include "models/tflite_writer.h"
#include "tests/models/compare.h"
#include "tests/models/sample_models.h"

namespace octet {
namespace {

void expect_round_trip(const Model& model) {
  const auto bytes = write_tflite(model);
  const Model again = parse_tflite(bytes, model.name);
  EXPECT_EQ(difference(model, again), "") << model.name;
  EXPECT_EQ(again.name, model.name);
  EXPECT_EQ(write_tflite(again), bytes) << model.name;
  for (const Tensor& tensor : again.tensors)
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data.data()) % 16, 0u) << tensor.name;
}

TEST(RoundTrip, Samples) {
  for (const Model& model : sample_models()) expect_round_trip(model);
}

TEST(RoundTrip, EveryNamedOperatorIsInTheSample) {
  std::set<OpCode> present;
  for (const Operator& op : every_operator().operators) present.insert(op.code);
  for (int32_t number = 0; number < 256; ++number) {
    const auto code = static_cast<OpCode>(number);
    const bool named = name_of(code).rfind("OP_", 0) != 0 && code != OpCode::Custom;
    EXPECT_EQ(present.contains(code), named) << name_of(code);
  }
}

TEST(Write, SharesContentsThatShareMemory) {
  Model model = small_network();
  const size_t alone = write_tflite(model).size();
  const std::vector<std::byte> block(10000);
  Tensor tensor{.name = "block", .type = DataType::Int8, .shape = {10000}, .quantization = {}, .data = block};
  for (int i = 0; i < 5; ++i) model.tensors.push_back(tensor);
  EXPECT_LT(write_tflite(model).size(), alone + 2 * block.size());
}

TEST(Write, RefusesOptionsOfAnotherOperator) {
  Model model = small_network();
  model.operators[0].options = PoolOptions{};
  EXPECT_THROW(write_tflite(model), ModelError);
  model.operators[0].options = NoOptions{};
  EXPECT_THROW(write_tflite(model), ModelError);
}

TEST(Write, RefusesMoreThanTheFormatHolds) {
  Model model = small_network();
  // Never read: its size is enough to be refused.
  const std::span huge(model.tensors[1].data.data(), size_t{1} << 31);
  model.tensors.push_back({.name = "huge", .type = DataType::Int8, .shape = {1}, .quantization = {}, .data = huge});
  EXPECT_THROW(write_tflite(model), ModelError);
}

// ---- Public models.

std::filesystem::path data_folder() {
  const char* from_environment = std::getenv("OCTET_DATA");
  return from_environment != nullptr ? from_environment : OCTET_DEFAULT_DATA;
}

class PublicModels : public ::testing::TestWithParam<const char*> {};

TEST_P(PublicModels, RoundTrip) {
  const auto folder = data_folder() / GetParam();
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << "no models in " << folder << "; OCTET_DATA names another place";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".tflite") continue;
    ++count;
    ASSERT_NO_THROW(expect_round_trip(read_tflite(entry.path()))) << entry.path();
  }
  EXPECT_GT(count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Shared, PublicModels, ::testing::Values("models", "ops"));

}  // namespace
}  // namespace octet
