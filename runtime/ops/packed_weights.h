// Keeping packed weights.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan.h"
#include "runtime/steps/widen.h"
#include "schedules/manifest.h"

namespace octet {

/// What words that are kept as bytes are less (steps/widen.h); -1: these weights are kept as the kernel takes them.
/// `residuals`: all of a layer's. `at_once`: the fewest that a call takes. On Arm that has not been timed yet.
inline int32_t widening_zero(Target target, int64_t bits, std::span<const int16_t> residuals, int64_t at_once) {
  if (bits != 16 || is_arm(target) || at_once > kMostWidened) return -1;
  int32_t lo = 0, hi = 0;  // 0 fills up what is padded
  for (const int32_t r : residuals) {
    lo = std::min(lo, r);
    hi = std::max(hi, r);
  }
  // Channels may have zero points of their own.
  return hi - lo <= UINT8_MAX ? -lo : -1;
}

/// Keeps `count` weights of `bits` bits, which pack(out) writes; zero is what it leaves out. `file_bytes`: what they
/// take in the model's file.
template <typename Pack>
Constant<std::byte> keep_packed(PlanBuilder& builder, int64_t count, int64_t bits, int32_t widening_zero,
                                int64_t file_bytes, const Pack& pack) {
  const auto kept = [&](const auto* weights) { return builder.constant(reinterpret_cast<const std::byte*>(weights)); };
  if (bits == 8) {
    auto* const out = builder.keep_weights<int8_t>(count, file_bytes);
    pack(out);
    return kept(out);
  }
  if (widening_zero < 0) {
    auto* const out = builder.keep_weights<int16_t>(count, file_bytes);
    pack(out);
    return kept(out);
  }
  std::vector<int16_t> words(static_cast<size_t>(count));
  pack(words.data());
  auto* const out = builder.keep_weights<uint8_t>(count, file_bytes);
  std::ranges::transform(words, out, [&](int16_t w) { return static_cast<uint8_t>(w + widening_zero); });
  return kept(out);
}

}  // namespace octet
