#include "runtime/steps/widen.h"

#include <cstring>

namespace octet {

void widen(const uint8_t* in, int64_t count, int16_t zero, int16_t* out) {
  for (int64_t i = 0; i < count; i++) out[i] = static_cast<int16_t>(in[i] - zero);
}

namespace {

uint32_t pair_at(const int16_t* at) {
  uint32_t pair;
  std::memcpy(&pair, at, sizeof pair);
  return pair;
}

void put_pair(uint32_t pair, int16_t* at) { std::memcpy(at, &pair, sizeof pair); }

}  // namespace

void widen_panels(const uint8_t* in, int64_t panels, const KeptPanel& panel, int16_t zero, int16_t* out) {
  const auto [whole, halves, group] = panel;
  if (halves == 0 && group == 0) return widen(in, panels * whole, zero, out);
  const int64_t words = whole + 2 * halves;
  for (int64_t p = 0; p < panels; p++, in += panel.elements(), out += panel.widened()) {
    widen(in, whole, zero, out);
    for (int64_t i = 0; i < halves; i++) put_pair(static_cast<uint16_t>(in[whole + i] - zero), out + whole + 2 * i);
    if (group == 0) continue;
    int16_t* const moved = out + words;
    for (int64_t i = 0; i < group; i++) put_pair(pair_at(out + 2 * i) << 16, moved + 2 * i);
    for (int64_t i = group; i < words / 2; i++)
      put_pair(pair_at(out + 2 * (i - group)) >> 16 | pair_at(out + 2 * i) << 16, moved + 2 * i);
  }
}

}  // namespace octet
