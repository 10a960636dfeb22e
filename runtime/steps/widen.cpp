#include "runtime/steps/widen.h"

#include <cstring>

namespace octet {

void widen(const uint8_t* in, int64_t count, int16_t zero, int16_t* out) {
  for (int64_t i = 0; i < count; i++) out[i] = static_cast<int16_t>(in[i] - zero);
}

void widen_and_move_on(const uint8_t* in, int64_t panels, int64_t kept, int64_t group, int16_t zero, int16_t* out) {
  const auto pair = [](const int16_t* at) {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  const auto put = [](uint32_t word, int16_t* at) { std::memcpy(at, &word, sizeof word); };
  for (int64_t p = 0; p < panels; p++, in += kept, out += 2 * kept) {
    widen(in, kept, zero, out);
    int16_t* const moved = out + kept;
    for (int64_t i = 0; i < group; i++) put(pair(out + 2 * i) << 16, moved + 2 * i);
    for (int64_t i = group; i < kept / 2; i++)
      put(pair(out + 2 * (i - group)) >> 16 | pair(out + 2 * i) << 16, moved + 2 * i);
  }
}

}  // namespace octet
