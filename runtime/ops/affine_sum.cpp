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
  Outputs(const Binary& op, const BinaryTypes& types, int shift)
      : clamp_(op.clamp), shift_(shift), lowest_(types.type == DataType::UInt8 ? 0 : -128), values_(kValues * kValues) {
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

  /// What all pairs ask of c: not to be less, or more.
  struct Bounds {
    std::vector<Bound> least, most;
  };

  /// The pairs that ask for the greatest c and the least, and those that ask for nearly as much.
  Bounds bounds(int64_t a, int64_t b, int64_t nearly = 0) const {
    constexpr int64_t kFar = int64_t{1} << 42;  // no pair asks for that
    Bound least{.c = -kFar}, most{.c = kFar};
    const auto each = [&](const auto& visit) {
      for (int32_t i = 0; i < kValues; i++) {
        for (int32_t j = 0; j < kValues; j++) {
          const int64_t value = values_[at(i * kValues + j)];
          const int64_t c = (value << shift_) - a * (lowest_ + i) - b * (lowest_ + j);
          visit(Bound{i, j, value > clamp_.lo ? c : -kFar},
                Bound{i, j, value < clamp_.hi ? c + (int64_t{1} << shift_) - 1 : kFar});
        }
      }
    };
    each([&](const Bound& from, const Bound& to) {
      if (from.c > least.c) least = from;
      if (to.c < most.c) most = to;
    });
    Bounds all{{least}, {most}};
    if (nearly == 0) return all;
    nearly += std::max<int64_t>(0, least.c - most.c);
    each([&](const Bound& from, const Bound& to) {
      if (from.c >= least.c - nearly) all.least.push_back(from);
      if (to.c <= most.c + nearly) all.most.push_back(to);
    });
    return all;
  }

  int32_t lowest() const { return lowest_; }

 private:
  static size_t at(int32_t index) { return static_cast<size_t>(index); }
  static int32_t scaled(int32_t x, FixedPoint factor) {
    return multiply_by_quantized_multiplier(x * (1 << 20), factor);
  }

  Clamp clamp_;
  int shift_;
  int32_t lowest_;
  std::vector<int32_t> values_;
};

double real(FixedPoint f) { return std::ldexp(static_cast<double>(f.multiplier), f.shift - 31); }

/// The parts of a factor.
struct Parts {
  int32_t high, low;
};

Parts parts_of(int32_t factor, const SumLayout& layout) {
  const int32_t half = 1 << (layout.low_bits - 1), high = (factor + half) >> layout.low_bits;
  return {high, factor - high * (1 << layout.low_bits)};
}

/// Whether kernels can take it. Two least low parts are the only ones whose products might add up to a bit too many.
bool fits(const AffineSum& sum, const SumLayout& layout) {
  const int32_t most = layout.most_factor(), least_low = -(1 << (layout.low_bits - 1));
  return std::abs(sum.a) <= most && std::abs(sum.b) <= most && std::abs(sum.c >> layout.shift) <= layout.most_whole &&
         (parts_of(sum.a, layout).low != least_low || parts_of(sum.b, layout).low != least_low);
}

/// Where there are few slopes between two that would do, the nearest may not be among them: all around these are tried.
std::optional<AffineSum> nearby_sum(const Outputs& outputs, int32_t a, int32_t b, const SumLayout& layout) {
  constexpr int32_t kReach = 40;
  // More than a step of a slope changes what two pairs ask for, one against the other.
  constexpr int64_t kNearly = int64_t{4} * kValues * kReach;
  const Outputs::Bounds bounds = outputs.bounds(a, b, kNearly);
  const auto moved = [](const Outputs::Bound& bound, int32_t da, int32_t db) {
    return bound.c - int64_t{da} * bound.a - int64_t{db} * bound.b;
  };
  const auto try_at = [&](int32_t da, int32_t db) -> std::optional<AffineSum> {
    int64_t least = INT64_MIN, most = INT64_MAX;
    for (const Outputs::Bound& bound : bounds.least) least = std::max(least, moved(bound, da, db));
    for (const Outputs::Bound& bound : bounds.most) most = std::min(most, moved(bound, da, db));
    if (least > most) return std::nullopt;
    // Bounds count operands from the lowest value.
    const int64_t lowest = int64_t{outputs.lowest()} * (da + db);
    const AffineSum sum{a + da, b + db, least + (most - least) / 2 - lowest};
    return fits(sum, layout) ? std::optional(sum) : std::nullopt;
  };
  for (int32_t ring = 0; ring <= kReach; ring++)
    for (int32_t da = -ring; da <= ring; da++)
      for (int32_t db = -ring; db <= ring; db += std::abs(da) == ring ? 1 : std::max(1, 2 * ring))
        if (const auto sum = try_at(da, db)) return sum;
  return std::nullopt;
}

}  // namespace

SumArguments arguments_of(const AffineSum& sum, const SumLayout& layout) {
  SumArguments arguments{.factors = {},
                         .whole = static_cast<int16_t>(sum.c >> layout.shift),
                         .fraction = static_cast<int32_t>(sum.c & ((int64_t{1} << layout.shift) - 1))};
  const auto set_factor = [&](int operand, int32_t factor) {
    const Parts parts = parts_of(factor, layout);
    arguments.factors[operand] = static_cast<int16_t>(parts.high);
    arguments.factors[2 + operand] = static_cast<int16_t>(parts.low);
    std::ranges::fill(arguments.low_bytes[operand], static_cast<int8_t>(parts.low));
  };
  set_factor(0, sum.a);
  set_factor(1, sum.b);
  return arguments;
}

std::optional<AffineSum> affine_sum(const Binary& op, const BinaryTypes& types, const SumLayout& layout) {
  constexpr int kTries = 5;
  constexpr double kMargin = 32;                       // beyond what two pairs ask for: slopes will be rounded
  const double limit = layout.most_factor() - 4096.0;  // of a slope: room for what follows
  if (op.kind == Binary::Kind::Mul) return std::nullopt;
  const double unit = std::ldexp(real(op.out), 20 + layout.shift);
  const double first = real(op.a) * unit, second = real(op.b) * unit * (op.kind == Binary::Kind::Sub ? -1 : 1);
  if (first > limit || std::abs(second) > limit) return std::nullopt;
  const Outputs outputs(op, types, layout.shift);
  // Ties go away from zero: where there are any, slopes that are a little steeper send them there.
  for (const double steeper : {1.0, 1.0 + 0x1p-20}) {
    double a = first * steeper, b = second * steeper;
    for (int i = 0; i < kTries; i++) {
      AffineSum sum{static_cast<int32_t>(std::lround(a)), static_cast<int32_t>(std::lround(b)), 0};
      const Outputs::Bounds bounds = outputs.bounds(sum.a, sum.b);
      const Outputs::Bound &least = bounds.least[0], &most = bounds.most[0];
      sum.c = least.c + (most.c - least.c) / 2;
      if (least.c <= most.c && fits(sum, layout)) return sum;
      if (least.c <= most.c) break;
      // Two pairs contradict each other: the slopes change as little as would reconcile them.
      const double da = least.a - most.a, db = least.b - most.b;
      const double step = (static_cast<double>(least.c - most.c) + kMargin) / (da * da + db * db);
      a += step * da;
      b += step * db;
    }
  }
  return nearby_sum(outputs, static_cast<int32_t>(std::lround(first)), static_cast<int32_t>(std::lround(second)),
                    layout);
}

}  // namespace octet
