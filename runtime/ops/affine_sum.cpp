#include "runtime/ops/affine_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "runtime/fixed_point.h"

namespace octet {

namespace {

constexpr int kValues = 256;

/// Outputs of all pairs of operands, as the contract has them.
class Outputs {
 public:
  Outputs(const Binary& op, const BinaryTypes& types)
      : clamp_(op.clamp), lowest_(types.type == DataType::UInt8 ? 0 : -128), values_(kValues * kValues) {
    const int32_t sign = op.kind == Binary::Kind::Sub ? -1 : 1;
    std::array<int32_t, kValues> second;
    for (int32_t j = 0; j < kValues; j++) second[at(j)] = sign * scaled(lowest_ + j - types.b_zero, op.b);
    for (int32_t i = 0; i < kValues; i++) {
      const int32_t first = scaled(lowest_ + i - types.a_zero, op.a);
      for (int32_t j = 0; j < kValues; j++) {
        const int32_t sum = multiply_by_quantized_multiplier(first + second[at(j)], op.out);
        const auto value = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(types.out_zero));
        values_[at(i * kValues + j)] = std::clamp(value, clamp_.lo, clamp_.hi);
      }
    }
  }

  /// What a pair of operands (counted from the type's lowest value) asks of c.
  struct Bound {
    int32_t a = 0, b = 0;
    int64_t c;
  };

  /// The least c that is not too small for some pair, and the largest that is not too large.
  std::array<Bound, 2> bounds(int64_t a, int64_t b) const {
    constexpr int64_t kFar = int64_t{1} << 42;  // no pair asks for that
    Bound least{.c = -kFar}, most{.c = kFar};
    for (int32_t i = 0; i < kValues; i++) {
      for (int32_t j = 0; j < kValues; j++) {
        const int64_t value = values_[at(i * kValues + j)];
        const int64_t c = (value << kSumShift) - a * (lowest_ + i) - b * (lowest_ + j);
        const int64_t last = c + (int64_t{1} << kSumShift) - 1;
        if (value > clamp_.lo && c > least.c) least = {i, j, c};
        if (value < clamp_.hi && last < most.c) most = {i, j, last};
      }
    }
    return {least, most};
  }

 private:
  static size_t at(int32_t index) { return static_cast<size_t>(index); }
  static int32_t scaled(int32_t x, FixedPoint factor) {
    return multiply_by_quantized_multiplier(x * (1 << 20), factor);
  }

  Clamp clamp_;
  int32_t lowest_;
  std::vector<int32_t> values_;
};

double real(FixedPoint f) { return std::ldexp(static_cast<double>(f.multiplier), f.shift - 31); }

}  // namespace

SumArguments arguments_of(const AffineSum& sum) {
  SumArguments arguments{.factors = {},
                         .whole = static_cast<int16_t>(sum.c >> kSumShift),
                         .fraction = static_cast<int32_t>(sum.c & ((int64_t{1} << kSumShift) - 1))};
  const auto set_factor = [&](int operand, int32_t factor) {
    arguments.factors[operand] = static_cast<int16_t>(factor >> kSumLowBits);
    arguments.factors[2 + operand] = static_cast<int16_t>(factor & ((1 << kSumLowBits) - 1));
  };
  set_factor(0, sum.a);
  set_factor(1, sum.b);
  return arguments;
}

std::optional<AffineSum> affine_sum(const Binary& op, const BinaryTypes& types) {
  constexpr int kTries = 5;
  constexpr double kMargin = 32;               // beyond what two pairs ask for: slopes will be rounded
  constexpr double kLimit = (1 << 30) - 4096;  // of a slope: room for what follows
  if (op.kind == Binary::Kind::Mul) return std::nullopt;
  const double unit = std::ldexp(real(op.out), 20 + kSumShift);
  const double first = real(op.a) * unit, second = real(op.b) * unit * (op.kind == Binary::Kind::Sub ? -1 : 1);
  if (first > kLimit || std::abs(second) > kLimit) return std::nullopt;
  const Outputs outputs(op, types);
  // Ties go away from zero: where there are any, slopes that are a little steeper send them there.
  for (const double steeper : {1.0, 1.0 + 0x1p-20}) {
    double a = first * steeper, b = second * steeper;
    for (int i = 0; i < kTries; i++) {
      const AffineSum sum{static_cast<int32_t>(std::lround(a)), static_cast<int32_t>(std::lround(b)), 0};
      const auto [least, most] = outputs.bounds(sum.a, sum.b);
      if (least.c <= most.c) return AffineSum{sum.a, sum.b, least.c + (most.c - least.c) / 2};
      // Two pairs contradict each other: the slopes change as little as would reconcile them.
      const double da = least.a - most.a, db = least.b - most.b;
      const double step = (static_cast<double>(least.c - most.c) + kMargin) / (da * da + db * db);
      a += step * da;
      b += step * db;
    }
  }
  return std::nullopt;
}

}  // namespace octet
