// ARG_MAX: the first of the largest along an axis.
#include <algorithm>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

/// First of the largest of `count` neighbours. The maximum is found first, in a loop that vectorizes for integers.
template <typename T>
int64_t first_largest(const T* row, int64_t count) {
  T largest = row[0];
  for (int64_t i = 1; i < count; ++i) largest = row[i] > largest ? row[i] : largest;
  int64_t at = 0;
  while (at < count - 1 && !(row[at] == largest)) ++at;
  return row[at] == largest ? at : 0;
}

/// [axis, inner] to [inner], a strip of columns at a time.
template <typename T, typename Index>
void largest_of_columns(const T* in, Index* out, int64_t axis, int64_t inner) {
  constexpr int64_t kStrip = 64;
  for (int64_t x0 = 0; x0 < inner; x0 += kStrip) {
    const int64_t columns = std::min(kStrip, inner - x0);
    T largest[kStrip];
    std::copy_n(in + x0, columns, largest);
    std::fill_n(out + x0, columns, Index{0});
    for (int64_t a = 1; a < axis; ++a) {
      const T* const row = in + a * inner + x0;
      for (int64_t x = 0; x < columns; ++x) {
        if (!(row[x] > largest[x])) continue;
        largest[x] = row[x];
        out[x0 + x] = static_cast<Index>(a);
      }
    }
  }
}

template <typename T, typename Index>
void run_typed(const ArgMaxStep& op, const RunContext& context) {
  const T* const in = context.data<const T>(op.input);
  Index* const out = context.data<Index>(op.output);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (op.axis * op.inner));
  context.pool.parallel_for(op.outer, grain, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const T* const slice = in + o * op.axis * op.inner;
      if (op.inner == 1) {
        out[o] = static_cast<Index>(first_largest(slice, op.axis));
      } else {
        largest_of_columns(slice, out + o * op.inner, op.axis, op.inner);
      }
    }
  });
}

template <typename T>
void run_typed(const ArgMaxStep& step, const RunContext& context) {
  if (step.index_type == DataType::Int32) {
    run_typed<T, int32_t>(step, context);
  } else {
    run_typed<T, int64_t>(step, context);
  }
}

}  // namespace

void run(const ArgMaxStep& step, const RunContext& context) {
  switch (step.type) {
    case DataType::UInt8:
      return run_typed<uint8_t>(step, context);
    case DataType::Int8:
      return run_typed<int8_t>(step, context);
    case DataType::Int32:
      return run_typed<int32_t>(step, context);
    default:
      return run_typed<float>(step, context);
  }
}

}  // namespace octet
