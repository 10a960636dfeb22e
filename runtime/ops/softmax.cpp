// SOFTMAX in fixed point (docs/numerics.md). A value counts only through its difference from the row's largest, of
// which there are 256: the exponentials are a table made with the plan, and the outputs a table a row.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "runtime/fixed_point.h"
#include "runtime/ops/ops.h"

namespace octet {
namespace {

// Qm.n is an int32 with m integer and n fractional bits. Multiplication is srdhm: Qa x Qb gives Q(a + b).

/// a + b halved, ties away from zero.
int32_t rounding_half_sum(int32_t a, int32_t b) {
  const int64_t sum = int64_t{a} + b;
  return static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/// x 2^n, saturated.
int32_t saturating_shift_left(int32_t x, int n) {
  const int64_t shifted = int64_t{x} * (int64_t{1} << n);
  return static_cast<int32_t>(
      std::clamp<int64_t>(shifted, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

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

/// 1 / (1 + a) for a in [0, 1), both Q0.31: three Newton-Raphson steps.
int32_t one_over_one_plus(int32_t a) {
  constexpr int32_t k48Over17 = 1515870810;        // Q2.29
  constexpr int32_t kMinus32Over17 = -1010580540;  // Q2.29
  constexpr int32_t kOne = 1 << 29;
  const int32_t half_denominator = rounding_half_sum(a, std::numeric_limits<int32_t>::max());
  int32_t x = k48Over17 + srdhm(half_denominator, kMinus32Over17);
  for (int step = 0; step < 3; ++step) {
    const int32_t error = kOne - srdhm(half_denominator, x);
    x += saturating_shift_left(srdhm(x, error), 2);
  }
  return saturating_shift_left(x, 1);
}

/// 1 / sum as scale 2^-(exponent - 31 + bits of the output): sum in Q12.19.
struct Reciprocal {
  int32_t scale, exponent;
};

Reciprocal reciprocal_of(uint32_t sum) {
  const int headroom = std::countl_zero(sum);
  const auto minus_one = static_cast<int32_t>((sum << headroom) - (uint32_t{1} << 31));
  constexpr int kIntegerBits = 12;
  constexpr int kOutputBits = 8;
  return {one_over_one_plus(minus_one), kIntegerBits - headroom + 31 - kOutputBits};
}

constexpr int kDifferences = 256;

/// By difference from the largest: the exponential, and what it adds to the sum.
struct Exponentials {
  std::array<int32_t, kDifferences> exp, summand;
  int32_t count;  // of differences that are not too small
};

void make_exponentials(const Softmax& op, Exponentials& table) {
  constexpr int kSumIntegerBits = 12;
  table.count = std::min<int32_t>(kDifferences, 1 - std::max(op.diff_min, -kDifferences));
  for (int32_t d = 0; d < kDifferences; ++d) {
    const bool counts = d < table.count;
    const auto i = static_cast<size_t>(d);
    table.exp[i] = counts ? exp_of_negative(multiply_by_quantized_multiplier(-d, op.scale)) : 0;
    table.summand[i] = rounding_divide_by_pot(table.exp[i], kSumIntegerBits);
  }
}

/// What each difference gives, as a value of 8 bits from 0.
class RowOutputs {
 public:
  RowOutputs(const Exponentials& table, uint64_t sum) : table_(table) {
    vanishes_ = sum >= kLargestSum;
    if (!vanishes_) reciprocal_ = reciprocal_of(static_cast<uint32_t>(sum));
  }

  int32_t of(int32_t difference) const {
    if (vanishes_ || difference >= table_.count) return 0;
    const int32_t scaled = srdhm(reciprocal_.scale, table_.exp[static_cast<size_t>(difference)]);
    return std::clamp(rounding_divide_by_pot(scaled, reciprocal_.exponent), 0, 255);
  }

 private:
  static constexpr uint64_t kLargestSum = uint64_t{512} << 19;  // from here on, every output rounds to 0
  const Exponentials& table_;
  Reciprocal reciprocal_{};
  bool vanishes_ = false;
};

template <typename T>
void softmax_row(const T* in, T* out, int32_t depth, const Exponentials& table) {
  constexpr int32_t kLowest = std::numeric_limits<T>::min();
  const int32_t largest = *std::max_element(in, in + depth);
  uint64_t sum = 0;
  for (int32_t i = 0; i < depth; ++i) sum += static_cast<uint64_t>(table.summand[static_cast<size_t>(largest - in[i])]);
  const RowOutputs outputs(table, sum);
  if (depth < kDifferences / 2) {
    for (int32_t i = 0; i < depth; ++i) out[i] = static_cast<T>(outputs.of(largest - in[i]) + kLowest);
    return;
  }
  std::array<T, kDifferences> values;
  for (int32_t d = 0; d < kDifferences; ++d) values[static_cast<size_t>(d)] = static_cast<T>(outputs.of(d) + kLowest);
  for (int32_t i = 0; i < depth; ++i) out[i] = values[static_cast<size_t>(largest - in[i])];
}

template <typename T>
void plan_softmax(const Softmax& op, const Node& node, PlanBuilder& builder) {
  Step step = builder.step_for(node, kernel_name("softmax", builder.tensor(node.inputs[0]).type));
  step.in_place = true;
  auto* const table = builder.keep<Exponentials>(1);
  make_exponentials(op, *table);
  step.run = [table, rows = op.rows, depth = op.depth, in_id = node.inputs[0],
              out_id = node.outputs[0]](const RunContext& context) {
    const T* const in = context.data<const T>(in_id);
    T* const out = context.data<T>(out_id);
    context.pool.parallel_for(rows, std::max<int64_t>(1, kGrainElements / depth), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) softmax_row(in + row * depth, out + row * depth, depth, *table);
    });
  };
  builder.add(std::move(step));
}

}  // namespace

void plan(const Softmax& op, const Node& node, PlanBuilder& builder) {
  if (builder.tensor(node.inputs[0]).type == DataType::UInt8) {
    plan_softmax<uint8_t>(op, node, builder);
  } else {
    plan_softmax<int8_t>(op, node, builder);
  }
}

}  // namespace octet
