// SOFTMAX in fixed point (docs/numerics.md): the table of exponentials.
#include <algorithm>
#include <array>

#include "runtime/ops/ops.h"
#include "runtime/steps/softmax_arithmetic.h"

namespace octet {
namespace {

using Exponentials = SoftmaxStep::Exponentials;
constexpr int kDifferences = SoftmaxStep::kDifferences;

/// exp(a) for a in [-1/4, 0), both Q0.31: fourth-order Taylor expansion around -1/8.
int32_t exp_of_quarter(int32_t a) {
  constexpr int32_t kExpOfMinusEighth = 1895147668;
  constexpr int32_t kThird = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = srdhm(x, x);
  const int32_t x3 = srdhm(x2, x);
  const int32_t x4 = srdhm(x2, x2);
  const int32_t x4_over_4 = rounding_divide_by_pot(x4, 2);
  const int32_t rest = rounding_divide_by_pot(srdhm(x4_over_4 + x3, kThird) + x2, 1);
  const int64_t sum = int64_t{kExpOfMinusEighth} + srdhm(kExpOfMinusEighth, x + rest);
  return static_cast<int32_t>(std::min<int64_t>(sum, std::numeric_limits<int32_t>::max()));
}

/// exp(a) in Q0.31 for a <= 0 in Q5.26: multiples of 1/4 are split off, and multiplied in bit by bit.
int32_t exp_of_negative(int32_t a) {
  constexpr int kFractionBits = 26;
  constexpr int32_t kQuarter = 1 << (kFractionBits - 2);
  constexpr std::array<int32_t, 7> kExpOfMinusPowers = {1672461947, 1302514674, 790015084, 290630308,
                                                        39332535,   720401,     242};  // of 1/4, 1/2, ... 16
  if (a == 0) return std::numeric_limits<int32_t>::max();
  const int32_t within = (a & (kQuarter - 1)) - kQuarter;  // in [-1/4, 0)
  int32_t result = exp_of_quarter(saturating_shift_left(within, 5));
  const int32_t quarters = within - a;
  for (size_t i = 0; i < kExpOfMinusPowers.size(); ++i) {
    if ((quarters & (kQuarter << i)) != 0) result = srdhm(result, kExpOfMinusPowers[i]);
  }
  return result;
}

void make_exponentials(const Softmax& op, Exponentials& table) {
  constexpr int kSumIntegerBits = 12;
  table.count = std::min<int32_t>(kDifferences, 1 - std::max(op.diff_min, -kDifferences));
  for (int32_t d = 0; d < kDifferences; ++d) {
    const bool counts = d < table.count;
    table.exp[d] = counts ? exp_of_negative(multiply_by_quantized_multiplier(-d, op.scale)) : 0;
    table.summand[d] = rounding_divide_by_pot(table.exp[d], kSumIntegerBits);
  }
}

}  // namespace

void plan(const Softmax& op, const Node& node, PlanBuilder& builder) {
  const DataType type = builder.tensor(node.inputs[0]).type;
  Step step = builder.step_for(node, kernel_name("softmax", type));
  step.in_place = true;
  auto* const table = builder.keep<Exponentials>(1);
  make_exponentials(op, *table);
  step.work = SoftmaxStep{.input = node.inputs[0],
                          .output = node.outputs[0],
                          .type = type,
                          .rows = op.rows,
                          .depth = op.depth,
                          .table = builder.constant(table)};
  builder.add(std::move(step));
}

}  // namespace octet
