// GATHER.
#include <algorithm>
#include <cstring>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

/// Says where an index is outside of [0, extent): then nothing is read.
template <typename Index>
bool check_indices(const Index* indices, int64_t count, int64_t extent, BadIndex& bad) {
  for (int64_t i = 0; i < count; ++i) {
    if (indices[i] >= 0 && indices[i] < extent) continue;
    bad = {indices[i], extent};
    return false;
  }
  return true;
}

template <typename Index>
void gather(const GatherStep& op, const RunContext& context) {
  const std::byte* const data = context.tensors[op.data];
  const auto* const indices = context.data<const Index>(op.indices);
  std::byte* const out = context.tensors[op.output];
  const int64_t bytes = op.row_bytes;
  if (!check_indices(indices, op.batch * op.count, op.axis, *context.bad_index)) return;
  const int64_t rows = op.batch * op.outer * op.count;
  context.pool.parallel_for(rows, std::max<int64_t>(1, kGrainBytes / bytes), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t outer = row / op.count;  // batch and outer
      const int64_t index = indices[outer / op.outer * op.count + row % op.count];
      std::memcpy(out + row * bytes, data + (outer * op.axis + index) * bytes, static_cast<size_t>(bytes));
    }
  });
}

}  // namespace

void run(const GatherStep& step, const RunContext& context) {
  if (step.wide_indices != 0) {
    gather<int64_t>(step, context);
  } else {
    gather<int32_t>(step, context);
  }
}

}  // namespace octet
