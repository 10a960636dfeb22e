// The per-channel tables that convolution kernels read: bias and rescale in the form that the target's kernels want.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/ops/float_rescale.h"
#include "runtime/plan.h"
#include "schedules/manifest.h"

namespace octet {

/// What a layer of `channels` outputs adds and multiplies its sums by.
struct ChannelRescale {
  int64_t channels;
  std::span<const FixedPoint> rescale;  // 1 or `channels`
  std::span<const int32_t> bias;        // `channels`, zero points folded in
  std::span<const SumRange> sums;       // `channels`
  int32_t zero_point;                   // of the output
  Clamp clamp;
};

/// What a channel's sum can be, for the sum of its positive and that of its negative weights.
SumRange sum_range(Target target, int64_t bias, int64_t positive, int64_t negative, int32_t input_zero);

/// x86: the numbers for floating point, by channel, where there are any.
std::vector<std::optional<FloatRescale>> float_rescales(Target target, const ChannelRescale& layer);

/// Whether the kernels' fast form (generators/rescale.h) is exact for every channel; else: sums and Requantize. On x86
/// the one in fixed point.
bool fast_rescale_holds(Target target, const ChannelRescale& layer);

/// Arm: whether the results of some channels fit in 16 bits, before the zero point is added (are_int16 in
/// generators/rescale.h).
bool results_fit_int16(const ChannelRescale& layer, Range channels);

/// int32 [kChannelFields][padded], zero at first: rows by ChannelField. padded >= channels.
void fill_channel_table(Target target, const ChannelRescale& layer, int64_t padded, int32_t* table);
/// The same, kept in the plan. x86: channels that have numbers in `in_float` (by channel, or empty) get those.
/// `second_parts`: of depthwise kernels that look for it, kSecondParts.
const int32_t* keep_channel_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded,
                                  std::span<const std::optional<FloatRescale>> in_float,
                                  std::span<const int32_t> second_parts = {});

/// int32 [kRequantizeFields][padded]: rows by RequantizeField.
const int32_t* keep_requantize_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded);

}  // namespace octet
