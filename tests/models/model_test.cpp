#include "models/model.h"

#include <gtest/gtest.h>

namespace octet {
namespace {

TEST(ModelText, NamesOperators) {
  EXPECT_EQ(name_of(OpCode::Conv2D), "CONV_2D");
  EXPECT_EQ(name_of(OpCode::HardSwish), "HARD_SWISH");
  EXPECT_EQ(name_of(static_cast<OpCode>(150)), "OP_150");
  Operator op;
  op.code = OpCode::Custom;
  op.custom_name = "Mine";
  EXPECT_EQ(op.name(), "Mine");
}

TEST(ModelText, NamesTypes) {
  EXPECT_EQ(name_of(DataType::Float32), "FLOAT32");
  EXPECT_EQ(name_of(DataType::Int4), "INT4");
  EXPECT_EQ(name_of(static_cast<DataType>(99)), "UNKNOWN");
  EXPECT_EQ(name_of(static_cast<DataType>(-1)), "UNKNOWN");
}

TEST(ModelText, WritesShapes) {
  EXPECT_EQ(to_string(std::vector<int32_t>{1, 224, 224, 3}), "1x224x224x3");
  EXPECT_EQ(to_string(std::vector<int32_t>{}), "scalar");
}

TEST(ModelSizes, KnowsTypes) {
  EXPECT_EQ(size_of(DataType::UInt8), 1u);
  EXPECT_EQ(size_of(DataType::Float16), 2u);
  EXPECT_EQ(size_of(DataType::Int32), 4u);
  EXPECT_EQ(size_of(DataType::Complex128), 16u);
  EXPECT_EQ(size_of(DataType::String), 0u);
}

TEST(ModelSizes, CountsElements) {
  EXPECT_EQ(element_count(std::vector<int32_t>{}), 1);
  EXPECT_EQ(element_count(std::vector<int32_t>{2, 3, 4}), 24);
  EXPECT_EQ(element_count(std::vector<int32_t>{0x7fffffff}), 0x7fffffff);
  EXPECT_THROW(element_count(std::vector<int32_t>{65536, 32768}), ModelError);
  EXPECT_THROW(element_count(std::vector<int32_t>{0x7fffffff, 0x7fffffff, 0x7fffffff}), ModelError);
  EXPECT_THROW(element_count(std::vector<int32_t>{-1}), ModelError);
}

}  // namespace
}  // namespace octet
