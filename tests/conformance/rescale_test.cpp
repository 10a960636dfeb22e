// The rescale of convolution kernels against the scalar reference, over every sum for which the runtime chooses it: all
// of int32 but for what fast_rescale_holds refuses. Multipliers, shifts, zero points and clamps are a spread of those
// that networks have, the extremes included. Sums reach the kernel as biases, with weights of 0.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
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

/// The least and greatest sum that the fast form takes. It takes all between them.
SumRange range_of(Target target, const FixedPoint& rescale, int32_t zero_point) {
  const auto holds = [&](int64_t largest) {
    const int32_t bias = 0;
    const SumRange sums{-largest, largest};
    return fast_rescale_holds(target, {1, {&rescale, 1}, {&bias, 1}, {&sums, 1}, zero_point});
  };
  int64_t largest = 0;
  for (int64_t bit = int64_t{1} << 30; bit > 0; bit /= 2)
    if (holds(largest + bit)) largest += bit;
  return {-largest, largest};
}

/// The convolution kernel for single pixels, all of whose channels have one rescale.
class KernelUnderTest {
 public:
  static constexpr int64_t kChannels = 4096;

  explicit KernelUnderTest(Target target) : target_(target), layout_(convolution_layout(target)) {
    for (const Kernel& kernel : find_kernels(Family::Convolution, target))
      if (kernel.info->schedule.pixels == 1) kernel_ = kernel;
    weights_ = allocate_zeroed(step_of(*kernel_.info) * kChannels * weight_bits(*kernel_.info) / 8 + kSlackBytes);
  }

  void set_rescale(const FixedPoint& rescale, SumRange range, int32_t zero_point) {
    zero_point_ = zero_point;
    const std::vector<int32_t> biases(kChannels);
    const std::vector<SumRange> sums(kChannels, range);
    fill_channel_table(target_, {kChannels, {&rescale, 1}, biases, sums, zero_point}, kChannels, table());
  }

  /// What becomes of the sums, one a channel.
  std::span<const uint8_t> operator()(std::span<const int32_t> sums, int32_t lo, int32_t hi) {
    std::ranges::copy(sums, table() + kBias * kChannels);
    const halide_type_t int32(halide_type_int, 32), activation = activation_halide_type(target_);
    const halide_type_t input_type = layout_.input_bits == 16 ? halide_type_t(halide_type_int, 16) : activation;
    const BufferArgument input(input_.get(), input_type, {{INT32_MAX, 1}});
    const BufferArgument offsets(&kZero, int32, {{1, 1}});
    const int32_t one_step[kRunFields] = {0, 0, 1, 0};
    const BufferArgument runs(one_step, int32, {{kRunFields, 1}, {1, kRunFields}});
    const int64_t depth = packed_depth(*kernel_.info), packed = packed_channels(*kernel_.info),
                  step = step_of(*kernel_.info);
    const BufferArgument weights(weights_.get(),
                                 halide_type_t(halide_type_int, static_cast<uint8_t>(weight_bits(*kernel_.info))),
                                 {{depth, 1},
                                  {packed, depth},
                                  {step / depth, depth * packed},
                                  {1, step * packed},
                                  {kChannels / packed, step * packed}});
    const BufferArgument channels(table(), int32, {{kChannels, 1}, {kChannelFields, kChannels}, {1, 0}});
    const BufferArgument output(output_.data(), activation, {{kChannels, 1}, {1, kChannels}, {1, 0}});
    call(kernel_.function, input, offsets, runs, weights, channels, kOne, zero_point_, lo, hi, output);
    return output_;
  }

 private:
  static constexpr int32_t kZero = 0, kOne = 1;

  int32_t* table() { return reinterpret_cast<int32_t*>(table_.get()); }

  Target target_;
  ConvolutionLayout layout_;
  Kernel kernel_;
  int32_t zero_point_ = 0;
  std::shared_ptr<std::byte> table_ = allocate_zeroed(kChannelFields * kChannels * 4 + kSlackBytes), weights_,
                             input_ = allocate_zeroed(4096);
  std::vector<uint8_t> output_ = std::vector<uint8_t>(kChannels);
};

TEST_P(Rescale, EverySum) {
  const Target target = GetParam();
  const bool is_signed = activation_type(target) == DataType::Int8;
  const int64_t step = stride();
  KernelUnderTest kernel(target);
  for (const Case& c : kCases) {
    const FixedPoint rescale{c.multiplier, -c.right};
    const int32_t least = is_signed ? -128 : 0, zero_point = c.zero_point + least, lo = c.relu ? zero_point : least,
                  hi = least + 255;
    const SumRange range = range_of(target, rescale, zero_point);
    kernel.set_rescale(rescale, range, zero_point);
    ASSERT_GT(range.hi, 1 << 20);
    std::vector<int32_t> sums(KernelUnderTest::kChannels);
    int64_t wrong = 0;
    for (int64_t next = range.lo; next <= range.hi && wrong == 0;) {
      for (int32_t& sum : sums) {
        sum = static_cast<int32_t>(std::min(next, range.hi));
        next += step * c.stride;
      }
      const std::span<const uint8_t> outputs = kernel(sums, lo, hi);
      for (size_t i = 0; i < sums.size(); i++) {
        // In 64 bits: sums next to INT32_MAX have results next to it.
        const int64_t scaled = int64_t{reference::mbqm(sums[i], c.multiplier, -c.right)} + zero_point;
        const auto expected = static_cast<int32_t>(std::clamp<int64_t>(scaled, lo, hi));
        if (outputs[i] == static_cast<uint8_t>(expected)) continue;
        if (wrong++ == 0)
          ADD_FAILURE() << "sum " << sums[i] << ", multiplier " << c.multiplier << ", right shift " << c.right
                        << ", zero point " << zero_point << ": " << int{outputs[i]} << " instead of " << expected;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Rescale, testing::ValuesIn(targets_under_test()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace octet
