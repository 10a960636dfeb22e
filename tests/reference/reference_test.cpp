// The reference against what TensorFlow Lite's reference kernels recorded, and its fixed-point functions against values
// worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "models/tflite_reader.h"
#include "tests/data.h"
#include "tests/reference/fixed_point.h"
#include "tests/reference/reference.h"

namespace octet {
namespace {

using reference::mbqm;
using reference::Multiplier;
using reference::quantize_multiplier;
using reference::rdbp;
using reference::srdhm;

constexpr int32_t lowest = std::numeric_limits<int32_t>::min();
constexpr int32_t highest = std::numeric_limits<int32_t>::max();

TEST(FixedPoint, QuantizeMultiplier) {
  EXPECT_EQ(quantize_multiplier(0), (Multiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(1), (Multiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.5), (Multiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(0.75), (Multiplier{3 << 29, 0}));
  EXPECT_EQ(quantize_multiplier(-0.75), (Multiplier{-(3 << 29), 0}));
  EXPECT_EQ(quantize_multiplier(6), (Multiplier{3 << 29, 3}));
  EXPECT_EQ(quantize_multiplier(std::nextafter(1.0, 0.0)), (Multiplier{1 << 30, 1}));  // the mantissa rounds up to 2^31
  EXPECT_EQ(quantize_multiplier(std::ldexp(0.5, -31)), (Multiplier{1 << 30, -31}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(0.5, -32)), (Multiplier{0, 0}));  // too small
}

TEST(FixedPoint, SaturatingRoundingDoublingHighMultiply) {
  EXPECT_EQ(srdhm(lowest, lowest), highest);
  EXPECT_EQ(srdhm(lowest, highest), -highest);
  EXPECT_EQ(srdhm(highest, highest), highest - 1);
  EXPECT_EQ(srdhm(0, highest), 0);
  EXPECT_EQ(srdhm(1 << 30, 2), 1);
  EXPECT_EQ(srdhm(1 << 30, 1), 1);    // 0.5
  EXPECT_EQ(srdhm(1 << 30, -1), 0);   // -0.5 goes up
  EXPECT_EQ(srdhm(1 << 30, 3), 2);    // 1.5
  EXPECT_EQ(srdhm(1 << 30, -3), -1);  // -1.5 goes up
  EXPECT_EQ(srdhm((1 << 30) + 1, -3), -2);
  EXPECT_EQ(srdhm(585, 1527099593), 416);
}

TEST(FixedPoint, RoundingDivideByPowerOfTwo) {
  EXPECT_EQ(rdbp(7, 0), 7);
  EXPECT_EQ(rdbp(lowest, 0), lowest);
  EXPECT_EQ(rdbp(11, 3), 1);
  EXPECT_EQ(rdbp(12, 3), 2);  // halves go away from zero
  EXPECT_EQ(rdbp(-11, 3), -1);
  EXPECT_EQ(rdbp(-12, 3), -2);
  EXPECT_EQ(rdbp(-13, 3), -2);
  EXPECT_EQ(rdbp(highest, 1), 1 << 30);
  EXPECT_EQ(rdbp(highest, 31), 1);
  EXPECT_EQ(rdbp((1 << 30) - 1, 31), 0);
  EXPECT_EQ(rdbp(lowest, 31), -1);
  EXPECT_EQ(rdbp(-(1 << 30), 31), -1);
  EXPECT_EQ(rdbp(-(1 << 30) + 1, 31), 0);
}

TEST(FixedPoint, MultiplyByQuantizedMultiplier) {
  // Two roundings: 585 M is 6.4999..., its high product 416 / 64 is exactly 6.5.
  const double d = double{0.05296124517917633f} * double{0.024093778803944588f} / double{0.11484327912330627f};
  EXPECT_EQ(quantize_multiplier(d), (Multiplier{1527099593, -6}));
  EXPECT_EQ(mbqm(585, {1527099593, -6}), 7);
  EXPECT_EQ(mbqm(-585, {1527099593, -6}), -7);
  EXPECT_EQ(mbqm(100, {3 << 29, 3}), 600);
  EXPECT_EQ(mbqm(lowest, quantize_multiplier(1)), 0);  // a left shift wraps
  EXPECT_EQ(mbqm(12345, {0, 0}), 0);
}

// Small results exactly; `count` values around every power of two against long double arithmetic.
TEST(FixedPoint, AgreesWithRealNumbers) {
  for (int n = 1; n <= 31; ++n) {
    for (int64_t base : {int64_t{0}, int64_t{1} << (n - 1), int64_t{3} << (n - 1), int64_t{1} << n, int64_t{highest}}) {
      for (int64_t sign : {-1, 1}) {
        for (int64_t delta = -2; delta <= 2; ++delta) {
          const int64_t x = sign * base + delta;
          if (x < lowest || x > highest) continue;
          const auto expected = static_cast<int32_t>(std::round(std::ldexp(static_cast<long double>(x), -n)));
          EXPECT_EQ(rdbp(static_cast<int32_t>(x), n), expected) << x << " / 2^" << n;
          const int64_t m = (int64_t{1} << 30) + 12345 * n;
          const long double product = std::ldexp(static_cast<long double>(x * m), -31);
          EXPECT_EQ(srdhm(static_cast<int32_t>(x), static_cast<int32_t>(m)),
                    static_cast<int32_t>(std::floor(product + 0.5L)))
              << x << " * " << m;
        }
      }
    }
  }
}

std::vector<float> as_floats(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// Byte for byte; FLOAT32 to 1e-5.
void expect_equal(const Tensor& tensor, const std::vector<std::byte>& computed,
                  const std::vector<std::byte>& recorded) {
  ASSERT_EQ(computed.size(), recorded.size()) << tensor.name;
  if (tensor.type == DataType::Float32) {
    const std::vector<float> a = as_floats(computed), b = as_floats(recorded);
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-5f * std::max(1.0f, std::abs(b[i]))) << tensor.name << " [" << i << "]";
    }
    return;
  }
  for (size_t i = 0; i < computed.size(); ++i) {
    if (computed[i] == recorded[i]) continue;
    FAIL() << tensor.name << ": byte " << i << " of " << computed.size() << " is " << std::to_integer<int>(computed[i])
           << ", recorded " << std::to_integer<int>(recorded[i]);
  }
}

/// ADD may have run in place while the case was recorded: then the tensor it overwrote was recorded with ADD's output.
bool was_overwritten(const Model& model, const RecordedTensor& tensor, const std::vector<RecordedTensor>& all) {
  const auto reads = [&](const Operator& op) {
    return op.code == OpCode::Add && std::ranges::count(op.inputs, static_cast<int32_t>(tensor.index)) > 0;
  };
  const auto writer = std::ranges::find_if(model.operators, reads);
  if (writer == model.operators.end()) return false;
  const auto output = std::ranges::find(all, static_cast<size_t>(writer->outputs[0]), &RecordedTensor::index);
  return output != all.end() && output->contents == tensor.contents;
}

void run_case(const RecordedCase& recorded) {
  const Model model = read_tflite(recorded.model);
  const ReferenceResult result = run_reference(model, recorded_inputs(recorded));
  const std::vector<RecordedTensor> intermediates = recorded_intermediates(recorded);
  for (const RecordedTensor& intermediate : intermediates) {
    ASSERT_LT(intermediate.index, model.tensors.size());
    if (was_overwritten(model, intermediate, intermediates)) continue;
    expect_equal(model.tensors[intermediate.index], result.tensors[intermediate.index], intermediate.contents);
  }
  const std::vector<std::vector<std::byte>> outputs = recorded_outputs(recorded);
  ASSERT_EQ(model.outputs.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto index = static_cast<size_t>(model.outputs[i]);
    expect_equal(model.tensors[index], result.tensors[index], outputs[i]);
  }
}

class Recorded : public testing::TestWithParam<RecordedCase> {};
TEST_P(Recorded, Equal) { run_case(GetParam()); }

std::string test_name(const testing::TestParamInfo<RecordedCase>& info) {
  std::string name = info.param.name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Recorded);
INSTANTIATE_TEST_SUITE_P(Operator, Recorded, testing::ValuesIn(operator_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Network, Recorded, testing::ValuesIn(network_cases()), test_name);

// Without the data there are no recorded cases, and nothing else would say so.
TEST(Data, Present) {
  if (!data_folder()) GTEST_SKIP() << no_data_message();
  EXPECT_FALSE(operator_cases().empty());
  EXPECT_FALSE(network_cases().empty());
}

}  // namespace
}  // namespace octet
