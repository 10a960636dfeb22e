// Every kernel that is built, by name: what it computes, for which target, with which schedule. Plain data, no Halide:
// the kernel compiler builds from it, the runtime dispatches by it, tests and benchmarks enumerate it.
//
// Adding a kernel: one entry in kManifest, and its schedule function in schedules/<family of targets>.cpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/target.h"
#include "schedules/layouts.h"

namespace octet {

/// What a kernel computes. The argument list of each family is in generators/<family>.h.
enum class Family : uint8_t {
  Convolution,     // sums and rescale, 8-bit out
  ConvolutionAdd,  // its outputs and another tensor added up, as by Sum
  ConvolutionSum,  // the same sums as int32: for rescales that the fast form cannot hold
  Requantize,      // int32 sums to 8 bits, exact for every multiplier and shift
  Depthwise,       // filter and stride of its schedule; weights whose parts fit the layout
  DepthwiseAny,    // any filter, stride, dilation
  DepthwiseSum,    // the same, int32 out
  Sum,             // ADD, SUB as one affine form
  SumAny,          // any factors
  Product,         // MUL
  AveragePool,
  MaxPool,
  Mean,
};

/// How a kernel goes about it.
struct Schedule {
  int8_t pixels = 1;         // output pixels of a register tile
  int8_t vectors = 1;        // vectors of output channels of a register tile
  int8_t step = 0;           // input channels that a turn of the inner loop takes; 0: packed_depth
  int8_t depth = 0;          // consecutive input channels of an output channel that lie together; 0: the target's
  bool in_order = false;     // Arm: for in-order cores, without loads of two registers, for which these wait longer
  bool fixed_point = false;  // x86: of the rescale (rescales_in_float)
  // Depthwise:
  int8_t filter = 0;  // rows and columns
  int8_t stride = 0;  // 0: any
  int8_t rows = 1;    // output rows that an interleaved column serves
  int8_t parts = 1;   // summands a weight is split into
  // Where columns are shared: the image's pixels that pass for one. Dotprod's convolutions: those whose channels, a
  // step of each, one load has.
  int8_t joined = 1;
  bool sliding = false;  // AVX-512: a pixel's last columns stay in registers as the next one's first
  // AVX-512's convolutions: so many steps in which a tile's results are narrowed and stored while the next one's sums
  // are added up; these are written out. All runs of the kernel's layer are known (compiler/), or the first has as
  // many.
  int8_t overlapping = 0;

  bool operator==(const Schedule&) const = default;
};

struct KernelInfo {
  std::string_view name;  // <operator>_<activation type>_x<pixels>c<vectors>_<target>
  Family family;
  Target target;
  Schedule schedule{};
};

constexpr ConvolutionLayout convolution_layout(Target target) {
  switch (target) {
    case Target::Sse41:
      return {2, 4};
    case Target::Avx2:
      return {2, 8};
    case Target::Avx512Vnni:
      return {4, 16};
    case Target::Neon:
      return {16, 4};
    case Target::Dotprod:
      return {4, 4};
    case Target::I8mm:
      return {8, 4};
  }
  return {};
}

/// Consecutive input channels of one output channel that lie together in a convolution kernel's packed weights.
constexpr int packed_depth(const KernelInfo& kernel) {
  return kernel.schedule.depth != 0 ? kernel.schedule.depth : convolution_layout(kernel.target).depth;
}

/// Consecutive input channels that it takes at once: those of a tap are padded (weights 0) to a multiple of it.
constexpr int step_of(const KernelInfo& kernel) {
  return kernel.schedule.step != 0 ? kernel.schedule.step : packed_depth(kernel);
}

/// NEON: whether it multiplies vectors of input channels (smull, smlal2, sadalp) rather than each by a vector of output
/// channels (smlal by element), which has fewer products an instruction, but no sums to join afterwards.
constexpr bool adds_pairs(const KernelInfo& kernel) {
  return kernel.target == Target::Neon && packed_depth(kernel) > 1;
}

/// Consecutive input channels that AVX2's kernels of bytes have together; its kernels of int16, and SSE4.1's, have two.
inline constexpr int kBytesDepth = 4;

/// AVX2: whether it multiplies bytes (vpmaddubsw) and adds the products of k, k + 1, k + 4, k + 5, .. of a step in 16
/// bits, before they are widened (vpmaddwd by 1). The more channels a step has the fewer instructions it takes, and the
/// more steps of further parts: weights have to be small enough for these sums (runtime/ops/weight_parts.h).
constexpr bool adds_bytes(const KernelInfo& kernel) {
  return kernel.target == Target::Avx2 && packed_depth(kernel) == kBytesDepth;
}

/// AVX2, SSE4.1: whether it multiplies words, for weights of any size, and so takes activations as int16.
constexpr bool widens(const KernelInfo& kernel) {
  return (kernel.target == Target::Avx2 || kernel.target == Target::Sse41) && !adds_bytes(kernel);
}

/// i8mm: whether it multiplies two pixels by two output channels at once (smmla), and so takes pixels in pairs.
constexpr bool takes_pixel_pairs(const KernelInfo& kernel) { return kernel.target == Target::I8mm; }

/// x86: whether it rescales in floating point (generators/rescale.h). The runtime finds out which channels that is
/// exact for; convolutions of the others take the kernel of the same tile that rescales in fixed point, and so do
/// single pixels: finding out would take longer than they do.
constexpr bool rescales_in_float(const KernelInfo& kernel) {
  return !is_arm(kernel.target) && !kernel.schedule.fixed_point &&
         (kernel.family == Family::Convolution || kernel.family == Family::ConvolutionAdd ||
          kernel.family == Family::Depthwise);
}

/// x86: whether another tensor is added to a convolution's results before these are narrowed, as what they are
/// multiplied as is wider. Where AVX-512 narrows four vectors at once, it pairs bytes four vectors at once too.
constexpr bool adds_wide(const KernelInfo& kernel) {
  return !is_arm(kernel.target) && !(kernel.target == Target::Avx512Vnni && kernel.schedule.vectors % 4 == 0);
}

/// x86, of single pixels: whether each vector of output channels has its own runs of what weights leave over, as no
/// other pixel shares what is loaded for them: so many fewer steps are mostly 0.
constexpr bool takes_excess_by_vector(const KernelInfo& kernel) {
  return !is_arm(kernel.target) && !adds_bytes(kernel) && kernel.schedule.pixels == 1;
}

/// Whether it takes what weights leave over in runs of one group of `depth` channels behind all others, rather than of
/// a step; so do Arm's that multiply by element.
constexpr bool takes_excess_apart(const KernelInfo& kernel) {
  return takes_excess_by_vector(kernel) || (is_arm(kernel.target) && !adds_pairs(kernel) && !takes_pixel_pairs(kernel));
}

/// Output channels whose packed weights lie side by side, step after step. Pairs are for one vector after the other.
constexpr int packed_channels(const KernelInfo& kernel) {
  const int lanes = convolution_layout(kernel.target).lanes;
  return adds_pairs(kernel) ? lanes : lanes * kernel.schedule.vectors;
}

/// Bits of the weights that it takes; of 16, the runtime keeps bytes where it can (runtime/steps/widen.h). Widened ones
/// cost the kernel no instruction more; but what comes once for each pixel, as in fully-connected layers, waits for
/// memory, and half as many bytes come sooner.
constexpr int weight_bits(const KernelInfo& kernel) {
  return packed_depth(kernel) == 1 || (widens(kernel) && kernel.schedule.pixels > 1) ? 16 : 8;
}

/// Bytes of input channels that it sees as one element of its weights.
constexpr int word_bytes(const KernelInfo& kernel) {
  return takes_pixel_pairs(kernel) ? 8 : adds_bytes(kernel) ? 4 : 1;
}

constexpr ConvolutionTile tile_of(const KernelInfo& kernel) {
  return {.pixels = kernel.schedule.pixels,
          .channels = kernel.schedule.vectors * convolution_layout(kernel.target).lanes,
          .any_pixels = is_arm(kernel.target),
          .widened = widens(kernel),
          .pairs = takes_pixel_pairs(kernel),
          .step = step_of(kernel),
          .excess_apart = takes_excess_apart(kernel),
          .excess_step = takes_excess_apart(kernel) ? packed_depth(kernel) : step_of(kernel),
          .excess_vectors = takes_excess_by_vector(kernel) ? kernel.schedule.vectors : 1,
          .depth = packed_depth(kernel),
          .packed_channels = packed_channels(kernel),
          .weight_bits = weight_bits(kernel),
          .word = word_bytes(kernel)};
}

constexpr DepthwiseLayout depthwise_layout(Target target) {
  switch (target) {
    case Target::Sse41:
      return {16, 2, 4, 16};
    case Target::Avx2:
      return {16, 2, 8, 32};
    case Target::Avx512Vnni:
      return {8, 4, 16, 64};
    case Target::Neon:
      return {8, 1, 16, 16};
    case Target::Dotprod:
    case Target::I8mm:
      return {8, 4, 16, 16};
  }
  return {};
}

/// On Arm, 32 bits hold the total.
constexpr SumLayout sum_layout(Target target) {
  return is_arm(target) ? SumLayout{22, 8, 511} : SumLayout{28, 15, INT16_MAX};
}

/// Which channel of its block lies at `position` of the weights and tables that a depthwise kernel reads. Where
/// Family::Depthwise interleaves bytes within 16-byte lanes (schedules/x86_lanes.h), they are in the order this makes.
constexpr int64_t depthwise_channel(const KernelInfo& kernel, int64_t position) {
  if (kernel.family != Family::Depthwise) return position;
  if (kernel.target == Target::Avx512Vnni) return position % 16 / 4 * 16 + position / 16 * 4 + position % 4;
  if (kernel.target == Target::Avx2) return position / 8 % 2 * 16 + position / 16 * 8 + position % 8;
  return position;
}

/// Groups of `depth` rows in an interleaved column of Family::Depthwise.
constexpr int depthwise_groups(Target target, const Schedule& s) {
  const int depth = depthwise_layout(target).depth;
  return (s.stride * (s.rows - 1) + s.filter + depth - 1) / depth;
}

/// Whether pixels share interleaved columns, which are then counted as the image's are.
constexpr bool shares_columns(const Schedule& s) { return s.pixels > 1 || s.sliding; }

/// Pixels of a row that a kernel has room for whose columns slide, of longer ones in several calls, and so many
/// columns, up to whole vectors of int32: it looks up where each begins.
inline constexpr int kSlidingPixels = 14;
constexpr int sliding_columns(const Schedule& s) { return (s.stride * (kSlidingPixels - 1) + s.filter + 15) / 16 * 16; }

/// AVX-512, 3x3: whether columns are interleaved in registers rather than on the stack.
constexpr bool stays_in_registers(Target target, const Schedule& s) {
  return target == Target::Avx512Vnni && s.filter == 3 && s.pixels <= 2;
}

/// AVX-512: whether second parts of weights are stored and multiplied only for panels of channels that have some
/// (kSecondParts says where), so that the others cost next to no more than with a kernel of one part.
constexpr bool splits_by_panel(Target target, const Schedule& s) {
  return target == Target::Avx512Vnni && s.parts == 2 && shares_columns(s);
}

/// AVX-512: whether sums are counted by panel of channels, each being a vector of them.
constexpr bool sums_by_panel(Target target, const Schedule& s) {
  return stays_in_registers(target, s) || splits_by_panel(target, s);
}

/// AVX-512: whether both rows of outputs that a column serves take the same weights: the lower 0 w0 w1 w2 as they lie,
/// the upper w0 w1 w2 0, which is these shifted by a byte.
constexpr bool shares_weights(Target target, const Schedule& s) {
  return target == Target::Avx512Vnni && s.rows == 2 && s.stride == 1 && depthwise_groups(target, s) == 1;
}

/// AVX2, SSE4.1: whether the second row of outputs that a column serves takes the first's weights moved on by a row of
/// the image.
constexpr bool moves_weights(Target target, const Schedule& s) {
  return depthwise_layout(target).weight_bits == 16 && s.rows == 2 && s.stride == 1 && s.parts == 1;
}

/// Parts of a weight that lie in one panel of Family::Depthwise.
constexpr int parts_in_panel(Target target, const Schedule& s) { return splits_by_panel(target, s) ? 1 : s.parts; }

/// Groups of weights of a channel that lie in one panel.
constexpr int depthwise_taps(Target target, const Schedule& s) {
  return s.filter * depthwise_groups(target, s) * parts_in_panel(target, s) * (shares_weights(target, s) ? 1 : s.rows);
}

/// AVX-512: whether a column has one row of the filter twice, whose weights so may be in two parts. Which one, a
/// section of channels says (doubled_row): that comes last, twice, and the filter's last row in its place.
constexpr bool doubles_row(Target target, const Schedule& s) {
  return target == Target::Avx512Vnni && s.filter == 3 && s.rows == 1 && s.parts == 1;
}

// clang-format off
inline constexpr KernelInfo kManifest[] = {
    {"conv_u8_x5c4_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 5, .vectors = 4}},
    {"conv_u8_x5c4_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 5, .vectors = 4, .fixed_point = true}},
    {"conv_u8_x9c3_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 9, .vectors = 3}},
    {"conv_u8_x9c3_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 9, .vectors = 3, .fixed_point = true}},
    {"conv_u8_x5c5_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 5, .vectors = 5}},
    {"conv_u8_x5c5_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 5, .vectors = 5, .fixed_point = true}},
    {"conv_u8_x14c2_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 14, .vectors = 2}},
    {"conv_u8_x14c2_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 14, .vectors = 2, .fixed_point = true}},
    {"conv_u8_x7c2_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 7, .vectors = 2}},
    {"conv_u8_x7c2_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 7, .vectors = 2, .fixed_point = true}},
    {"conv_u8_x7c2_overlapping8_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 7, .vectors = 2, .overlapping = 8}},
    {"conv_u8_x7c2_overlapping3_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 7, .vectors = 2, .overlapping = 3}},
    {"conv_u8_x4c4_overlapping7_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 4, .vectors = 4, .overlapping = 7}},
    {"conv_u8_x4c4_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 4, .vectors = 4, .fixed_point = true}},
    {"conv_u8_x14c1_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 14, .vectors = 1}},
    {"conv_u8_x14c1_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 14, .vectors = 1, .fixed_point = true}},
    {"conv_u8_x13c2_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 13, .vectors = 2}},
    {"conv_u8_x13c2_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 13, .vectors = 2, .fixed_point = true}},
    {"conv_u8_x9c2_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 9, .vectors = 2}},
    {"conv_u8_x9c2_fixed_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 9, .vectors = 2, .fixed_point = true}},
    {"conv_u8_x1c9_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 1, .vectors = 9, .fixed_point = true}},
    {"conv_u8_x1c8_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 1, .vectors = 8, .fixed_point = true}},
    {"conv_u8_x1c1_avx512vnni", Family::Convolution, Target::Avx512Vnni, {.pixels = 1, .vectors = 1, .fixed_point = true}},
    {"conv_add_u8_x4c4_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 4, .vectors = 4}},
    {"conv_add_u8_x4c4_fixed_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 4, .vectors = 4, .fixed_point = true}},
    {"conv_add_u8_x4c4_overlapping7_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 4, .vectors = 4, .overlapping = 7}},
    {"conv_add_u8_x9c3_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 9, .vectors = 3}},
    {"conv_add_u8_x9c3_fixed_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 9, .vectors = 3, .fixed_point = true}},
    {"conv_add_u8_x5c5_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 5, .vectors = 5}},
    {"conv_add_u8_x5c5_fixed_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 5, .vectors = 5, .fixed_point = true}},
    {"conv_add_u8_x14c2_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 14, .vectors = 2}},
    {"conv_add_u8_x14c2_fixed_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 14, .vectors = 2, .fixed_point = true}},
    {"conv_add_u8_x7c2_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 7, .vectors = 2}},
    {"conv_add_u8_x7c2_fixed_avx512vnni", Family::ConvolutionAdd, Target::Avx512Vnni, {.pixels = 7, .vectors = 2, .fixed_point = true}},
    {"conv_sum_u8_x7c2_avx512vnni", Family::ConvolutionSum, Target::Avx512Vnni, {.pixels = 7, .vectors = 2}},
    {"requantize_u8_avx512vnni", Family::Requantize, Target::Avx512Vnni},
    {"depthwise_u8_3x3s1_sliding_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 1, .rows = 1, .parts = 1, .sliding = true}},
    {"depthwise_u8_3x3s1_joined2_x2_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 1, .joined = 2}},
    {"depthwise_u8_3x3s1_joined4_x2_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 1, .joined = 4}},
    {"depthwise_u8_3x3s1_joined8_x2_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 1, .joined = 8}},
    {"depthwise_u8_3x3s1_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s2_sliding_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1, .sliding = true}},
    {"depthwise_u8_3x3s2_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_5x5s1_x4_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 4, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s1_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s2_x4_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 4, .filter = 5, .stride = 2, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s2_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 5, .stride = 2, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s1_sliding_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 1, .rows = 1, .parts = 2, .sliding = true}},
    {"depthwise_u8_3x3s1_joined2_x2_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 2, .joined = 2}},
    {"depthwise_u8_3x3s1_joined4_x2_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 2, .joined = 4}},
    {"depthwise_u8_3x3s1_joined8_x2_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 2, .joined = 8}},
    {"depthwise_u8_3x3s1_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 2}},
    {"depthwise_u8_3x3s2_sliding_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 2, .sliding = true}},
    {"depthwise_u8_3x3s2_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 2}},
    {"depthwise_u8_5x5s1_x4_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 4, .filter = 5, .stride = 1, .rows = 2, .parts = 2}},
    {"depthwise_u8_5x5s1_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 5, .stride = 1, .rows = 2, .parts = 2}},
    {"depthwise_u8_5x5s2_x4_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 4, .filter = 5, .stride = 2, .rows = 2, .parts = 2}},
    {"depthwise_u8_5x5s2_split_avx512vnni", Family::Depthwise, Target::Avx512Vnni, {.pixels = 1, .filter = 5, .stride = 2, .rows = 2, .parts = 2}},
    {"depthwise_u8_any_avx512vnni", Family::DepthwiseAny, Target::Avx512Vnni},
    {"depthwise_sum_u8_any_avx512vnni", Family::DepthwiseSum, Target::Avx512Vnni},
    {"sum_u8_avx512vnni", Family::Sum, Target::Avx512Vnni},
    {"sum_u8_any_avx512vnni", Family::SumAny, Target::Avx512Vnni},
    {"product_u8_avx512vnni", Family::Product, Target::Avx512Vnni},
    {"average_pool_u8_avx512vnni", Family::AveragePool, Target::Avx512Vnni},
    {"max_pool_u8_avx512vnni", Family::MaxPool, Target::Avx512Vnni},
    {"mean_u8_avx512vnni", Family::Mean, Target::Avx512Vnni},

    {"conv_u8_x6c2k8_avx2", Family::Convolution, Target::Avx2, {.pixels = 6, .vectors = 2, .step = 8, .depth = kBytesDepth}},
    {"conv_u8_x6c2k8_fixed_avx2", Family::Convolution, Target::Avx2, {.pixels = 6, .vectors = 2, .step = 8, .depth = kBytesDepth, .fixed_point = true}},
    {"conv_u8_x3c2k16_avx2", Family::Convolution, Target::Avx2, {.pixels = 3, .vectors = 2, .step = 16, .depth = kBytesDepth}},
    {"conv_u8_x3c2k16_fixed_avx2", Family::Convolution, Target::Avx2, {.pixels = 3, .vectors = 2, .step = 16, .depth = kBytesDepth, .fixed_point = true}},
    {"conv_i16_x6c2_avx2", Family::Convolution, Target::Avx2, {.pixels = 6, .vectors = 2}},
    {"conv_i16_x6c2_fixed_avx2", Family::Convolution, Target::Avx2, {.pixels = 6, .vectors = 2, .fixed_point = true}},
    {"conv_i16_x5c2_avx2", Family::Convolution, Target::Avx2, {.pixels = 5, .vectors = 2}},
    {"conv_i16_x5c2_fixed_avx2", Family::Convolution, Target::Avx2, {.pixels = 5, .vectors = 2, .fixed_point = true}},
    {"conv_i16_x12c1_avx2", Family::Convolution, Target::Avx2, {.pixels = 12, .vectors = 1}},
    {"conv_i16_x12c1_fixed_avx2", Family::Convolution, Target::Avx2, {.pixels = 12, .vectors = 1, .fixed_point = true}},
    {"conv_i16_x1c8_avx2", Family::Convolution, Target::Avx2, {.pixels = 1, .vectors = 8, .fixed_point = true}},
    {"conv_i16_x1c1_avx2", Family::Convolution, Target::Avx2, {.pixels = 1, .vectors = 1, .fixed_point = true}},
    {"conv_add_u8_x6c2k8_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 6, .vectors = 2, .step = 8, .depth = kBytesDepth}},
    {"conv_add_u8_x6c2k8_fixed_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 6, .vectors = 2, .step = 8, .depth = kBytesDepth, .fixed_point = true}},
    {"conv_add_u8_x3c2k16_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 3, .vectors = 2, .step = 16, .depth = kBytesDepth}},
    {"conv_add_u8_x3c2k16_fixed_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 3, .vectors = 2, .step = 16, .depth = kBytesDepth, .fixed_point = true}},
    {"conv_add_i16_x6c2_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 6, .vectors = 2}},
    {"conv_add_i16_x6c2_fixed_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 6, .vectors = 2, .fixed_point = true}},
    {"conv_add_i16_x5c2_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 5, .vectors = 2}},
    {"conv_add_i16_x5c2_fixed_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 5, .vectors = 2, .fixed_point = true}},
    {"conv_add_i16_x12c1_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 12, .vectors = 1}},
    {"conv_add_i16_x12c1_fixed_avx2", Family::ConvolutionAdd, Target::Avx2, {.pixels = 12, .vectors = 1, .fixed_point = true}},
    {"conv_sum_i16_x6c2_avx2", Family::ConvolutionSum, Target::Avx2, {.pixels = 6, .vectors = 2}},
    {"requantize_u8_avx2", Family::Requantize, Target::Avx2},
    {"depthwise_u8_3x3s1_x7_avx2", Family::Depthwise, Target::Avx2, {.pixels = 7, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s1_x4_avx2", Family::Depthwise, Target::Avx2, {.pixels = 4, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s1_avx2", Family::Depthwise, Target::Avx2, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s2_x7_avx2", Family::Depthwise, Target::Avx2, {.pixels = 7, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_3x3s2_x4_avx2", Family::Depthwise, Target::Avx2, {.pixels = 4, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_3x3s2_avx2", Family::Depthwise, Target::Avx2, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_5x5s1_x4_avx2", Family::Depthwise, Target::Avx2, {.pixels = 4, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s1_avx2", Family::Depthwise, Target::Avx2, {.pixels = 1, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s2_x4_avx2", Family::Depthwise, Target::Avx2, {.pixels = 4, .filter = 5, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_5x5s2_avx2", Family::Depthwise, Target::Avx2, {.pixels = 1, .filter = 5, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_any_avx2", Family::DepthwiseAny, Target::Avx2},
    {"depthwise_sum_u8_any_avx2", Family::DepthwiseSum, Target::Avx2},
    {"sum_u8_avx2", Family::Sum, Target::Avx2},
    {"sum_u8_any_avx2", Family::SumAny, Target::Avx2},
    {"product_u8_avx2", Family::Product, Target::Avx2},
    {"average_pool_u8_avx2", Family::AveragePool, Target::Avx2},
    {"max_pool_u8_avx2", Family::MaxPool, Target::Avx2},
    {"mean_u8_avx2", Family::Mean, Target::Avx2},

    {"conv_i16_x6c2_sse41", Family::Convolution, Target::Sse41, {.pixels = 6, .vectors = 2}},
    {"conv_i16_x6c2_fixed_sse41", Family::Convolution, Target::Sse41, {.pixels = 6, .vectors = 2, .fixed_point = true}},
    {"conv_i16_x12c1_sse41", Family::Convolution, Target::Sse41, {.pixels = 12, .vectors = 1}},
    {"conv_i16_x12c1_fixed_sse41", Family::Convolution, Target::Sse41, {.pixels = 12, .vectors = 1, .fixed_point = true}},
    {"conv_i16_x1c8_sse41", Family::Convolution, Target::Sse41, {.pixels = 1, .vectors = 8, .fixed_point = true}},
    {"conv_i16_x1c1_sse41", Family::Convolution, Target::Sse41, {.pixels = 1, .vectors = 1, .fixed_point = true}},
    {"conv_add_i16_x6c2_sse41", Family::ConvolutionAdd, Target::Sse41, {.pixels = 6, .vectors = 2}},
    {"conv_add_i16_x6c2_fixed_sse41", Family::ConvolutionAdd, Target::Sse41, {.pixels = 6, .vectors = 2, .fixed_point = true}},
    {"conv_add_i16_x12c1_sse41", Family::ConvolutionAdd, Target::Sse41, {.pixels = 12, .vectors = 1}},
    {"conv_add_i16_x12c1_fixed_sse41", Family::ConvolutionAdd, Target::Sse41, {.pixels = 12, .vectors = 1, .fixed_point = true}},
    {"conv_sum_i16_x6c2_sse41", Family::ConvolutionSum, Target::Sse41, {.pixels = 6, .vectors = 2}},
    {"requantize_u8_sse41", Family::Requantize, Target::Sse41},
    {"depthwise_u8_3x3s1_x7_sse41", Family::Depthwise, Target::Sse41, {.pixels = 7, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s1_x4_sse41", Family::Depthwise, Target::Sse41, {.pixels = 4, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s1_sse41", Family::Depthwise, Target::Sse41, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_3x3s2_x7_sse41", Family::Depthwise, Target::Sse41, {.pixels = 7, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_3x3s2_x4_sse41", Family::Depthwise, Target::Sse41, {.pixels = 4, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_3x3s2_sse41", Family::Depthwise, Target::Sse41, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_5x5s1_x4_sse41", Family::Depthwise, Target::Sse41, {.pixels = 4, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s1_sse41", Family::Depthwise, Target::Sse41, {.pixels = 1, .filter = 5, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_u8_5x5s2_x4_sse41", Family::Depthwise, Target::Sse41, {.pixels = 4, .filter = 5, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_5x5s2_sse41", Family::Depthwise, Target::Sse41, {.pixels = 1, .filter = 5, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_u8_any_sse41", Family::DepthwiseAny, Target::Sse41},
    {"depthwise_sum_u8_any_sse41", Family::DepthwiseSum, Target::Sse41},
    {"sum_u8_sse41", Family::Sum, Target::Sse41},
    {"sum_u8_any_sse41", Family::SumAny, Target::Sse41},
    {"product_u8_sse41", Family::Product, Target::Sse41},
    {"average_pool_u8_sse41", Family::AveragePool, Target::Sse41},
    {"max_pool_u8_sse41", Family::MaxPool, Target::Sse41},
    {"mean_u8_sse41", Family::Mean, Target::Sse41},

    {"conv_s8_x6c4_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 16}},
    {"conv_s8_x6c4_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_s8_x5c4_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 16}},
    {"conv_s8_x5c4_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_s8_x5c4k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 32}},
    {"conv_s8_x5c4k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 32, .in_order = true}},
    {"conv_s8_x7c3_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 3, .step = 16}},
    {"conv_s8_x7c3_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 3, .step = 16, .in_order = true}},
    {"conv_s8_x7c3k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 3, .step = 32}},
    {"conv_s8_x7c3k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 3, .step = 32, .in_order = true}},
    {"conv_s8_x6c3_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 16}},
    {"conv_s8_x6c3_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 16, .in_order = true}},
    {"conv_s8_x6c3k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 32}},
    {"conv_s8_x6c3k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 32, .in_order = true}},
    {"conv_s8_x4c5_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 4, .vectors = 5, .step = 16}},
    {"conv_s8_x9c2_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 16}},
    {"conv_s8_x9c2_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 16, .in_order = true}},
    {"conv_s8_x9c2k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 32}},
    {"conv_s8_x9c2k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 32, .in_order = true}},
    {"conv_s8_x8c2_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 16}},
    {"conv_s8_x8c2_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 16, .in_order = true}},
    {"conv_s8_x8c2k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 32}},
    {"conv_s8_x8c2k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 32, .in_order = true}},
    {"conv_s8_x7c2k32_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 2, .step = 32}},
    {"conv_s8_x7c2k32_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 7, .vectors = 2, .step = 32, .in_order = true}},
    {"conv_s8_x5c4k40_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 40}},
    {"conv_s8_x5c4k40_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 40, .in_order = true}},
    {"conv_s8_x5c4k24_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 24}},
    {"conv_s8_x5c4k24_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 24, .in_order = true}},
    {"conv_s8_x5c4k28_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 28, .in_order = true}},
    {"conv_s8_x9c2k28_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 28, .in_order = true}},
    {"conv_s8_x6c3k24_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 24}},
    {"conv_s8_x6c3k24_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 24, .in_order = true}},
    {"conv_s8_x6c4k8_joined2_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 8, .joined = 2}},
    {"conv_s8_x6c4k8_joined2_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 8, .in_order = true, .joined = 2}},
    {"conv_s8_x12c2k8_joined2_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 12, .vectors = 2, .step = 8, .joined = 2}},
    {"conv_s8_x12c2k8_joined2_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 12, .vectors = 2, .step = 8, .in_order = true, .joined = 2}},
    {"conv_s8_x6c4k8_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 8}},
    {"conv_s8_x6c4k12_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 12}},
    {"conv_s8_x6c4k12_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 12, .in_order = true}},
    {"conv_s8_x6c3k8_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 6, .vectors = 3, .step = 8}},
    {"conv_s8_x8c2k8_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 8}},
    {"conv_s8_x1c8_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 1, .vectors = 8, .step = 16}},
    {"conv_s8_x1c8_inorder_dotprod", Family::Convolution, Target::Dotprod, {.pixels = 1, .vectors = 8, .step = 16, .in_order = true}},
    {"conv_add_s8_x6c4_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 16}},
    {"conv_add_s8_x6c4_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 6, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_add_s8_x5c4_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 16}},
    {"conv_add_s8_x5c4_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_add_s8_x5c4k32_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 32}},
    {"conv_add_s8_x5c4k32_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 32, .in_order = true}},
    {"conv_add_s8_x8c2_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 16}},
    {"conv_add_s8_x8c2_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 16, .in_order = true}},
    {"conv_add_s8_x9c2k32_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 32}},
    {"conv_add_s8_x9c2k32_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 9, .vectors = 2, .step = 32, .in_order = true}},
    {"conv_add_s8_x8c2k32_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 32}},
    {"conv_add_s8_x8c2k32_inorder_dotprod", Family::ConvolutionAdd, Target::Dotprod, {.pixels = 8, .vectors = 2, .step = 32, .in_order = true}},
    {"conv_sum_s8_x5c4_dotprod", Family::ConvolutionSum, Target::Dotprod, {.pixels = 5, .vectors = 4, .step = 16}},
    {"requantize_s8_dotprod", Family::Requantize, Target::Dotprod},
    {"depthwise_s8_3x3s1_x2_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_s8_3x3s1_x2_split_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 2, .filter = 3, .stride = 1, .rows = 2, .parts = 2}},
    {"depthwise_s8_3x3s2_x2_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 2, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_s8_3x3s2_x2_split_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 2, .filter = 3, .stride = 2, .rows = 1, .parts = 2}},
    {"depthwise_s8_3x3s1_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 1}},
    {"depthwise_s8_3x3s1_split_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 1, .filter = 3, .stride = 1, .rows = 2, .parts = 2}},
    {"depthwise_s8_3x3s2_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_s8_3x3s2_split_dotprod", Family::Depthwise, Target::Dotprod, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 2}},
    {"depthwise_s8_any_dotprod", Family::DepthwiseAny, Target::Dotprod},
    {"depthwise_sum_s8_any_dotprod", Family::DepthwiseSum, Target::Dotprod},
    {"sum_s8_dotprod", Family::Sum, Target::Dotprod},
    {"sum_s8_any_dotprod", Family::SumAny, Target::Dotprod},
    {"product_s8_dotprod", Family::Product, Target::Dotprod},
    {"average_pool_s8_dotprod", Family::AveragePool, Target::Dotprod},
    {"max_pool_s8_dotprod", Family::MaxPool, Target::Dotprod},
    {"mean_s8_dotprod", Family::Mean, Target::Dotprod},

    {"conv_s8_x6c4_i8mm", Family::Convolution, Target::I8mm, {.pixels = 6, .vectors = 4, .step = 32}},
    {"conv_s8_x6c4k16_i8mm", Family::Convolution, Target::I8mm, {.pixels = 6, .vectors = 4, .step = 16}},
    {"conv_s8_x6c4k8_i8mm", Family::Convolution, Target::I8mm, {.pixels = 6, .vectors = 4, .step = 8}},
    {"conv_s8_x12c2_i8mm", Family::Convolution, Target::I8mm, {.pixels = 12, .vectors = 2, .step = 16}},
    {"conv_s8_x12c2k8_i8mm", Family::Convolution, Target::I8mm, {.pixels = 12, .vectors = 2, .step = 8}},
    {"conv_add_s8_x6c4_i8mm", Family::ConvolutionAdd, Target::I8mm, {.pixels = 6, .vectors = 4, .step = 32}},
    {"conv_add_s8_x6c4k16_i8mm", Family::ConvolutionAdd, Target::I8mm, {.pixels = 6, .vectors = 4, .step = 16}},

    {"conv_s8_x4c4_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 16}},
    {"conv_s8_x4c4_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_s8_x4c4k32_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 32}},
    {"conv_s8_x4c4k32_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 32, .in_order = true}},
    {"conv_s16_x5c4_neon", Family::Convolution, Target::Neon, {.pixels = 5, .vectors = 4, .step = 8, .depth = 1}},
    {"conv_s16_x5c4_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 5, .vectors = 4, .step = 8, .depth = 1, .in_order = true}},
    {"conv_s16_x4c4_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 8, .depth = 1}},
    {"conv_s16_x4c4_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 4, .vectors = 4, .step = 8, .depth = 1, .in_order = true}},
    {"conv_s16_x5c4k3_neon", Family::Convolution, Target::Neon, {.pixels = 5, .vectors = 4, .step = 3, .depth = 1}},
    {"conv_s16_x5c4k3_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 5, .vectors = 4, .step = 3, .depth = 1, .in_order = true}},
    {"conv_s16_x6c3_neon", Family::Convolution, Target::Neon, {.pixels = 6, .vectors = 3, .step = 8, .depth = 1}},
    {"conv_s16_x6c3_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 6, .vectors = 3, .step = 8, .depth = 1, .in_order = true}},
    {"conv_s8_x1c4_neon", Family::Convolution, Target::Neon, {.pixels = 1, .vectors = 4, .step = 16}},
    {"conv_s8_x1c4_inorder_neon", Family::Convolution, Target::Neon, {.pixels = 1, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_add_s8_x4c4_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 16}},
    {"conv_add_s8_x4c4_inorder_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 16, .in_order = true}},
    {"conv_add_s8_x4c4k32_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 32}},
    {"conv_add_s8_x4c4k32_inorder_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 32, .in_order = true}},
    {"conv_add_s16_x5c4_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 5, .vectors = 4, .step = 8, .depth = 1}},
    {"conv_add_s16_x5c4_inorder_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 5, .vectors = 4, .step = 8, .depth = 1, .in_order = true}},
    {"conv_add_s16_x4c4_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 8, .depth = 1}},
    {"conv_add_s16_x4c4_inorder_neon", Family::ConvolutionAdd, Target::Neon, {.pixels = 4, .vectors = 4, .step = 8, .depth = 1, .in_order = true}},
    {"conv_sum_s8_x4c4_neon", Family::ConvolutionSum, Target::Neon, {.pixels = 4, .vectors = 4, .step = 16}},
    {"requantize_s8_neon", Family::Requantize, Target::Neon},
    {"depthwise_s8_3x3s1_neon", Family::Depthwise, Target::Neon, {.pixels = 1, .filter = 3, .stride = 1, .rows = 1, .parts = 1}},
    {"depthwise_s8_3x3s1_split_neon", Family::Depthwise, Target::Neon, {.pixels = 1, .filter = 3, .stride = 1, .rows = 1, .parts = 2}},
    {"depthwise_s8_3x3s2_neon", Family::Depthwise, Target::Neon, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 1}},
    {"depthwise_s8_3x3s2_split_neon", Family::Depthwise, Target::Neon, {.pixels = 1, .filter = 3, .stride = 2, .rows = 1, .parts = 2}},
    {"depthwise_s8_any_neon", Family::DepthwiseAny, Target::Neon},
    {"depthwise_sum_s8_any_neon", Family::DepthwiseSum, Target::Neon},
    {"sum_s8_neon", Family::Sum, Target::Neon},
    {"sum_s8_any_neon", Family::SumAny, Target::Neon},
    {"product_s8_neon", Family::Product, Target::Neon},
    {"average_pool_s8_neon", Family::AveragePool, Target::Neon},
    {"max_pool_s8_neon", Family::MaxPool, Target::Neon},
    {"mean_s8_neon", Family::Mean, Target::Neon},
};
// clang-format on

}  // namespace octet
