#include "runtime/ops/channel_parameters.h"

#include <algorithm>
#include <bit>

#include "runtime/fixed_point.h"

namespace octet {

namespace {

FixedPoint rescale_of(const ChannelRescale& layer, int64_t channel) {
  return layer.rescale[layer.rescale.size() == 1 ? 0 : static_cast<size_t>(channel)];
}

struct ResultRange {
  int32_t lo, hi;
};

/// What a channel's sums become, before the zero point is added, if sums and rescale are within what kernels hold. The
/// rescale is monotonic, so the ends of the range tell.
std::optional<ResultRange> result_range(FixedPoint r, SumRange sums) {
  if (r.multiplier < 0 || r.shift > 0 || r.shift < -31 || sums.lo < INT32_MIN || sums.hi > INT32_MAX) return {};
  return ResultRange{multiply_by_quantized_multiplier(static_cast<int32_t>(sums.lo), r),
                     multiply_by_quantized_multiplier(static_cast<int32_t>(sums.hi), r)};
}

/// What they all become, if they do: real networks have channels that training left dead, with biases and right shifts
/// beyond the fast form.
std::optional<int32_t> constant_result(FixedPoint r, SumRange sums) {
  const auto results = result_range(r, sums);
  return results && results->lo == results->hi ? std::optional(results->lo) : std::nullopt;
}

/// Whether the zero point is all that is left of the results once they are clamped, as of a dead channel's by a ReLU.
bool is_clamped_to_zero_point(const ResultRange& results, const ChannelRescale& layer) {
  return (layer.zero_point == layer.clamp.lo && results.hi <= 0) ||
         (layer.zero_point == layer.clamp.hi && results.lo >= 0);
}

FixedPoint arm_rescale(const ChannelRescale& layer, int64_t c) {
  const FixedPoint r = rescale_of(layer, c);
  const auto results = result_range(r, layer.sums[static_cast<size_t>(c)]);
  return results && is_clamped_to_zero_point(*results, layer) ? FixedPoint{} : r;
}

/// The bounds that rescale_mulhs states.
bool mulhs_holds(FixedPoint r, SumRange sums, int32_t zero_point) {
  const int64_t largest = std::max(std::abs(sums.lo), std::abs(sums.hi));
  if (r.multiplier < 0 || r.shift > 0 || r.shift < -30 || largest >= int64_t{1} << 29) return false;
  const int64_t s = -r.shift;
  return 2 * largest + 1 + (int64_t{1} << s) + (static_cast<int64_t>(zero_point) << (s + 1)) <= INT32_MAX;
}

/// SQRDMULH holds for all sums, but there is no shift to the left.
bool sqrdmulh_holds(FixedPoint r) { return r.multiplier >= 0 && r.shift <= 0 && r.shift >= -31; }

}  // namespace

SumRange sum_range(Target target, int64_t bias, int64_t positive, int64_t negative, int32_t input_zero) {
  const int64_t least = (is_arm(target) ? -128 : 0) - int64_t{input_zero}, most = least + 255;
  return {bias + positive * least + negative * most, bias + positive * most + negative * least};
}

std::vector<std::optional<FloatRescale>> float_rescales(Target target, const ChannelRescale& layer) {
  std::vector<std::optional<FloatRescale>> result;
  if (layer.rescale.size() == 1 && !layer.sums.empty()) {
    // What all channels together have room for will do for each.
    SumRange all = layer.sums.front();
    for (const SumRange& s : layer.sums) all = {std::min(all.lo, s.lo), std::max(all.hi, s.hi)};
    const auto common = float_rescale(target, layer.rescale.front(), all, layer.zero_point, layer.clamp);
    if (common) result.assign(static_cast<size_t>(layer.channels), common);
  }
  for (int64_t c = std::ssize(result); c < layer.channels; c++)
    result.push_back(
        float_rescale(target, rescale_of(layer, c), layer.sums[static_cast<size_t>(c)], layer.zero_point, layer.clamp));
  return result;
}

bool fast_rescale_holds(Target target, const ChannelRescale& layer) {
  for (int64_t c = 0; c < layer.channels; c++) {
    const FixedPoint r = rescale_of(layer, c);
    const SumRange sums = layer.sums[static_cast<size_t>(c)];
    if (!(is_arm(target) ? sqrdmulh_holds(r) : mulhs_holds(r, sums, layer.zero_point) || constant_result(r, sums)))
      return false;
  }
  return true;
}

bool results_fit_int16(const ChannelRescale& layer, Range channels) {
  for (int64_t c = channels.begin; c < channels.end; c++) {
    const auto results = result_range(arm_rescale(layer, c), layer.sums[static_cast<size_t>(c)]);
    if (!results || results->lo < INT16_MIN || results->hi > INT16_MAX) return false;
  }
  return true;
}

void fill_channel_table(Target target, const ChannelRescale& layer, int64_t padded, int32_t* table) {
  const bool x86 = !is_arm(target);
  for (int64_t c = 0; c < layer.channels; c++) {
    FixedPoint r = x86 ? rescale_of(layer, c) : arm_rescale(layer, c);
    const SumRange sums = layer.sums[static_cast<size_t>(c)];
    int32_t zero_point = layer.zero_point;
    if (x86 && !mulhs_holds(r, sums, zero_point)) {
      // A product that is always 0, and the result (or one as far beyond all bytes) in the zero point's place.
      zero_point += std::clamp(constant_result(r, sums).value_or(0), -1024, 1024);
      r = {};
    }
    const int32_t s = std::max(-r.shift, 0);
    table[kBias * padded + c] = layer.bias[static_cast<size_t>(c)];
    table[kMultiplier * padded + c] = r.multiplier;
    if (c % 2 == 1) table[kMultiplierOdd * padded + c - 1] = r.multiplier;
    table[kShift * padded + c] = x86 ? s + 1 : -s;
    // Unsigned: where the fast form does not hold the numbers are not used, but may pass int32.
    const uint32_t round = 1u + (s >= 1 ? 1u << s : 0u) + (static_cast<uint32_t>(zero_point) << ((s + 1) & 31));
    table[kRound * padded + c] = static_cast<int32_t>(round);
    table[kRoundBelow * padded + c] = static_cast<int32_t>(round - (s >= 1 ? 2u : 0u));
  }
}

const int32_t* keep_channel_table(PlanBuilder& builder, const ChannelRescale& layer, int64_t padded,
                                  std::span<const std::optional<FloatRescale>> in_float,
                                  std::span<const int32_t> second_parts) {
  int32_t* table = builder.keep<int32_t>(kChannelFields * padded);
  fill_channel_table(builder.target(), layer, padded, table);
  for (int64_t c = 0; c < std::ssize(in_float); c++) {
    const std::optional<FloatRescale>& numbers = in_float[static_cast<size_t>(c)];
    if (!numbers) continue;
    table[kScale * padded + c] = std::bit_cast<int32_t>(numbers->scale);
    table[kOffset * padded + c] = std::bit_cast<int32_t>(numbers->offset);
  }
  std::ranges::copy(second_parts, table + kSecondParts * padded);
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
