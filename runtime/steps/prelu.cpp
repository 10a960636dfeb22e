// PRELU.
#include <algorithm>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

/// Where alpha begins for the `row`-th run of the last dimension.
int64_t alpha_offset(const PreluStep::Dim* dims, int64_t rank, int64_t row) {
  int64_t offset = 0;
  for (int64_t i = rank - 1; i-- > 0;) {
    offset += row % dims[i].extent * dims[i].alpha;
    row /= dims[i].extent;
  }
  return offset;
}

}  // namespace

void run(const PreluStep& step, const RunContext& context) {
  const auto* const x = context.data<const uint8_t>(step.input);
  const auto* const a = context.data<const uint8_t>(step.alpha);
  auto* const y = context.data<uint8_t>(step.output);
  const uint8_t* const table = context.constant(step.table);
  const PreluStep::Dim* const dims = context.constant(step.dims);
  const PreluStep::Dim& last = dims[step.dims.count - 1];
  const int64_t run = last.extent, step_of_alpha = last.alpha;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / run);
  context.pool.parallel_for(step.count / run, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const uint8_t* alphas = a + alpha_offset(dims, step.dims.count, row);
      for (int64_t i = row * run; i < (row + 1) * run; ++i) {
        y[i] = table[size_t{*alphas} * 256 + x[i]];
        alphas += step_of_alpha;
      }
    }
  });
}

}  // namespace octet
