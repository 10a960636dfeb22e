// ADD and SUB in the cheap form that kernels take, where it gives what the contract (docs/numerics.md) does.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/graph.h"
#include "runtime/steps/steps.h"
#include "schedules/layouts.h"

namespace octet {

/// The same as kernels take it.
SumArguments arguments_of(const AffineSum& sum, const SumLayout& layout);

/// A binary operator's zero points and activation type.
struct BinaryTypes {
  DataType type;
  int32_t a_zero, b_zero, out_zero;
};

/// Constants for which the affine form equals the operator for each of the 65536 pairs of operands, which is tried;
/// nothing for MUL, and where none are found: factors that the layout has no room for, say.
std::optional<AffineSum> affine_sum(const Binary& op, const BinaryTypes& types, const SumLayout& layout);

}  // namespace octet
