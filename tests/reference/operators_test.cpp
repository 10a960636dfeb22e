// Operators and corners that the recorded cases do not have, on values small enough to be worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "models/builder.h"
#include "tests/reference/reference.h"

namespace octet {
namespace {

using Shape = std::vector<int32_t>;

template <typename T>
std::vector<std::byte> bytes(const std::vector<T>& values) {
  const std::span<const std::byte> view = std::as_bytes(std::span(values));
  return {view.begin(), view.end()};
}

template <typename T>
std::vector<T> values(const std::vector<std::byte>& bytes) {
  std::vector<T> result(bytes.size() / sizeof(T));
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

template <typename T>
std::vector<T> counting(size_t count, T first = 0) {
  std::vector<T> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

/// A model of one operator: its first input is fed, the others are constants.
class OneOperator {
 public:
  template <typename T>
  OneOperator(Shape shape, std::vector<T> fed, Quantization quantization = {}) : fed_(bytes(fed)) {
    inputs_.push_back(builder_.input({"in", std::move(shape), kDataTypeOf<T>, std::move(quantization)}));
  }

  template <typename T>
  OneOperator& constant(Shape shape, std::vector<T> contents, Quantization quantization = {}) {
    inputs_.push_back(builder_.constant<T>("constant", std::move(shape), std::span<const T>(contents), quantization));
    return *this;
  }

  /// TRANSPOSE_CONV and SPLIT have their data last.
  OneOperator& data_last() {
    std::rotate(inputs_.begin(), inputs_.begin() + 1, inputs_.end());
    return *this;
  }

  template <typename T>
  std::vector<T> run(OpCode code, Options options, Shape shape, Quantization quantization = {}) {
    builder_.output(builder_.op(code, inputs_, options,
                                TensorSpec{"out", std::move(shape), kDataTypeOf<T>, std::move(quantization)}));
    return values<T>(outputs().at(0));
  }

  template <typename T>
  std::vector<std::vector<T>> run_all(OpCode code, Options options, const std::vector<Shape>& shapes) {
    std::vector<TensorSpec> specs;
    for (const Shape& shape : shapes) specs.push_back({"out", shape, kDataTypeOf<T>});
    for (const int32_t output : builder_.op(code, inputs_, options, specs)) builder_.output(output);
    std::vector<std::vector<T>> result;
    for (const std::vector<std::byte>& contents : outputs()) result.push_back(values<T>(contents));
    return result;
  }

 private:
  std::vector<std::vector<std::byte>> outputs() {
    const Model model = builder_.build();
    const ReferenceResult result = run_reference(model, {&fed_, 1});
    std::vector<std::vector<std::byte>> contents;
    for (const int32_t output : model.outputs) contents.push_back(result.tensors.at(static_cast<size_t>(output)));
    return contents;
  }

  ModelBuilder builder_{"one operator"};
  std::vector<int32_t> inputs_;
  std::vector<std::byte> fed_;
};

using U8 = std::vector<uint8_t>;
using S8 = std::vector<int8_t>;
using S32 = std::vector<int32_t>;
using S64 = std::vector<int64_t>;
using F32 = std::vector<float>;

TEST(Convolution, GroupsReadTheirOwnChannels) {
  // Two groups of two channels; each output channel sums its group.
  const S8 out = OneOperator(Shape{1, 1, 1, 4}, S8{1, 2, 30, 40}, quantized(1, 0))
                     .constant<int8_t>({2, 1, 1, 2}, {1, 1, 1, 1}, quantized(1, 0))
                     .constant<int32_t>({2}, {0, 5})
                     .run<int8_t>(OpCode::Conv2D, Conv2DOptions{}, {1, 1, 1, 2}, quantized(1, 0));
  EXPECT_EQ(out, (S8{3, 75}));
}

TEST(Convolution, PaddingIsTheZeroPoint) {
  // 3x3 ones over a 2x2 image whose values are 1 above Z: every output sees all four pixels.
  const U8 out = OneOperator(Shape{1, 2, 2, 1}, U8{101, 101, 101, 101}, quantized(1, 100))
                     .constant<uint8_t>({1, 3, 3, 1}, U8(9, 8), quantized(1, 7))
                     .constant<int32_t>({1}, {0})
                     .run<uint8_t>(OpCode::Conv2D, Conv2DOptions{}, {1, 2, 2, 1}, quantized(1, 10));
  EXPECT_EQ(out, (U8{14, 14, 14, 14}));
}

TEST(Convolution, MultiplierAboveOne) {
  const S8 out = OneOperator(Shape{1, 1, 1, 3}, S8{1, -2, 3}, quantized(1, 0))
                     .constant<int8_t>({1, 1, 1, 3}, {5, 5, 5}, quantized(1, 0))
                     .constant<int32_t>({3}, {0, 0, 0})
                     .run<int8_t>(OpCode::DepthwiseConv2D, DepthwiseConv2DOptions{}, {1, 1, 1, 3}, quantized(0.25f, 0));
  EXPECT_EQ(out, (S8{20, -40, 60}));
}

TEST(FullyConnected, ScalePerChannel) {
  const S8 out = OneOperator(Shape{2, 2}, S8{10, 20, -10, 4}, quantized(0.5f, 0))
                     .constant<int8_t>({2, 2}, {1, 1, 1, 1}, quantized({1.0f, 0.25f}, 0))
                     .run<int8_t>(OpCode::FullyConnected, FullyConnectedOptions{}, {2, 2}, quantized(0.5f, 1));
  EXPECT_EQ(out, (S8{31, 9, -5, -1}));  // 30 and 30/4 (half away from zero), -6 and -6/4
}

TEST(FullyConnected, KeepsDimensions) {
  const S8 out = OneOperator(Shape{2, 1, 2}, S8{1, 2, 3, 4}, quantized(1, 0))
                     .constant<int8_t>({1, 2}, {1, 1}, quantized(1, 0))
                     .run<int8_t>(OpCode::FullyConnected, FullyConnectedOptions{.keep_num_dims = true}, {2, 1, 1},
                                  quantized(1, 0));
  EXPECT_EQ(out, (S8{3, 7}));
}

TEST(TransposeConv, SpreadsPixels) {
  const U8 out = OneOperator(Shape{1, 1, 2, 1}, U8{1, 2}, quantized(1, 0))
                     .constant<int32_t>({4}, {1, 1, 5, 1})
                     .constant<uint8_t>({1, 1, 3, 1}, {1, 10, 100}, quantized(1, 0))
                     .data_last()
                     .run<uint8_t>(OpCode::TransposeConv, Conv2DOptions{.padding = Padding::Valid, .stride_w = 2},
                                   {1, 1, 5, 1}, quantized(1, 0));
  EXPECT_EQ(out, (U8{1, 10, 102, 20, 200}));
}

TEST(Elementwise, BroadcastsSixDimensions) {
  const S8 out = OneOperator(Shape{2, 1, 1, 1, 1, 2}, S8{1, 2, 10, 20}, quantized(1, 0))
                     .constant<int8_t>({2, 1, 1}, {0, 100}, quantized(1, 0))
                     .run<int8_t>(OpCode::Add, ElementwiseOptions{}, {2, 1, 1, 2, 1, 2}, quantized(1, 0));
  EXPECT_EQ(out, (S8{1, 2, 101, 102, 10, 20, 110, 120}));
}

TEST(Elementwise, IntegersAndFloats) {
  EXPECT_EQ((OneOperator(Shape{3}, S32{1, -5, 2147483647})
                 .constant<int32_t>({1}, {1})
                 .run<int32_t>(OpCode::Add, ElementwiseOptions{}, {3})),
            (S32{2, -4, -2147483648}));
  EXPECT_EQ((OneOperator(Shape{3}, F32{1, -5, 4})
                 .constant<float>({1}, {2})
                 .run<float>(OpCode::Mul, ElementwiseOptions{Activation::Relu6}, {3})),
            (F32{2, 0, 6}));
}

TEST(Elementwise, SubtractsWithMultiplierAboveOne) {
  const S8 out = OneOperator(Shape{2}, S8{3, -3}, quantized(1, 0))
                     .constant<int8_t>({1}, {1}, quantized(1, 0))
                     .run<int8_t>(OpCode::Sub, ElementwiseOptions{}, {2}, quantized(1.0f / 1048576, 0));
  EXPECT_EQ(out, (S8{127, -128}));
}

TEST(Activation, ReluN1To1) {
  const U8 out = OneOperator(Shape{5}, U8{0, 118, 128, 133, 255}, quantized(0.1f, 128))
                     .run<uint8_t>(OpCode::ReluN1To1, NoOptions{}, {5}, quantized(0.1f, 128));
  EXPECT_EQ(out, (U8{118, 118, 128, 133, 138}));
}

TEST(Softmax, ManyEqualLogits) {
  // 1 / 1001 is below half a step: every output is the lowest value.
  const S8 out = OneOperator(Shape{1, 1001}, S8(1001, 3), quantized(0.1f, 0))
                     .run<int8_t>(OpCode::Softmax, SoftmaxOptions{}, {1, 1001}, quantized(1.0f / 256, -128));
  EXPECT_EQ(out, S8(1001, -128));
}

TEST(Pooling, AveragesOnlyInsideAndRoundsAwayFromZero) {
  const PoolOptions options{.filter_w = 2};
  EXPECT_EQ((OneOperator(Shape{1, 1, 3, 1}, S8{-3, -2, 1}, quantized(1, 0))
                 .run<int8_t>(OpCode::AveragePool2D, options, {1, 1, 3, 1}, quantized(1, 0))),
            (S8{-3, -1, 1}));  // -2.5, -0.5, and 1 alone
}

TEST(Mean, SeveralAxes) {
  EXPECT_EQ((OneOperator(Shape{2, 2, 2}, S8{1, 2, 3, 4, 5, 6, 7, 8}, quantized(1, 0))
                 .constant<int32_t>({2}, {0, -1})
                 .run<int8_t>(OpCode::Mean, MeanOptions{}, {2}, quantized(0.5f, 0))),
            (S8{7, 11}));
}

TEST(Conversion, Cast) {
  EXPECT_EQ((OneOperator(Shape{4}, F32{1.9f, -1.9f, 0, 200}).run<int8_t>(OpCode::Cast, CastOptions{}, {4})),
            (S8{1, -1, 0, -56}));
  EXPECT_EQ((OneOperator(Shape{3}, U8{0, 7, 255}).run<float>(OpCode::Cast, CastOptions{}, {3})), (F32{0, 7, 255}));
  EXPECT_EQ((OneOperator(Shape{3}, S32{-1, 256, 5}).run<int64_t>(OpCode::Cast, CastOptions{}, {3})), (S64{-1, 256, 5}));
}

TEST(Conversion, SignFlips) {
  EXPECT_EQ((OneOperator(Shape{3}, U8{0, 128, 255}, quantized(0.1f, 128))
                 .run<int8_t>(OpCode::Quantize, NoOptions{}, {3}, quantized(0.1f, 0))),
            (S8{-128, 0, 127}));
}

TEST(Movement, SqueezeAndExpandDims) {
  EXPECT_EQ((OneOperator(Shape{1, 3, 1}, S32{1, 2, 3}).run<int32_t>(OpCode::Squeeze, SqueezeOptions{{-1}}, {1, 3})),
            (S32{1, 2, 3}));
  EXPECT_EQ((OneOperator(Shape{3}, S32{1, 2, 3})
                 .constant<int32_t>({}, {-1})
                 .run<int32_t>(OpCode::ExpandDims, NoOptions{}, {3, 1})),
            (S32{1, 2, 3}));
}

TEST(Movement, Slice) {
  EXPECT_EQ((OneOperator(Shape{3, 4}, counting<int32_t>(12))
                 .constant<int32_t>({2}, {1, 1})
                 .constant<int32_t>({2}, {-1, 2})
                 .run<int32_t>(OpCode::Slice, NoOptions{}, {2, 2})),
            (S32{5, 6, 9, 10}));
}

TEST(Movement, StridedSliceMasks) {
  const auto slice = [](S32 begin, S32 end, S32 step, StridedSliceOptions options, Shape shape) {
    const auto entries = static_cast<int32_t>(begin.size());
    return OneOperator(Shape{2, 3, 4}, counting<int32_t>(24))
        .constant<int32_t>({entries}, begin)
        .constant<int32_t>({entries}, end)
        .constant<int32_t>({entries}, step)
        .run<int32_t>(OpCode::StridedSlice, options, std::move(shape));
  };
  EXPECT_EQ(slice({0, 0, 3}, {2, 1, 0}, {1, 1, -2}, {}, {2, 1, 2}), (S32{3, 1, 15, 13}));
  EXPECT_EQ(slice({0, 0, 0}, {0, 0, 0}, {-1, 1, -3}, {.begin_mask = 7, .end_mask = 7}, {2, 3, 2}),
            (S32{15, 12, 19, 16, 23, 20, 3, 0, 7, 4, 11, 8}));
  EXPECT_EQ(slice({0, -1}, {0, 0}, {1, 1}, {.ellipsis_mask = 1, .shrink_axis_mask = 2}, {2, 3}),
            (S32{3, 7, 11, 15, 19, 23}));
  EXPECT_EQ(slice({1, 0, 2}, {2, 0, 3}, {1, 1, 1}, {.new_axis_mask = 2, .shrink_axis_mask = 1}, {1, 1, 4}),
            (S32{20, 21, 22, 23}));
}

TEST(Movement, DepthToSpaceUndoesSpaceToDepth) {
  const S32 image = counting<int32_t>(16);
  const S32 blocks =
      OneOperator(Shape{1, 2, 4, 2}, image).run<int32_t>(OpCode::SpaceToDepth, BlockOptions{2}, {1, 1, 2, 8});
  EXPECT_EQ(blocks, (S32{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15}));
  EXPECT_EQ((OneOperator(Shape{1, 1, 2, 8}, blocks).run<int32_t>(OpCode::DepthToSpace, BlockOptions{2}, {1, 2, 4, 2})),
            image);
}

TEST(Movement, Tile) {
  EXPECT_EQ((OneOperator(Shape{2, 2}, S64{1, 2, 3, 4})
                 .constant<int32_t>({2}, {1, 2})
                 .run<int64_t>(OpCode::Tile, NoOptions{}, {2, 4})),
            (S64{1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST(Movement, PackAndUnpack) {
  EXPECT_EQ((OneOperator(Shape{2}, F32{1, 2})
                 .constant<float>({2}, {3, 4})
                 .run<float>(OpCode::Pack, PackOptions{2, -1}, {2, 2})),
            (F32{1, 3, 2, 4}));
  EXPECT_EQ((OneOperator(Shape{2, 3}, counting<int32_t>(6))
                 .run_all<int32_t>(OpCode::Unpack, UnpackOptions{3, 1}, {{2}, {2}, {2}})),
            (std::vector<S32>{{0, 3}, {1, 4}, {2, 5}}));
}

TEST(Movement, Gather) {
  EXPECT_EQ((OneOperator(Shape{2, 3}, counting<int32_t>(6))
                 .constant<int32_t>({2, 2}, {2, 0, 1, 1})
                 .run<int32_t>(OpCode::Gather, GatherOptions{1, 0}, {2, 2, 2})),
            (S32{2, 0, 1, 1, 5, 3, 4, 4}));
  EXPECT_EQ((OneOperator(Shape{2, 3}, counting<int32_t>(6))
                 .constant<int64_t>({2, 2}, {2, 0, 1, 1})
                 .run<int32_t>(OpCode::Gather, GatherOptions{1, 1}, {2, 2})),
            (S32{2, 0, 4, 4}));
}

TEST(Movement, PadsWithTheZeroPointOrTheGivenValue) {
  const auto make = [] {
    return OneOperator(Shape{1, 2}, U8{1, 2}, quantized(1, 9)).constant<int32_t>({2, 2}, {0, 1, 1, 0});
  };
  EXPECT_EQ((make().run<uint8_t>(OpCode::Pad, NoOptions{}, {2, 3}, quantized(1, 9))), (U8{9, 1, 2, 9, 9, 9}));
  EXPECT_EQ((make()
                 .constant<uint8_t>({1}, {77}, quantized(1, 9))
                 .run<uint8_t>(OpCode::PadV2, NoOptions{}, {2, 3}, quantized(1, 9))),
            (U8{77, 1, 2, 77, 77, 77}));
}

TEST(Movement, Concatenation) {
  EXPECT_EQ((OneOperator(Shape{2, 1}, S64{1, 4})
                 .constant<int64_t>({2, 2}, {2, 3, 5, 6})
                 .run<int64_t>(OpCode::Concatenation, ConcatenationOptions{-1}, {2, 3})),
            (S64{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ((OneOperator(Shape{1}, U8{20}, quantized(0.5f, 10))
                 .constant<uint8_t>({1}, {20}, quantized(1, 0))
                 .run<uint8_t>(OpCode::Concatenation, ConcatenationOptions{}, {2}, quantized(1, 0))),
            (U8{5, 20}));
}

template <typename F>
std::string error_of(F f) {
  try {
    f();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "";
}

TEST(Errors, SayWhichOperatorAndWhy) {
  EXPECT_EQ(error_of([] {
              OneOperator(Shape{2}, S32{1, 2}).run<int32_t>(OpCode{92}, NoOptions{}, {2});
            }),
            "reference: operator 0 (OP_92) is not an operator of the reference");
  EXPECT_EQ(error_of([] {
              OneOperator(Shape{2}, S32{1, 2}).constant<int32_t>({1}, {2}).run<int32_t>(OpCode::Tile, NoOptions{}, {3});
            }),
            "reference: operator 0 (TILE) computes 4 where its output says 3");
  EXPECT_NE(error_of([] {
              OneOperator(Shape{1}, S8{1}, quantized(1, 0))
                  .constant<int8_t>({1}, {1}, quantized(2, 0))
                  .run<int8_t>(OpCode::Concatenation, ConcatenationOptions{}, {2}, quantized(1, 0));
            }),
            "");
  EXPECT_NE(error_of([] {
              OneOperator(Shape{1}, S8{1}, quantized(1, 0))
                  .constant<int8_t>({1}, {1}, quantized(1, 0))
                  .run<int8_t>(OpCode::Add, ElementwiseOptions{Activation::Tanh}, {1}, quantized(1, 0));
            }),
            "");
  const ModelBuilder empty("empty");
  EXPECT_NE(error_of([&] { run_reference(empty.build(), std::vector<std::vector<std::byte>>(1)); }), "");
}

}  // namespace
}  // namespace octet
