// Networks of one operator, enumerated by construction: shapes, strides, dilations, paddings, types, activations and
// scales (down to those that the kernels' fast rescale cannot hold), against the scalar reference, on every target.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "models/builder.h"
#include "runtime/plan.h"
#include "tests/conformance/run.h"
#include "tests/reference/reference.h"
#include "tests/runtime/block_network.h"

namespace octet {
namespace {

/// The three type families of a convolution.
enum class Family8 { UInt8, Int8PerTensor, Int8PerChannel };
constexpr Family8 kFamilies[] = {Family8::UInt8, Family8::Int8PerTensor, Family8::Int8PerChannel};

DataType type_of(Family8 family) { return family == Family8::UInt8 ? DataType::UInt8 : DataType::Int8; }

/// Deterministic everywhere: the standard fixes mt19937's output, not that of distributions.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  int32_t integer(int32_t lo, int32_t hi) {  // both included
    return lo + static_cast<int32_t>(engine_() % static_cast<uint32_t>(hi - lo + 1));
  }
  float real(float lo, float hi) { return lo + (hi - lo) * static_cast<float>(engine_() % 65536) / 65536.0f; }
  template <typename T>
  std::vector<T> values(int64_t count, int32_t lo, int32_t hi) {
    std::vector<T> v(static_cast<size_t>(count));
    for (T& x : v) x = static_cast<T>(integer(lo, hi));
    return v;
  }
  Bytes bytes(int64_t count) {
    Bytes b(static_cast<size_t>(count));
    for (std::byte& x : b) x = static_cast<std::byte>(engine_() & 0xff);
    return b;
  }
  int32_t zero_point(DataType type) { return type == DataType::UInt8 ? integer(0, 255) : integer(-128, 127); }
  Quantization quantization(DataType type, float scale) { return quantized(scale, zero_point(type)); }

 private:
  std::mt19937 engine_;
};

class Enumerated : public testing::TestWithParam<Target> {
 protected:
  /// Random inputs through the reference and the target; equal to the bit.
  void expect_equal(const Model& model, Random& random, const std::string& what, const RunOptions& options) {
    std::vector<Bytes> inputs;
    for (const int32_t i : model.inputs) {
      const Tensor& t = model.tensors[static_cast<size_t>(i)];
      inputs.push_back(random.bytes(element_count(t.shape) * static_cast<int64_t>(size_of(t.type))));
    }
    expect_equal(model, inputs, what, options);
  }
  void expect_equal(const Model& model, Random& random, const std::string& what, int threads = 1) {
    expect_equal(model, random, what, RunOptions{.threads = threads});
  }

  void expect_equal(const Model& model, const std::vector<Bytes>& inputs, const std::string& what,
                    const RunOptions& options = {}) {
    const ReferenceResult reference = run_reference(model, inputs);
    for (const CoreKind cores : cores_) {
      RunOptions on_cores = options;
      on_cores.cores = cores;
      const std::vector<Bytes> actual = run_on(model, inputs, GetParam(), on_cores);
      for (size_t i = 0; i < actual.size(); i++) {
        const auto index = static_cast<size_t>(model.outputs[i]);
        ASSERT_EQ(difference(reference.tensors[index], actual[i], model.tensors[index].type), "")
            << what << ", " << name_of(cores);
      }
    }
    count_++;
  }

  void TearDown() override { std::cout << name_of(GetParam()) << ": " << count_ << " networks\n"; }

  /// On 64-bit Arm, convolutions have kernels of their own for in-order cores.
  void for_all_cores() {
    if (is_arm(GetParam())) cores_ = {CoreKind::OutOfOrder, CoreKind::InOrder};
  }

  int count_ = 0;
  std::vector<CoreKind> cores_ = {CoreKind::OutOfOrder};
};

/// How far the real multiplier lies from what trained networks have.
enum class Scale { Usual, AboveOne, Tiny };

struct Weights {
  int32_t filter, bias;
};

/// Filter and bias constants. `channel_axis`: of per-channel scales.
Weights add_weights(ModelBuilder& b, Random& random, Family8 family, std::vector<int32_t> shape, int32_t channel_axis,
                    float in_scale, bool extreme) {
  const int64_t count = element_count(shape);
  const int32_t channels = shape[static_cast<size_t>(channel_axis)];
  Weights w{};
  std::vector<float> scales{random.real(0.002f, 0.02f)};
  if (family == Family8::UInt8) {
    // Extreme zero points leave residuals that int8 does not hold.
    const Quantization q = quantized(scales[0], extreme ? random.integer(0, 1) * 255 : random.integer(100, 150));
    w.filter = b.constant<uint8_t>("filter", shape, random.values<uint8_t>(count, 0, 255), q);
  } else {
    Quantization q = quantized(scales[0], 0);
    if (family == Family8::Int8PerChannel) {
      scales.resize(static_cast<size_t>(channels));
      for (float& s : scales) s = random.real(0.001f, 0.03f);
      q = quantized(scales, channel_axis);
    }
    w.filter = b.constant<int8_t>("filter", shape, random.values<int8_t>(count, -127, 127), q);
  }
  for (float& s : scales) s *= in_scale;
  const Quantization q = scales.size() > 1 ? quantized(scales, 0) : quantized(scales[0], 0);
  w.bias = b.constant<int32_t>("bias", {channels}, random.values<int32_t>(channels, -20000, 20000), q);
  return w;
}

float out_scale(float in_scale, int64_t depth, Scale scale) {
  const float usual = in_scale * 0.01f * 40.0f * std::sqrt(static_cast<float>(depth));
  return scale == Scale::Usual ? usual : scale == Scale::AboveOne ? in_scale * 0.0002f : in_scale * 4e5f;
}

struct ConvCase {
  Family8 family;
  int32_t batch, size_h, size_w, in_c, out_c, k_h, k_w, stride, dilation;
  Padding padding;
  Activation activation;
  Scale scale = Scale::Usual;
  bool extreme = false, with_bias = true;
  int32_t groups = 1;

  std::string text() const {
    return std::to_string(static_cast<int>(family)) + " " + std::to_string(batch) + "x" + std::to_string(size_h) + "x" +
           std::to_string(size_w) + "x" + std::to_string(in_c) + " -> " + std::to_string(out_c) + " k " +
           std::to_string(k_h) + "x" + std::to_string(k_w) + " s " + std::to_string(stride) + " d " +
           std::to_string(dilation) + " pad " + std::to_string(static_cast<int>(padding)) + " act " +
           std::to_string(static_cast<int>(activation)) + " scale " + std::to_string(static_cast<int>(scale)) +
           " groups " + std::to_string(groups) + (extreme ? " extreme" : "");
  }
};

bool fits(const ConvCase& c) {
  return window_output(c.size_h, c.k_h, c.stride, c.padding, c.dilation) > 0 &&
         window_output(c.size_w, c.k_w, c.stride, c.padding, c.dilation) > 0;
}

Model convolution(const ConvCase& c, Random& random) {
  ModelBuilder b("conv");
  const DataType type = type_of(c.family);
  const float in_scale = random.real(0.01f, 0.1f);
  const int32_t x = b.input({"x", {c.batch, c.size_h, c.size_w, c.in_c}, type, random.quantization(type, in_scale)});
  const int32_t depth = c.in_c / c.groups;
  const Weights w = add_weights(b, random, c.family, {c.out_c, c.k_h, c.k_w, depth}, 0, in_scale, c.extreme);
  Conv2DOptions options{.padding = c.padding, .activation = c.activation};
  options.stride_w = options.stride_h = c.stride;
  options.dilation_w = options.dilation_h = c.dilation;
  const int32_t h = window_output(c.size_h, c.k_h, c.stride, c.padding, c.dilation);
  const int32_t wd = window_output(c.size_w, c.k_w, c.stride, c.padding, c.dilation);
  const float scale = out_scale(in_scale, int64_t{c.k_h} * c.k_w * depth, c.scale);
  b.output(b.op(OpCode::Conv2D, {x, w.filter, c.with_bias ? w.bias : -1}, options,
                {"y", {c.batch, h, wd, c.out_c}, type, random.quantization(type, scale)}));
  return b.build();
}

Model depthwise(const ConvCase& c, int32_t multiplier, Random& random) {
  ModelBuilder b("depthwise");
  const DataType type = type_of(c.family);
  const float in_scale = random.real(0.01f, 0.1f);
  const int32_t x = b.input({"x", {c.batch, c.size_h, c.size_w, c.in_c}, type, random.quantization(type, in_scale)});
  const int32_t out_c = c.in_c * multiplier;
  const Weights w = add_weights(b, random, c.family, {1, c.k_h, c.k_w, out_c}, 3, in_scale, c.extreme);
  DepthwiseConv2DOptions options{.padding = c.padding, .depth_multiplier = multiplier, .activation = c.activation};
  options.stride_w = options.stride_h = c.stride;
  options.dilation_w = options.dilation_h = c.dilation;
  const int32_t h = window_output(c.size_h, c.k_h, c.stride, c.padding, c.dilation);
  const int32_t wd = window_output(c.size_w, c.k_w, c.stride, c.padding, c.dilation);
  b.output(b.op(OpCode::DepthwiseConv2D, {x, w.filter, c.with_bias ? w.bias : -1}, options,
                {"y",
                 {c.batch, h, wd, out_c},
                 type,
                 random.quantization(type, out_scale(in_scale, int64_t{c.k_h} * c.k_w, c.scale))}));
  return b.build();
}

constexpr Activation kActivations[] = {Activation::None, Activation::Relu, Activation::Relu6, Activation::ReluN1To1};

TEST_P(Enumerated, Convolution) {
  for_all_cores();
  Random random(1);
  int i = 0;
  for (const Family8 family : kFamilies)
    for (const auto& [k_h, k_w] : {std::pair{1, 1}, {3, 3}, {2, 5}, {7, 7}})
      for (const int32_t stride : {1, 2, 3})
        for (const int32_t dilation : {1, 2})
          for (const Padding padding : {Padding::Same, Padding::Valid})
            for (const auto& [in_c, out_c] : {std::pair{1, 1}, {3, 17}, {8, 24}, {16, 64}, {33, 70}}) {
              ConvCase c{family, 1 + i % 2, 5 + i % 9, 6 + i % 7, in_c,    out_c,
                         k_h,    k_w,       stride,    dilation,  padding, kActivations[i % 4]};
              c.extreme = i % 5 == 0;
              c.with_bias = i % 3 != 0;
              c.scale = i % 7 == 3 ? Scale::AboveOne : i % 11 == 5 ? Scale::Tiny : Scale::Usual;
              i++;
              if (stride > 1 && dilation > 1) continue;  // the format allows it; TensorFlow does not
              if (fits(c)) expect_equal(convolution(c, random), random, c.text(), 1 + i % 3);
            }
}

TEST_P(Enumerated, PointwiseOfManyChannels) {
  for_all_cores();
  Random random(2);
  for (const Family8 family : kFamilies)
    for (const int32_t in_c : {1, 4, 8, 15, 16, 17, 24, 31, 32, 40, 64, 100, 256})
      for (const int32_t out_c : {1, 8, 15, 16, 31, 33, 48, 63, 65, 80, 129, 144}) {
        const ConvCase c{family, 1, 1 + in_c % 5,   1 + out_c % 7,   in_c, out_c, 1, 1,
                         1,      1, Padding::Valid, Activation::None};
        expect_equal(convolution(c, random), random, c.text(), 1 + out_c % 2);
      }
}

/// Of about as many weights as a call has room to widen on its stack (runtime/steps/widen.h), and of more.
TEST_P(Enumerated, WindowsOfManyWeights) {
  Random random(21);
  for (const Family8 family : kFamilies) {
    for (const int32_t in_c : {290, 560, 580, 1200}) {
      const ConvCase c{family, 1, 3, 4, in_c, 20, 3, 3, 1, 1, Padding::Same, Activation::None};
      expect_equal(convolution(c, random), random, c.text(), 1 + in_c / 10 % 2);
    }
    for (const int32_t k : {19, 50, 53}) {
      const ConvCase c{family, 1, k + 1, k, 70, 0, k, k, 1, 1, Padding::Valid, Activation::None};
      expect_equal(depthwise(c, 1, random), random, c.text(), 1 + k % 2);
    }
  }
}

/// Of fewer output channels than a vector has lanes, so that neighbouring pixels may pass for one.
TEST_P(Enumerated, ConvolutionOfFewOutputChannels) {
  for_all_cores();
  Random random(14);
  int i = 0;
  for (const Family8 family : kFamilies)
    for (const int32_t out_c : {2, 3, 4, 8})
      for (const int32_t width : {2, 4, 8, 12, 30, 32, 64})
        for (const int32_t k : {1, 3, 4})
          for (const int32_t stride : {1, 2}) {
            ConvCase c{family,
                       1 + i % 2,
                       5 + i % 4,
                       width * stride - i % 2 * (stride - 1),
                       3 + i % 3 * 5,
                       out_c,
                       k,
                       k,
                       stride,
                       1,
                       Padding::Same,
                       kActivations[i % 4]};
            c.extreme = i % 5 == 0;
            c.with_bias = i % 3 != 0;
            c.scale = i % 13 == 3 ? Scale::AboveOne : Scale::Usual;
            i++;
            expect_equal(convolution(c, random), random, c.text(), 1 + i % 3);
          }
}

/// Filters whose rows have few bytes, so that a pixel's may be packed side by side: more pixels than are packed at a
/// time, groups, taps that lie apart.
TEST_P(Enumerated, ConvolutionOfFewBytesARow) {
  for_all_cores();
  struct Filter {
    int32_t k_h, k_w, in_c, stride, dilation, groups;
  };
  const Filter filters[] = {{3, 3, 1, 1, 1, 1},  {10, 4, 1, 2, 1, 1}, {5, 5, 1, 1, 1, 1}, {3, 3, 2, 2, 1, 1},
                            {2, 3, 3, 1, 1, 1},  {3, 4, 4, 1, 1, 1},  {3, 3, 6, 1, 1, 1}, {3, 4, 8, 2, 1, 1},
                            {3, 3, 11, 1, 1, 1}, {2, 2, 3, 1, 2, 1},  {3, 3, 8, 1, 2, 1}, {1, 1, 6, 2, 1, 1},
                            {3, 3, 4, 1, 1, 4},  {3, 3, 9, 1, 1, 3},  {3, 3, 20, 1, 1, 2}};
  Random random(16);
  int i = 0;
  for (const Family8 family : kFamilies)
    for (const Filter& f : filters)
      for (const int32_t out_c : {5, 8, 16, 40}) {
        const bool large = i % 7 == 0;
        ConvCase c{family,
                   1 + i % 2,
                   large ? 75 : 11 + i % 3,
                   large ? 66 : 9 + i % 8,
                   f.in_c,
                   out_c * f.groups,
                   f.k_h,
                   f.k_w,
                   f.stride,
                   f.dilation,
                   i % 3 == 0 ? Padding::Valid : Padding::Same,
                   kActivations[i % 4]};
        c.groups = f.groups;
        c.extreme = i % 5 == 0;
        c.scale = i % 11 == 3 ? Scale::AboveOne : Scale::Usual;
        i++;
        expect_equal(convolution(c, random), random, c.text(), 1 + i % 3);
      }
}

TEST_P(Enumerated, GroupedConvolution) {
  for_all_cores();
  Random random(3);
  for (const Family8 family : kFamilies)
    for (const int32_t groups : {2, 3, 8}) {
      ConvCase c{family, 1, 9, 8, groups * 5, groups * 7, 3, 3, 1, 1, Padding::Same, Activation::Relu6};
      c.groups = groups;
      expect_equal(convolution(c, random), random, c.text(), 2);
    }
}

TEST_P(Enumerated, Depthwise) {
  Random random(4);
  int i = 0;
  for (const Family8 family : kFamilies)
    for (const auto& [k_h, k_w] : {std::pair{1, 1}, {3, 3}, {5, 5}, {2, 3}, {7, 4}})
      for (const int32_t stride : {1, 2, 3})
        for (const int32_t dilation : {1, 2})
          for (const Padding padding : {Padding::Same, Padding::Valid})
            for (const auto& [in_c, multiplier] :
                 {std::pair{1, 1}, {3, 8}, {8, 1}, {24, 1}, {32, 2}, {64, 1}, {100, 1}, {144, 1}}) {
              ConvCase c{family, 1 + i % 2, 7 + i % 10, 7 + i % 9, in_c,    0,
                         k_h,    k_w,       stride,     dilation,  padding, kActivations[i % 4]};
              c.extreme = i % 5 == 0;
              c.with_bias = i % 3 != 0;
              c.scale = i % 7 == 3 ? Scale::AboveOne : i % 11 == 5 ? Scale::Tiny : Scale::Usual;
              i++;
              if (stride > 1 && dilation > 1) continue;
              if (fits(c)) expect_equal(depthwise(c, multiplier, random), random, c.text(), 1 + i % 3);
            }
}

// What a block of channels has of weights beyond int8.
enum class Wide : uint8_t { None, All, OneTap, OneRow, TwoRows };

void widen(std::vector<uint8_t>& weights, int32_t k, int32_t channels, int32_t block, Wide wide, int32_t i) {
  const int32_t first = 64 * block, count = std::min(channels - first, 64);
  const auto at = [&](int32_t row, int32_t column, int32_t c) -> uint8_t& {
    return weights[static_cast<size_t>((row % k * k + column % k) * channels + first + c % count)];
  };
  for (int32_t tap = 0; wide == Wide::All && tap < k * k; tap++)
    for (int32_t c = 0; c < count; c++) at(tap / k, tap, c) = static_cast<uint8_t>((tap + c) % 2 * 255);
  if (wide == Wide::OneTap || wide == Wide::TwoRows) at(i, i + block, 7 * i) = 255;
  if (wide == Wide::TwoRows) at(i + 1, i, 7 * i) = 255;
  for (int32_t column = 0; wide == Wide::OneRow && column < k; column++) at(i, column, 21 * (i + column)) = 255;
}

// Blocks of channels of which some have weights beyond int8, all or few, some not; widths and heights around those of
// tiles.
TEST_P(Enumerated, DepthwiseOfManyChannels) {
  Random random(10);
  int i = 0;
  for (const int32_t channels : {16, 32, 48, 64, 96, 144, 192, 320, 1000})
    for (const int32_t k : {3, 5})
      for (const int32_t stride : {1, 2})
        for (const int32_t size : {3, 5, 8, 9, 14, 17, 7, 16, 4}) {
          ModelBuilder b("depthwise");
          const int32_t dilation = stride == 1 ? 1 + i / 2 % 4 / 2 * (1 + i % 3) : 1;
          const int32_t height = 1 + size % 7 + k, width = size;
          const int32_t x =
              b.input({"x", {1, height, width, channels}, DataType::UInt8, quantized(0.02f, i * 37 % 256)});
          std::vector<uint8_t> weights = random.values<uint8_t>(int64_t{k} * k * channels, 20, 220);
          for (int32_t block = 0; 64 * block < channels; block++) {
            constexpr Wide kFew[] = {Wide::OneTap, Wide::None, Wide::OneRow, Wide::TwoRows, Wide::OneTap};
            const Wide few = kFew[static_cast<size_t>(block + i / 2) % std::size(kFew)];
            const Wide wide = i % 2 == 0 ? few : block % 3 == i % 3 ? Wide::All : Wide::None;
            widen(weights, k, channels, block, wide, i / 2 + block / 3);
          }
          const int32_t filter = b.constant<uint8_t>("filter", {1, k, k, channels}, weights, quantized(0.01f, 110));
          const int32_t bias = b.constant<int32_t>("bias", {channels}, random.values<int32_t>(channels, -20000, 20000),
                                                   quantized(0.0002f, 0));
          DepthwiseConv2DOptions options{.padding = Padding::Same, .activation = kActivations[i % 4]};
          options.stride_w = options.stride_h = stride;
          options.dilation_w = options.dilation_h = dilation;
          const int32_t out_h = window_output(height, k, stride, Padding::Same, dilation);
          const int32_t out_w = window_output(width, k, stride, Padding::Same, dilation);
          b.output(b.op(
              OpCode::DepthwiseConv2D, {x, filter, bias}, options,
              {"y", {1, out_h, out_w, channels}, DataType::UInt8, quantized(0.05f, i % 5 == 0 ? 0 : i * 51 % 256)}));
          expect_equal(b.build(), random,
                       std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(channels) + " k " +
                           std::to_string(k) + " s " + std::to_string(stride) + " d " + std::to_string(dilation),
                       1 + i % 2);
          i++;
        }
}

TEST_P(Enumerated, FullyConnected) {
  Random random(5);
  for (const Family8 family : kFamilies)
    for (const int32_t batch : {1, 2, 9})
      for (const auto& [in, out] : {std::pair{1, 1}, {7, 10}, {64, 64}, {100, 33}, {1000, 129}}) {
        ModelBuilder b("fc");
        const DataType type = type_of(family);
        const float in_scale = random.real(0.01f, 0.1f);
        const int32_t x = b.input({"x", {batch, in}, type, random.quantization(type, in_scale)});
        const Weights w = add_weights(b, random, family, {out, in}, 0, in_scale, batch == 2);
        b.output(b.op(OpCode::FullyConnected, {x, w.filter, w.bias},
                      FullyConnectedOptions{.activation = Activation::Relu},
                      {"y", {batch, out}, type, random.quantization(type, out_scale(in_scale, in, Scale::Usual))}));
        expect_equal(b.build(), random,
                     std::to_string(batch) + " x " + std::to_string(in) + " -> " + std::to_string(out), 1 + batch % 2);
      }
}

/// Weights of which few are beyond int8: in one or all of a block's vectors of output channels, in the last input
/// channels, in several taps.
TEST_P(Enumerated, SinglePixelsWithFewWideWeights) {
  Random random(16);
  int i = 0;
  for (const int32_t k : {1, 2})
    for (const int32_t batch : {1, 3})
      for (const int32_t in_c : {3, 8, 30, 256})
        for (const int32_t out_c : {7, 16, 48, 130, 300, 1001})
          for (const int32_t wide : {1, 5, 40}) {
            ModelBuilder b("pixel");
            const int32_t zero = i % 2 == 0 ? 94 : 160, per_channel = k * k * in_c;
            const int32_t x = b.input({"x", {batch, k, k, in_c}, DataType::UInt8, quantized(0.02f, i * 37 % 256)});
            std::vector<uint8_t> weights = random.values<uint8_t>(int64_t{per_channel} * out_c, zero - 90, zero + 90);
            for (int32_t w = 0; w < wide; w++) {
              const int32_t c = w * 13 * (1 + i % 5) % out_c,
                            element = w % 3 == 0 ? per_channel - 1 : w * 29 % per_channel;
              weights[static_cast<size_t>(c * per_channel + element)] = zero < 128 ? 255 : 0;
            }
            const int32_t filter = b.constant<uint8_t>("filter", {out_c, k, k, in_c}, weights, quantized(0.01f, zero));
            const int32_t bias = b.constant<int32_t>("bias", {out_c}, random.values<int32_t>(out_c, -20000, 20000),
                                                     quantized(0.0002f, 0));
            b.output(b.op(OpCode::Conv2D, {x, filter, bias}, Conv2DOptions{.padding = Padding::Valid},
                          {"y", {batch, 1, 1, out_c}, DataType::UInt8, quantized(0.3f, i * 51 % 256)}));
            expect_equal(b.build(), random,
                         std::to_string(in_c) + " -> " + std::to_string(out_c) + ", " + std::to_string(wide),
                         1 + i % 2);
            i++;
          }
}

TEST_P(Enumerated, TransposeConvolution) {
  Random random(6);
  for (const Family8 family : kFamilies)
    for (const int32_t k : {1, 2, 3, 4})
      for (const int32_t stride : {1, 2, 3})
        for (const Padding padding : {Padding::Same, Padding::Valid})
          for (const auto& [in_c, out_c] : {std::pair{1, 1}, {5, 9}, {16, 33}}) {
            ModelBuilder b("transpose_conv");
            const DataType type = type_of(family);
            const float in_scale = random.real(0.01f, 0.1f);
            const int32_t h = 4, wd = 5;
            const int32_t oh = padding == Padding::Same ? h * stride : (h - 1) * stride + k;
            const int32_t ow = padding == Padding::Same ? wd * stride : (wd - 1) * stride + k;
            const int32_t shape = b.constant<int32_t>("shape", {4}, {1, oh, ow, out_c});
            const int32_t x = b.input({"x", {1, h, wd, in_c}, type, random.quantization(type, in_scale)});
            const Weights w = add_weights(b, random, family, {out_c, k, k, in_c}, 0, in_scale, false);
            Conv2DOptions options{.padding = padding};
            options.stride_w = options.stride_h = stride;
            b.output(b.op(OpCode::TransposeConv, {shape, w.filter, x, w.bias}, options,
                          {"y",
                           {1, oh, ow, out_c},
                           type,
                           random.quantization(type, out_scale(in_scale, int64_t{k} * k * in_c, Scale::Usual))}));
            expect_equal(b.build(), random, "k " + std::to_string(k) + " stride " + std::to_string(stride), 2);
          }
}

TEST_P(Enumerated, Elementwise) {
  Random random(7);
  using Shape = std::vector<int32_t>;
  const std::vector<std::array<Shape, 3>> shapes = {{Shape{1, 7, 5, 19}, {1, 7, 5, 19}, {1, 7, 5, 19}},
                                                    {Shape{1, 4, 4, 64}, {1, 1, 1, 64}, {1, 4, 4, 64}},
                                                    {Shape{1, 1, 1, 33}, {2, 3, 3, 33}, {2, 3, 3, 33}},
                                                    {Shape{2, 3, 1, 5}, {1, 3, 4, 1}, {2, 3, 4, 5}},
                                                    {Shape{3, 3, 3, 8}, {1}, {3, 3, 3, 8}},
                                                    {Shape{17}, {17}, {17}},
                                                    {Shape{1, 1}, {5, 70}, {5, 70}},
                                                    {Shape{2, 1, 3, 1, 2}, {2, 4, 1, 5, 1}, {2, 4, 3, 5, 2}}};
  for (const DataType type : {DataType::UInt8, DataType::Int8})
    for (const OpCode op : {OpCode::Add, OpCode::Sub, OpCode::Mul})
      for (const auto& s : shapes)
        for (int i = 0; i < 4; i++) {
          ModelBuilder b("elementwise");
          const float s1 = random.real(0.005f, 0.2f), s2 = random.real(0.005f, 0.2f);
          const float so = i == 3 ? 0.002f : op == OpCode::Mul ? s1 * s2 * 100.0f : std::max(s1, s2) * 1.7f;
          const int32_t x = b.input({"x", s[0], type, random.quantization(type, s1)});
          const int32_t y = b.input({"y", s[1], type, random.quantization(type, s2)});
          b.output(b.op(op, {x, y}, ElementwiseOptions{.activation = kActivations[i]},
                        {"z", s[2], type, random.quantization(type, so)}));
          expect_equal(b.build(), random, name_of(op) + " " + to_string(s[0]) + " " + to_string(s[1]), 1 + i % 2);
        }
}

/// Convolutions whose outputs only convolutions with a border read: pad_in_place.
TEST_P(Enumerated, ConvolutionsInARow) {
  Random random(11);
  int i = 0;
  const int32_t height = 7, width = 84;  // a multiple of most tiles
  for (const Family8 family : kFamilies)
    for (const int32_t channels : {1, 8, 24, 64, 70})
      for (const int32_t k : {2, 3, 5})
        for (const int32_t stride : {1, 2})
          for (const int32_t dilation : {1, 2}) {
            if (stride > 1 && dilation > 1) continue;
            ModelBuilder b("row");
            const DataType type = type_of(family);
            const bool extreme = i % 3 == 0;
            const float scale = random.real(0.01f, 0.1f);
            const int32_t x = b.input({"x", {1, height, width, 5}, type, random.quantization(type, scale)});
            const Weights first = add_weights(b, random, family, {channels, 1, 1, 5}, 0, scale, extreme);
            const float middle_scale = out_scale(scale, 5, i % 7 == 3 ? Scale::AboveOne : Scale::Usual);
            const int32_t middle =
                b.op(OpCode::Conv2D, {x, first.filter, first.bias}, Conv2DOptions{.activation = kActivations[i % 4]},
                     {"middle", {1, height, width, channels}, type, random.quantization(type, middle_scale)});
            const int32_t h = window_output(height, k, stride, Padding::Same, dilation);
            const int32_t w = window_output(width, k, stride, Padding::Same, dilation);
            const auto read_middle = [&](OpCode op, const std::string& name) {
              const bool is_depthwise = op == OpCode::DepthwiseConv2D;
              const int64_t depth = int64_t{k} * k * (is_depthwise ? 1 : channels);
              const int32_t out_c = is_depthwise ? channels : 9;
              const std::vector<int32_t> shape =
                  is_depthwise ? std::vector{1, k, k, channels} : std::vector{out_c, k, k, channels};
              const Weights weights =
                  add_weights(b, random, family, shape, is_depthwise ? 3 : 0, middle_scale, extreme);
              const auto with_options = [&](auto options) {
                options.stride_w = options.stride_h = stride;
                options.dilation_w = options.dilation_h = dilation;
                const float y_scale = out_scale(middle_scale, depth, Scale::Usual);
                b.output(b.op(op, {middle, weights.filter, weights.bias}, options,
                              {name, {1, h, w, out_c}, type, random.quantization(type, y_scale)}));
              };
              is_depthwise ? with_options(DepthwiseConv2DOptions{.padding = Padding::Same, .depth_multiplier = 1})
                           : with_options(Conv2DOptions{.padding = Padding::Same});
            };
            if (i % 3 != 1) read_middle(OpCode::DepthwiseConv2D, "y");
            if (i % 3 != 2) read_middle(OpCode::Conv2D, "z");
            expect_equal(b.build(), random, std::to_string(channels) + " k " + std::to_string(k), 1 + i % 3);
            i++;
          }
}

/// A kernel, and that of the same tile that rescales in fixed point, which channels may need.
std::vector<Kernel> with_fixed_twin(const Kernel& kernel, Target target) {
  std::vector<Kernel> tile{kernel};
  for (const Kernel& other : find_kernels(kernel.info->family, target)) {
    Schedule same = other.info->schedule;
    same.fixed_point = kernel.info->schedule.fixed_point;
    same.overlapping = kernel.info->schedule.overlapping;
    if (same == kernel.info->schedule && other.info->schedule.fixed_point) tile.push_back(other);
  }
  return tile;
}

/// By every kernel, of as many input channels as it takes at once, or some steps more where it begins with several:
/// pixels and channels that end within tiles, outputs that a border is left around.
TEST_P(Enumerated, PointwiseByEveryKernel) {
  struct Size {
    int32_t batch, height, width;
    bool bordered;
  };
  const Size sizes[] = {{1, 3, 7, false}, {2, 5, 13, false}, {1, 4, 10, true}, {1, 5, 9, true}};
  Random random(15);
  for_all_cores();
  for (const CoreKind cores : std::exchange(cores_, {CoreKind::OutOfOrder}))
    for (const Kernel& kernel : find_kernels(Family::Convolution, GetParam(), cores)) {
      const auto kernels = [&](size_t step, Family family) {
        const bool is_under_test = family == Family::Convolution && step == 0;
        return is_under_test ? with_fixed_twin(kernel, GetParam()) : find_kernels(family, GetParam());
      };
      const ConvolutionTile tile = tile_of(*kernel.info);
      int i = 0;
      for (const Family8 family : kFamilies)
        for (const Size& size : sizes) {
          const auto [batch, height, some_width, bordered] = size;
          // Where rows lie apart tiles do not cross their ends.
          const int32_t width = bordered && !tile.any_pixels ? tile.pixels : some_width;
          const int32_t first_steps = kernel.info->schedule.overlapping, more = first_steps > 0 ? i % 4 : 1;
          const int32_t in_c = tile.step * (first_steps + more), out_c = tile.channels * (1 + i % 2) - i % 3;
          ModelBuilder b("pointwise");
          const DataType type = type_of(family);
          const float in_scale = random.real(0.01f, 0.1f), scale = out_scale(in_scale, in_c, Scale::Usual);
          const int32_t x = b.input({"x", {batch, height, width, in_c}, type, random.quantization(type, in_scale)});
          const Weights w = add_weights(b, random, family, {out_c, 1, 1, in_c}, 0, in_scale, i % 3 == 0);
          const int32_t y =
              b.op(OpCode::Conv2D, {x, w.filter, w.bias}, Conv2DOptions{.activation = kActivations[i % 4]},
                   {"y", {batch, height, width, out_c}, type, random.quantization(type, scale)});
          if (bordered) {
            const Weights reader = add_weights(b, random, family, {1, 3, 3, out_c}, 0, scale, false);
            const float read_scale = out_scale(scale, int64_t{9} * out_c, Scale::Usual);
            b.output(b.op(OpCode::Conv2D, {y, reader.filter, reader.bias}, Conv2DOptions{.padding = Padding::Same},
                          {"z", {batch, height, width, 1}, type, random.quantization(type, read_scale)}));
          } else {
            b.output(y);
          }
          expect_equal(b.build(), random, std::string(kernel.info->name) + " " + std::to_string(i),
                       RunOptions{.threads = 1 + i % 3, .kernels = kernels});
          i++;
        }
    }
}

/// Convolutions whose outputs are added to another tensor, by every kernel that does both: channels and pixels that end
/// within tiles, borders, groups, outputs that a border is left around.
TEST_P(Enumerated, ConvolutionsAddedToATensor) {
  struct Case {
    int32_t batch, height, width, in_c, out_c, k, stride, groups;
    bool bordered;
  };
  // As many of them as make the ADD worth fusing. 1260 pixels are whole tiles of any kernel.
  const Case cases[] = {{1, 9, 23, 16, 64, 1, 1, 1, false},   {2, 9, 14, 32, 188, 1, 1, 1, false},
                        {1, 33, 25, 32, 64, 3, 2, 1, false},  {1, 2, 1260, 32, 64, 1, 1, 1, true},
                        {1, 1, 1260, 16, 188, 1, 1, 1, true}, {1, 13, 17, 32, 128, 3, 1, 2, false}};
  Random random(12);
  for (const Kernel& kernel : find_kernels(Family::ConvolutionAdd, GetParam())) {
    int fused = 0, networks = 0;
    const auto kernels = [&](size_t, Family family) {
      if (family != Family::ConvolutionAdd) return find_kernels(family, GetParam());
      fused++;
      return with_fixed_twin(kernel, GetParam());
    };
    for (const Family8 family : kFamilies)
      for (const Case& c : cases) {
        const bool overlaps = kernel.info->schedule.overlapping > 0;
        if (c.groups > 1 && (takes_pixel_pairs(*kernel.info) || overlaps)) continue;
        const int32_t in_c = overlaps ? c.in_c * 2 : c.in_c;
        ModelBuilder b("added");
        const DataType type = type_of(family);
        const float scale = random.real(0.01f, 0.1f);
        const Quantization q = random.quantization(type, scale);
        const int32_t x = b.input({"x", {c.batch, c.height, c.width, in_c}, type, q});
        const int32_t depth = in_c / c.groups;
        const Weights w = add_weights(b, random, family, {c.out_c, c.k, c.k, depth}, 0, scale, networks % 3 == 0);
        Conv2DOptions options{.padding = Padding::Same, .activation = kActivations[networks / 4 % 2]};
        options.stride_w = options.stride_h = c.stride;
        const std::vector<int32_t> shape{c.batch, window_output(c.height, c.k, c.stride, Padding::Same),
                                         window_output(c.width, c.k, c.stride, Padding::Same), c.out_c};
        const float result_scale = out_scale(scale, int64_t{c.k} * c.k * depth, Scale::Usual);
        const int32_t result = b.op(OpCode::Conv2D, {x, w.filter, w.bias}, options,
                                    {"result", shape, type, random.quantization(type, result_scale)});
        const int32_t other = b.input({"other", shape, type, random.quantization(type, result_scale * 0.8f)});
        const float sum_scale = result_scale * 1.3f;
        const int32_t sum = b.op(OpCode::Add, {networks % 2 == 0 ? result : other, networks % 2 == 0 ? other : result},
                                 ElementwiseOptions{.activation = kActivations[networks % 4]},
                                 {"sum", shape, type, random.quantization(type, sum_scale)});
        if (c.bordered) {
          const Weights reader = add_weights(b, random, family, {1, 3, 3, c.out_c}, 0, sum_scale, false);
          b.output(b.op(OpCode::Conv2D, {sum, reader.filter, reader.bias}, Conv2DOptions{.padding = Padding::Same},
                        {"y",
                         {c.batch, shape[1], shape[2], 1},
                         type,
                         random.quantization(type, out_scale(sum_scale, int64_t{9} * c.out_c, Scale::Usual))}));
        } else {
          b.output(sum);
        }
        expect_equal(b.build(), random, std::string(kernel.info->name) + " " + std::to_string(networks),
                     RunOptions{.threads = 1 + networks % 3, .kernels = kernels});
        networks++;
        EXPECT_EQ(fused, networks) << kernel.info->name << " " << c.out_c;
      }
  }
}

/// Blocks band by band, in bands of few rows and of nearly all: what is kept from one to the next, borders, rows and
/// pixels that bands and tiles do not divide.
TEST_P(Enumerated, BlocksInBands) {
  Random random(13);
  int i = 0, fused = 0;
  const auto expect_bands = [&](const BlockNetwork& network) {
    const Model model = block_network(network, static_cast<uint32_t>(i));
    PlanOptions options;
    options.target = GetParam();
    options.fuse_blocks_bytes = INT64_MAX;
    const std::vector<BlockMemory> whole = Plan::make(model, options)->layer_blocks();
    ASSERT_EQ(whole.size(), 1U);
    for (const int64_t percent : {25, 60, 95}) {
      options.fuse_blocks_bytes = whole[0].weight_bytes + whole[0].apart_bytes * percent / 100;
      if (Plan::make(model, options)->layer_blocks().at(0).fused()) fused++;
      const RunOptions run{.threads = 1 + i % 3, .fuse_blocks_bytes = options.fuse_blocks_bytes};
      expect_equal(model, random, std::to_string(i) + ", " + std::to_string(percent) + " %", run);
    }
    i++;
  };
  for (const DataType type : {DataType::Int8, DataType::UInt8})
    for (const auto& [k, stride, dilation] :
         {std::tuple{3, 1, 1}, {3, 2, 1}, {5, 1, 1}, {5, 2, 1}, {3, 1, 2}, {1, 2, 1}})
      for (const Padding padding : {Padding::Same, Padding::Valid})
        for (const auto& [height, width, channels, out_c] :
             {std::tuple{23, 19, 24, 24}, {22, 25, 7, 33}, {27, 28, 64, 16}}) {
          BlockShape block{.expanded = channels * 3, .out_c = out_c};
          block.k = k, block.stride = stride, block.dilation = dilation, block.padding = padding;
          if (i % 4 == 1) block.expanded = 0;
          if (i % 5 == 2) block.multiplier = 2;
          block.adds = stride == 1 && padding == Padding::Same && channels == out_c;
          expect_bands({.type = type, .height = height, .width = width, .channels = channels, .blocks = {block}});
        }
  EXPECT_GE(fused, 2 * i);
}

TEST_P(Enumerated, SumsOfAllPairs) {
  Random random(10);
  const std::vector<int32_t> shape{256, 256};
  // Scales of any size; of one size; in small ratios, whose sums often lie half-way between two outputs; all the same.
  const auto scales = [&](int i) -> std::array<float, 3> {
    const auto small = [&] { return static_cast<float>(random.integer(1, 8)); };
    const float s1 = random.real(0.01f, 0.2f), s2 = random.real(0.01f, 0.2f);
    if (i % 4 == 0) return {s1, s2, std::max(s1, s2) * random.real(0.5f, 2.0f)};
    if (i % 4 == 1) return {s1, s1, s1 * 2};
    if (i % 4 == 2) return {small(), small(), small()};
    return {s1, s1, s1};
  };
  for (const DataType type : {DataType::UInt8, DataType::Int8})
    for (const OpCode op : {OpCode::Add, OpCode::Sub})
      for (int i = 0; i < 32; i++) {
        ModelBuilder b("sums");
        const auto [s1, s2, so] = scales(i);
        const int32_t x = b.input({"x", shape, type, random.quantization(type, s1)});
        const int32_t y = b.input({"y", shape, type, random.quantization(type, s2)});
        b.output(b.op(op, {x, y}, ElementwiseOptions{.activation = kActivations[i / 4 % 4]},
                      {"z", shape, type, random.quantization(type, so)}));
        std::vector<Bytes> inputs(2);
        for (int32_t pair = 0; pair < 65536; pair++) {
          inputs[0].push_back(static_cast<std::byte>(pair));
          inputs[1].push_back(static_cast<std::byte>(pair >> 8));
        }
        expect_equal(b.build(), inputs, name_of(op) + " " + std::to_string(i));
      }
}

TEST_P(Enumerated, Pools) {
  Random random(8);
  for (const DataType type : {DataType::UInt8, DataType::Int8})
    for (const OpCode op : {OpCode::AveragePool2D, OpCode::MaxPool2D})
      for (const auto& [k_h, k_w] : {std::pair{1, 1}, {2, 2}, {3, 3}, {7, 7}, {1, 4}, {12, 12}})
        for (const int32_t stride : {1, 2})
          for (const Padding padding : {Padding::Same, Padding::Valid})
            for (const int32_t channels : {1, 9, 32, 70}) {
              if (window_output(12, k_h, stride, padding) <= 0 || window_output(13, k_w, stride, padding) <= 0)
                continue;
              ModelBuilder b("pool");
              const Quantization q = random.quantization(type, 0.05f);
              const int32_t x = b.input({"x", {2, 12, 13, channels}, type, q});
              PoolOptions options{.padding = padding, .activation = kActivations[channels % 4]};
              options.stride_w = options.stride_h = stride;
              options.filter_h = k_h;
              options.filter_w = k_w;
              b.output(
                  b.op(op, {x}, options,
                       {"y",
                        {2, window_output(12, k_h, stride, padding), window_output(13, k_w, stride, padding), channels},
                        type,
                        q}));
              expect_equal(b.build(), random, name_of(op) + " " + std::to_string(k_h), 1 + channels % 2);
            }
}

TEST_P(Enumerated, Mean) {
  Random random(9);
  for (const DataType type : {DataType::UInt8, DataType::Int8})
    for (const auto& axes : std::vector<std::vector<int32_t>>{{1, 2}, {3}, {0}, {1, 2, 3}, {2}, {0, 1, 2, 3}, {-3, -2}})
      for (const int32_t channels : {1, 10, 64, 130})
        for (const bool keep_dims : {true, false}) {
          ModelBuilder b("mean");
          const std::vector<int32_t> shape{2, 7, 5, channels};
          std::vector<int32_t> out;
          for (int32_t d = 0; d < 4; d++) {
            const bool reduced = std::ranges::count(axes, d) + std::ranges::count(axes, d - 4) > 0;
            if (!reduced) out.push_back(shape[static_cast<size_t>(d)]);
            if (reduced && keep_dims) out.push_back(1);
          }
          const float scale = random.real(0.01f, 0.1f);
          const int32_t x = b.input({"x", shape, type, random.quantization(type, scale)});
          const int32_t a = b.constant<int32_t>("axes", {static_cast<int32_t>(axes.size())}, axes);
          b.output(b.op(OpCode::Mean, {x, a}, MeanOptions{.keep_dims = keep_dims},
                        {"y", out, type, random.quantization(type, scale * random.real(0.3f, 1.5f))}));
          expect_equal(b.build(), random, "mean of " + std::to_string(axes.size()) + " axes", 2);
        }
}

INSTANTIATE_TEST_SUITE_P(Targets, Enumerated, testing::ValuesIn(targets_under_test()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace octet
