// The per-channel tables that convolution kernels read: bias and rescale in the form that the target's kernels want.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/plan.h"
#include "schedules/manifest.h"

namespace octet {

/// Bounds of what a channel's sum can be, bias included.
struct SumRange {
  int64_t lo, hi;
};

/// What a layer of `channels` outputs adds and multiplies its sums by.
struct ChannelRescale {
  int64_t channels;
  std::span<const FixedPoint> rescale;  // 1 or `channels`
  std::span<const int32_t> bias;        // `channels`, zero points folded in
  std::span<const SumRange> sums;       // `channels`
  int32_t zero_point;                   // of the output
};

/// Whether the kernels' fast form (generators/rescale.h) is exact for every channel; else: sums and Requantize.
bool fast_rescale_holds(Target target, const ChannelRescale& layer);

/// int32 [kChannelFields][padded], zero at first: rows by ChannelField. padded >= channels.
void fill_channel_table(Target target, const ChannelRescale& layer, int64_t padded, int32_t* table);
/// The same, kept in the plan.
const int32_t* keep_channel_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded);

/// int32 [kRequantizeFields][padded]: rows by RequantizeField.
const int32_t* keep_requantize_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded);

}  // namespace octet
