#include "runtime/ops/channel_parameters.h"

#include <algorithm>

namespace octet {

namespace {

FixedPoint rescale_of(const ChannelRescale& layer, int64_t channel) {
  return layer.rescale[layer.rescale.size() == 1 ? 0 : static_cast<size_t>(channel)];
}

bool is_x86(Target target) { return activation_type(target) == DataType::UInt8; }

}  // namespace

bool fast_rescale_holds(Target target, const ChannelRescale& layer) {
  // Bounds of rescale_mulhs; sqrdmulh holds for all sums, but neither form shifts left.
  const int64_t largest_sum = is_x86(target) ? int64_t{1} << 29 : int64_t{1} << 31;
  const int32_t largest_shift = is_x86(target) ? 21 : 31;
  for (int64_t c = 0; c < layer.channels; c++) {
    const FixedPoint r = rescale_of(layer, c);
    if (r.multiplier < 0 || r.shift > 0 || r.shift < -largest_shift ||
        layer.largest_sum[static_cast<size_t>(c)] >= largest_sum)
      return false;
  }
  return true;
}

const int32_t* keep_channel_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded) {
  int32_t* table = builder.keep<int32_t>(kChannelFields * padded);
  for (int64_t c = 0; c < layer.channels; c++) {
    const FixedPoint r = rescale_of(layer, c);
    const int32_t s = std::max(-r.shift, 0);
    table[kBias * padded + c] = layer.bias[static_cast<size_t>(c)];
    table[kMultiplier * padded + c] = r.multiplier;
    table[kShift * padded + c] = is_x86(builder.target()) ? s + 1 : -s;
    // Unsigned: where the fast form does not hold the numbers are not used, but may pass int32.
    const uint32_t round = 1u + (s >= 1 ? 1u << s : 0u) + (static_cast<uint32_t>(layer.zero_point) << ((s + 1) & 31));
    table[kRound * padded + c] = static_cast<int32_t>(round);
    table[kRoundBelow * padded + c] = static_cast<int32_t>(round - (s >= 1 ? 2u : 0u));
  }
  return table;
}

const int32_t* keep_requantize_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded) {
  int32_t* table = builder.keep<int32_t>(kRequantizeFields * padded);
  for (int64_t c = 0; c < layer.channels; c++) {
    const FixedPoint r = rescale_of(layer, c);
    table[kRequantizeMultiplier * padded + c] = r.multiplier;
    table[kRequantizeLeft * padded + c] = std::clamp(r.shift, 0, 31);
    table[kRequantizeRight * padded + c] = std::clamp(-r.shift, 0, 31);
  }
  return table;
}

}  // namespace octet
