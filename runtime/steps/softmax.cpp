// SOFTMAX in fixed point (docs/numerics.md). A value counts only through its difference from the row's largest, of
// which there are 256: the exponentials are a table made with the plan, and the outputs a table a row.
#include <algorithm>
#include <bit>
#include <limits>

#include "runtime/steps/softmax_arithmetic.h"
#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Exponentials = SoftmaxStep::Exponentials;
constexpr int kDifferences = SoftmaxStep::kDifferences;

/// a + b halved, ties away from zero.
int32_t rounding_half_sum(int32_t a, int32_t b) {
  const int64_t sum = int64_t{a} + b;
  return static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
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

/// What each difference gives, as a value of 8 bits from 0.
class RowOutputs {
 public:
  RowOutputs(const Exponentials& table, uint64_t sum) : table_(table) {
    vanishes_ = sum >= kLargestSum;
    if (!vanishes_) reciprocal_ = reciprocal_of(static_cast<uint32_t>(sum));
  }

  int32_t of(int32_t difference) const {
    if (vanishes_ || difference >= table_.count) return 0;
    const int32_t scaled = srdhm(reciprocal_.scale, table_.exp[difference]);
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
  for (int32_t i = 0; i < depth; ++i) sum += static_cast<uint64_t>(table.summand[largest - in[i]]);
  const RowOutputs outputs(table, sum);
  if (depth < kDifferences / 2) {
    for (int32_t i = 0; i < depth; ++i) out[i] = static_cast<T>(outputs.of(largest - in[i]) + kLowest);
    return;
  }
  T values[kDifferences];
  for (int32_t d = 0; d < kDifferences; ++d) values[d] = static_cast<T>(outputs.of(d) + kLowest);
  for (int32_t i = 0; i < depth; ++i) out[i] = values[largest - in[i]];
}

template <typename T>
void run_typed(const SoftmaxStep& op, const RunContext& context) {
  const T* const in = context.data<const T>(op.input);
  T* const out = context.data<T>(op.output);
  const Exponentials& table = *context.constant(op.table);
  const int64_t depth = op.depth;
  context.pool.parallel_for(op.rows, std::max<int64_t>(1, kGrainElements / depth), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) softmax_row(in + row * depth, out + row * depth, op.depth, table);
  });
}

}  // namespace

void run(const SoftmaxStep& step, const RunContext& context) {
  if (step.type == DataType::UInt8) {
    run_typed<uint8_t>(step, context);
  } else {
    run_typed<int8_t>(step, context);
  }
}

}  // namespace octet
