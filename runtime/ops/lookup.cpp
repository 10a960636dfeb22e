// Any function of one 8-bit value, as a table of 256 bytes. Tables that are simpler than that (a flipped sign, a range)
// become loops that vectorize.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "runtime/ops/ops.h"

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

bool is_flip(const Lookup& op) {
  for (size_t q = 0; q < 256; ++q) {
    if (op.table[q] != (q ^ 0x80)) return false;
  }
  return true;
}

template <typename T>
struct Range {
  T lo, hi;
};

/// The range of a table that does nothing but clamp values of type T.
template <typename T>
std::optional<Range<T>> range_of(const Lookup& op) {
  const auto at = [&](int32_t q) { return static_cast<T>(op.table[static_cast<uint8_t>(q)]); };
  constexpr int32_t kLowest = std::is_signed_v<T> ? -128 : 0;
  const Range<T> range{at(kLowest), at(kLowest + 255)};
  if (range.lo > range.hi) return std::nullopt;
  for (int32_t q = kLowest; q < kLowest + 256; ++q) {
    if (at(q) != std::clamp<int32_t>(q, range.lo, range.hi)) return std::nullopt;
  }
  return range;
}

/// Adds a step that runs body(in, out, elements) over parts of the tensors.
template <typename Body>
void add_step(const Node& node, PlanBuilder& builder, std::string kernel, Body body) {
  Step step = builder.step_for(node, std::move(kernel));
  step.in_place = true;
  const int64_t count = element_count(builder.tensor(node.outputs[0]).shape);
  step.run = [body, count, in = node.inputs[0], out = node.outputs[0]](const RunContext& context) {
    const auto* const from = context.data<const uint8_t>(in);
    auto* const to = context.data<uint8_t>(out);
    context.pool.parallel_for(count, kGrainBytes,
                              [&](int64_t begin, int64_t end) { body(from + begin, to + begin, end - begin); });
  };
  builder.add(std::move(step));
}

template <typename T>
void plan_clamp(Range<T> range, const Node& node, PlanBuilder& builder) {
  add_step(node, builder, kernel_name("clamp", std::is_signed_v<T> ? DataType::Int8 : DataType::UInt8),
           [range](Bytes in, uint8_t* out, int64_t count) {
             clamp(reinterpret_cast<const T*>(in), reinterpret_cast<T*>(out), count, range.lo, range.hi);
           });
}

}  // namespace

void plan(const Lookup& op, const Node& node, PlanBuilder& builder) {
  const DataType type = builder.tensor(node.outputs[0]).type;
  if (is_flip(op)) {
    add_step(node, builder, "flip_sign", flip_sign);
  } else if (const auto unsigned_range = range_of<uint8_t>(op); unsigned_range && type == DataType::UInt8) {
    plan_clamp(*unsigned_range, node, builder);
  } else if (const auto signed_range = range_of<int8_t>(op); signed_range && type == DataType::Int8) {
    plan_clamp(*signed_range, node, builder);
  } else {
    auto* const table = builder.keep<uint8_t>(256);
    std::ranges::copy(op.table, table);
    add_step(node, builder, kernel_name("lookup", type),
             [table](Bytes in, uint8_t* out, int64_t count) { look_up(table, in, out, count); });
  }
}

}  // namespace octet
