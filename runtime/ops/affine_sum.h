// ADD and SUB in the cheap form that kernels take, where it gives what the contract (docs/numerics.md) does.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/graph.h"
#include "runtime/steps/steps.h"
#include "schedules/layouts.h"

namespace octet {

/// clamp((a q_a + b q_b + c) >> kSumShift), for operands as they are stored: zero points are part of c. |a|, |b| <
/// 2^30, |c| < 2^43.
struct AffineSum {
  int32_t a, b;
  int64_t c;
};

/// The same as kernels take it.
SumArguments arguments_of(const AffineSum& sum);

/// A binary operator's zero points and activation type.
struct BinaryTypes {
  DataType type;
  int32_t a_zero, b_zero, out_zero;
};

/// Constants for which the affine form equals the operator for each of the 65536 pairs of operands, which is tried;
/// nothing for MUL, and where none are found: factors of 4 and more, say.
std::optional<AffineSum> affine_sum(const Binary& op, const BinaryTypes& types);

}  // namespace octet
