// Any function of one 8-bit value.
#include <algorithm>
#include <cstring>

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Bytes = const uint8_t*;

void flip_sign(Bytes in, uint8_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = in[i] ^ 0x80;
}

template <typename T>
void clamp(const T* in, T* out, int64_t count, T lo, T hi) {
  for (int64_t i = 0; i < count; ++i) out[i] = std::max(lo, std::min(hi, in[i]));
}

#if defined(__aarch64__)

/// As many elements as fill whole vectors; returns how many.
int64_t look_up_vectors(Bytes table, Bytes in, uint8_t* out, int64_t count) {
  uint8x16x4_t quarter[4];
  for (int i = 0; i < 4; ++i) quarter[i] = vld1q_u8_x4(table + 64 * i);
  const uint8x16_t step = vdupq_n_u8(64);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    uint8x16_t index = vld1q_u8(in + i);
    uint8x16_t value = vqtbl4q_u8(quarter[0], index);
    for (int q = 1; q < 4; ++q) {
      index = vsubq_u8(index, step);
      value = vqtbx4q_u8(value, quarter[q], index);
    }
    vst1q_u8(out + i, value);
  }
  return i;
}

#else

/// Eight bytes a load and a store.
int64_t look_up_vectors(Bytes table, Bytes in, uint8_t* out, int64_t count) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint8_t indices[8];
    uint8_t values[8];
    std::memcpy(indices, in + i, 8);
    for (int k = 0; k < 8; ++k) values[k] = table[indices[k]];
    std::memcpy(out + i, values, 8);
  }
  return i;
}

#endif

void look_up(Bytes table, Bytes in, uint8_t* out, int64_t count) {
  for (int64_t i = look_up_vectors(table, in, out, count); i < count; ++i) out[i] = table[in[i]];
}

void run_part(const LookupStep& step, Bytes table, Bytes in, uint8_t* out, int64_t count) {
  switch (step.form) {
    case LookupStep::Form::Table:
      return look_up(table, in, out, count);
    case LookupStep::Form::FlipSign:
      return flip_sign(in, out, count);
    case LookupStep::Form::ClampUnsigned:
      return clamp(in, out, count, static_cast<uint8_t>(step.lo), static_cast<uint8_t>(step.hi));
    case LookupStep::Form::ClampSigned:
      return clamp(reinterpret_cast<const int8_t*>(in), reinterpret_cast<int8_t*>(out), count,
                   static_cast<int8_t>(step.lo), static_cast<int8_t>(step.hi));
  }
}

}  // namespace

void run(const LookupStep& step, const RunContext& context) {
  const auto* const from = context.data<const uint8_t>(step.input);
  auto* const to = context.data<uint8_t>(step.output);
  const uint8_t* const table = step.table.exists() ? context.constant(step.table) : nullptr;
  context.pool.parallel_for(step.count, kGrainBytes, [&](int64_t begin, int64_t end) {
    run_part(step, table, from + begin, to + begin, end - begin);
  });
}

}  // namespace octet
