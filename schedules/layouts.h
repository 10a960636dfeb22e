// How kernels take their operands. What a target's kernels want is in manifest.h.
#pragma once

#include <cstdint>

namespace octet {

/// How a target's convolution kernels take their operands.
struct ConvolutionLayout {
  int8_t depth;  // consecutive input channels of one output channel that lie together in most kernels' weights
  int8_t lanes;  // output channels of a vector
};

/// What a call of a convolution kernel covers, and how its weights are packed.
struct ConvolutionTile {
  int64_t pixels, channels;  // of a register tile
  bool any_pixels;           // calls need not be of whole tiles of pixels
  bool widened;              // activations come as int16, less their zero point
  bool pairs;               // pixels come packed in pairs, all taps of one side by side (runtime/steps/packed_pixels.h)
  int64_t step;             // input channels that it takes at once: those of a tap are padded (weights 0) to a multiple
  bool excess_apart;        // takes_excess_apart
  int64_t excess_step;      // those that a run of excess takes (generators/convolution.h)
  int64_t excess_vectors;   // of output channels that have a run each; 1: one run is for all
  int64_t depth;            // consecutive ones of one output channel that lie together
  int64_t packed_channels;  // output channels whose weights lie side by side, step after step
  int64_t weight_bits;
  int64_t word;  // bytes of input channels that kernels see as one element of the weights: 8 (pairs), 4, else 1
};

/// How a target's depthwise kernels take their operands.
struct DepthwiseLayout {
  int8_t weight_bits;
  int8_t depth;  // taps of a channel that lie together in packed weights
  int8_t panel;  // channels whose weights lie together, tap after tap
  int8_t block;  // channels at a time: packed arrays hold whole blocks
};

/// Rows of the int32 table of per-channel parameters that convolutions take (see generators/rescale.h).
enum ChannelField : uint8_t {
  kBias,           // added to the sum
  kMultiplier,     // FixedPoint::multiplier
  kShift,          // s + 1 on x86, -s on Arm, where s is the right shift
  kRound,          // x86: rounding and zero point for sums >= 0
  kRoundBelow,     // x86: the same for sums < 0
  kMultiplierOdd,  // AVX-512: in the place of an even channel the multiplier of the next
  kChannelFields,
  // Where the kernel rescales in floating point:
  kScale = kMultiplier,   // float
  kOffset = kShift,       // float
  kSecondParts = kRound,  // at a depthwise panel's first channel: how many panels further on those of its weights lie,
                          // 0: there are none (splits_by_panel)
};

/// Rows of the int32 table of runs that convolutions take (generators/convolution.h).
enum RunField : uint8_t {
  kRunOffsets,  // where its tap's offsets begin
  kRunFirst,    // input channel of the tap
  kRunSteps,    // of the kernel's inner loop, at most kMostRunSteps
  kRunStep,     // steps of the runs before it
  kRunFields
};
inline constexpr int kMostRunSteps = 65535;

/// Sum is (a q_a + b q_b + c) >> shift, with a and b in two signed parts, of which the lower has low_bits bits.
struct SumLayout {
  int8_t shift, low_bits;
  int16_t most_whole;  // magnitude of c >> shift

  /// The greatest magnitude of a and b: both parts fit, and what kernels add up of them.
  constexpr int32_t most_factor() const { return (1 << (15 + low_bits)) - (1 << 15); }
};

/// Arm: lanes that low parts are given for.
inline constexpr int kSumLanes = 16;

/// Rows of the int32 table that Requantize takes.
enum RequantizeField : uint8_t { kRequantizeMultiplier, kRequantizeLeft, kRequantizeRight, kRequantizeFields };

}  // namespace octet
