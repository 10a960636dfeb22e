// The rescale of convolution kernels against the scalar reference, over every sum for which the runtime chooses it: all
// of int32 but for what fast_rescale_holds, float_rescale or, on Arm, results_fit_int16 refuses. Multipliers, shifts,
// zero points and clamps are a spread of those that networks have, the extremes included. Sums reach the kernel as
// biases, with weights of 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "runtime/aligned_memory.h"
#include "runtime/kernels.h"
#include "runtime/ops/channel_parameters.h"
#include "runtime/ops/tensor_values.h"
#include "runtime/steps/call.h"
#include "tests/conformance/run.h"
#include "tests/reference/fixed_point.h"

namespace octet {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OCTET_SLOW 1
#endif
#endif
#if defined(__aarch64__)
#define OCTET_SLOW 1
#endif

/// Every how manieth sum is tried: fewer where everything runs under a sanitizer or, as a rule, an emulator, or as
/// $OCTET_STRIDE says.
int64_t stride() {
#ifdef OCTET_SLOW
  const char* usual = "1021";
#else
  const char* usual = "1";
#endif
  const char* wanted = std::getenv("OCTET_STRIDE");
  return std::max(std::atoll(wanted != nullptr ? wanted : usual), 1LL);
}

struct Case {
  int32_t multiplier;
  int32_t right;       // shift
  int32_t zero_point;  // of uint8; int8's is 128 less
  bool relu;
  int64_t stride = 1;  // further ones
};

// clang-format off
constexpr Case kCases[] = {
    {1518500250, 8, 0, true},
    {1518500250, 8, 128, false},
    {1 << 30, 0, 3, false, 31},
    {INT32_MAX, 0, 255, false, 31},
    {1073741825, 1, 0, false, 31},
    {1431655765, 2, 77, true, 31},
    {INT32_MAX, 13, 1, false, 31},
    {1999999999, 19, 200, true, 31},
    {1234567891, 21, 255, false, 31},
    {1234567891, 24, 0, false, 31},
    {1 << 30, 30, 0, false, 31},
};
// clang-format on

class Rescale : public testing::TestWithParam<Target> {};

/// The least and greatest sum that a form of the rescale takes, as `holds` says of a channel. It takes all between
/// them.
template <typename Holds>
SumRange range_of(const FixedPoint& rescale, int32_t zero_point, Clamp clamp, const Holds& channel_holds) {
  const auto holds = [&](int64_t largest) {
    const int32_t bias = 0;
    const SumRange sums{-largest, largest};
    return channel_holds(ChannelRescale{1, {&rescale, 1}, {&bias, 1}, {&sums, 1}, zero_point, clamp});
  };
  int64_t largest = 0;
  for (int64_t bit = int64_t{1} << 30; bit > 0; bit /= 2)
    if (holds(largest + bit)) largest += bit;
  return {-largest, largest};
}

/// A convolution kernel with which all channels have one rescale, and the pixels of its tile the same sums.
class KernelUnderTest {
 public:
  static constexpr int64_t kChannels = 4096;

  KernelUnderTest(Target target, bool in_float) : target_(target) {
    for (const Kernel& kernel : find_kernels(Family::Convolution, target)) {
      // Not one that takes more than one step.
      const bool fits = rescales_in_float(*kernel.info) == in_float && kernel.info->schedule.overlapping == 0 &&
                        kChannels % tile_of(*kernel.info).channels == 0;
      if (fits && (kernel_.info == nullptr || kernel.info->schedule.pixels < kernel_.info->schedule.pixels))
        kernel_ = kernel;
    }
    weights_ = allocate_zeroed(step_of(*kernel_.info) * kChannels * weight_bits(*kernel_.info) / 8 + kSlackBytes);
    outputs_.resize(static_cast<size_t>(pixels() * kChannels));
    offsets_.resize(static_cast<size_t>(pixels()));
  }

  /// `fits_int16`: Arm: what the kernel is told of the results.
  void set_rescale(const FixedPoint& rescale, SumRange range, int32_t zero_point, Clamp clamp, bool fits_int16) {
    zero_point_ = zero_point;
    fits_int16_ = fits_int16;
    const std::vector<int32_t> biases(kChannels);
    const std::vector<SumRange> sums(kChannels, range);
    fill_channel_table(target_, {kChannels, {&rescale, 1}, biases, sums, zero_point, clamp}, kChannels, table());
  }

  void set_rescale(const FloatRescale& rescale, int32_t zero_point) {
    zero_point_ = zero_point;
    std::fill_n(table() + kScale * kChannels, kChannels, std::bit_cast<int32_t>(rescale.scale));
    std::fill_n(table() + kOffset * kChannels, kChannels, std::bit_cast<int32_t>(rescale.offset));
  }

  /// What becomes of the sums, one a channel: pixel after pixel.
  std::span<const uint8_t> operator()(std::span<const int32_t> sums, int32_t lo, int32_t hi) {
    std::ranges::copy(sums, table() + kBias * kChannels);
    const halide_type_t int32(halide_type_int, 32), activation = activation_halide_type(target_);
    const BufferArgument input(input_.get(), activation, {{INT32_MAX, 1}});
    const BufferArgument offsets(offsets_.data(), int32, {{pixels(), 1}});
    const int32_t one_step[kRunFields] = {0, 0, 1, 0};
    const BufferArgument runs(one_step, int32, {{kRunFields, 1}, {1, kRunFields}});
    const ConvolutionTile tile = tile_of(*kernel_.info);
    const int64_t depth = tile.depth / tile.word, packed = tile.packed_channels, step = tile.step / tile.word * packed;
    const BufferArgument weights(
        weights_.get(), halide_type_t(halide_type_int, static_cast<uint8_t>(tile.weight_bits * tile.word)),
        {{depth, 1}, {packed, depth}, {tile.step / tile.depth, depth * packed}, {1, step}, {kChannels / packed, step}});
    const BufferArgument channels(table(), int32, {{kChannels, 1}, {kChannelFields, kChannels}, {pixels(), 0}});
    const BufferArgument output(outputs_.data(), activation, {{kChannels, 1}, {pixels(), kChannels}, {1, 0}});
    const auto width = static_cast<int32_t>(pixels());
    const int32_t no_excess = 0;
    call(kernel_.function, input, offsets, runs, weights, channels, no_excess, fits_int16_, width, zero_point_, lo, hi,
         output);
    return outputs_;
  }

 private:
  int64_t pixels() const { return kernel_.info->schedule.pixels; }
  int32_t* table() { return reinterpret_cast<int32_t*>(table_.get()); }

  Target target_;
  Kernel kernel_;
  int32_t zero_point_ = 0, fits_int16_ = 0;
  std::shared_ptr<std::byte> table_ = allocate_zeroed(kChannelFields * kChannels * 4 + kSlackBytes), weights_,
                             input_ = allocate_zeroed(4096);
  std::vector<uint8_t> outputs_;
  std::vector<int32_t> offsets_;
};

/// For outputs from `least` on.
Clamp clamp_of(const Case& c, int32_t least) { return {c.relu ? c.zero_point + least : least, least + 255}; }

/// Every sum of the range, or every so manieth, through the kernel.
void expect_exact(KernelUnderTest& kernel, const Case& c, int32_t least, SumRange range, int64_t every = 1) {
  const int32_t zero_point = c.zero_point + least, lo = clamp_of(c, least).lo, hi = clamp_of(c, least).hi;
  const int64_t step = stride() * c.stride * every;
  std::vector<int32_t> sums(KernelUnderTest::kChannels);
  for (int64_t next = range.lo; next <= range.hi;) {
    for (int32_t& sum : sums) {
      sum = static_cast<int32_t>(std::min(next, range.hi));
      next += step;
    }
    const std::span<const uint8_t> outputs = kernel(sums, lo, hi), first = outputs.first(sums.size());
    for (size_t at = 0; at < outputs.size(); at += sums.size())
      ASSERT_TRUE(std::ranges::equal(first, outputs.subspan(at, sums.size()))) << "pixel " << at / sums.size();
    for (size_t i = 0; i < sums.size(); i++) {
      // In 64 bits: sums next to INT32_MAX have results next to it.
      const int64_t scaled = int64_t{reference::mbqm(sums[i], c.multiplier, -c.right)} + zero_point;
      const auto expected = static_cast<uint8_t>(std::clamp<int64_t>(scaled, lo, hi));
      if (outputs[i] != expected)
        FAIL() << "sum " << sums[i] << ", multiplier " << c.multiplier << ", right shift " << c.right << ", zero point "
               << zero_point << ": " << int{outputs[i]} << " instead of " << int{expected};
    }
  }
}

TEST_P(Rescale, EverySum) {
  const Target target = GetParam();
  const int32_t least = activation_type(target) == DataType::Int8 ? -128 : 0;
  KernelUnderTest kernel(target, /*in_float=*/false);
  for (const Case& c : kCases) {
    const FixedPoint rescale{c.multiplier, -c.right};
    const int32_t zero_point = c.zero_point + least;
    const SumRange range = range_of(rescale, zero_point, clamp_of(c, least),
                                    [&](const ChannelRescale& r) { return fast_rescale_holds(target, r); });
    kernel.set_rescale(rescale, range, zero_point, clamp_of(c, least), /*fits_int16=*/false);
    ASSERT_GT(range.hi, 1 << 20);
    expect_exact(kernel, c, least, range);
    if (HasFatalFailure()) return;
  }
}

// The clamp is the kernel's once all sums are known to fit: ReLUs below 6 too.
TEST_P(Rescale, EverySumWhoseResultFitsInt16) {
  const Target target = GetParam();
  if (!is_arm(target)) GTEST_SKIP() << "x86 narrows another way";
  KernelUnderTest kernel(target, /*in_float=*/false);
  for (const Case& c : kCases) {
    const FixedPoint rescale{c.multiplier, -c.right};
    const int32_t zero_point = c.zero_point - 128;
    const SumRange range = range_of(rescale, zero_point, clamp_of(c, -128), [&](const ChannelRescale& r) {
      return results_fit_int16(r, {0, 1});
    });
    const int32_t most = reference::mbqm(static_cast<int32_t>(range.hi), c.multiplier, -c.right);
    EXPECT_TRUE(range.hi == INT32_MAX || most >= INT16_MAX - 1) << most;
    kernel.set_rescale(rescale, range, zero_point, clamp_of(c, -128), /*fits_int16=*/true);
    expect_exact(kernel, c, -128, range);
    if (HasFatalFailure()) return;
  }
}

// What a ReLU makes its zero point is computed as 0, however far from it.
TEST(ResultsFitInt16, CountsWhatIsLeftOfThemByTheClamp) {
  const FixedPoint half{1 << 30, 0};
  const int32_t bias = 0;
  const auto fits = [&](SumRange sums, int32_t zero_point, Clamp clamp) {
    return results_fit_int16({1, {&half, 1}, {&bias, 1}, {&sums, 1}, zero_point, clamp}, {0, 1});
  };
  EXPECT_TRUE(fits({-65536, 65534}, 3, {-128, 127}));
  EXPECT_FALSE(fits({-65536, 65535}, 3, {-128, 127}));
  EXPECT_FALSE(fits({-65538, 65534}, 3, {-128, 127}));
  EXPECT_TRUE(fits({-1 << 30, 0}, -128, {-128, 127}));
  EXPECT_FALSE(fits({-1 << 30, 1}, -128, {-128, 127}));
  EXPECT_FALSE(fits({-1 << 30, 0}, -127, {-128, 127}));
  EXPECT_TRUE(fits({0, 1 << 30}, 127, {-128, 127}));
  EXPECT_FALSE(fits({int64_t{INT32_MIN} - 1, 0}, -128, {-128, 127}));
}

// Between the sums that float_rescale looks at nothing can change; every seventh is tried all the same.
TEST_P(Rescale, InFloat) {
  const Target target = GetParam();
  if (is_arm(target)) GTEST_SKIP() << "Arm rescales in fixed point only";
  KernelUnderTest kernel(target, /*in_float=*/true);
  const SumRange range{-(int64_t{1} << 30), int64_t{1} << 30};
  int found = 0;
  for (const Case& c : kCases) {
    const auto numbers = float_rescale(target, {c.multiplier, -c.right}, range, c.zero_point,
                                       {.lo = c.relu ? c.zero_point : 0, .hi = 255});
    if (!numbers) continue;
    found++;
    kernel.set_rescale(*numbers, c.zero_point);
    expect_exact(kernel, c, 0, range, /*every=*/7);
    if (HasFatalFailure()) return;
  }
  EXPECT_GE(found, 5);
}

/// What rescale_float says, in scalars.
int64_t in_float(int32_t sum, FloatRescale numbers, bool fused, int32_t zero_point) {
  const auto value = static_cast<float>(sum);
  const float offset = sum < 0 && zero_point != 0 ? -numbers.offset : numbers.offset;
  const volatile float product = value * numbers.scale;
  const float scaled = fused ? std::fma(value, numbers.scale, offset) : product + offset;
  return static_cast<int64_t>(std::trunc(scaled)) + zero_point;
}

// Multipliers as networks have them, one a channel: nearly all must be found, and those must be exact for every sum.
TEST_P(Rescale, FloatNumbersAreExact) {
  const Target target = GetParam();
  if (is_arm(target)) GTEST_SKIP() << "Arm rescales in fixed point only";
  std::mt19937 random(7);
  const auto between = [&](int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(random); };
  int found = 0;
  constexpr int kChannels = 400;
  for (int i = 0; i < kChannels; i++) {
    const FixedPoint rescale{static_cast<int32_t>(between(1 << 30, INT32_MAX)), static_cast<int32_t>(-between(-2, 8))};
    const auto zero_point = static_cast<int32_t>(std::max<int64_t>(0, between(-100, 255)));
    const int64_t middle = between(-50000, 50000), half = between(0, 50000);
    const SumRange range{middle - half, middle + half};
    const Clamp clamp{static_cast<int32_t>(between(0, zero_point)), static_cast<int32_t>(between(zero_point, 255))};
    const auto numbers = float_rescale(target, rescale, range, zero_point, clamp);
    if (!numbers) continue;
    found++;
    for (int64_t sum = range.lo; sum <= range.hi; sum++) {
      const auto small = static_cast<int32_t>(sum);
      const int64_t expected = int64_t{reference::mbqm(small, rescale.multiplier, rescale.shift)} + zero_point,
                    actual = in_float(small, *numbers, target != Target::Sse41, zero_point);
      ASSERT_EQ(std::clamp<int64_t>(actual, clamp.lo, clamp.hi), std::clamp<int64_t>(expected, clamp.lo, clamp.hi))
          << "sum " << sum << ", multiplier " << rescale.multiplier << ", shift " << rescale.shift << ", zero point "
          << zero_point;
    }
  }
  EXPECT_GE(found, kChannels * 9 / 10);
}

INSTANTIATE_TEST_SUITE_P(Targets, Rescale, testing::ValuesIn(targets_under_test()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace octet
