// Halide, in the one version-dependent place (code elsewhere compiles with 14 and newer), and what all algorithms
// share.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "runtime/target.h"

namespace octet {

/// The 8-bit activation type of a target's kernels.
inline Halide::Type activation_of(Target target) {
  return activation_type(target) == DataType::UInt8 ? Halide::UInt(8) : Halide::Int(8);
}

/// c % block, written so that it folds away in a vector of `lanes` channels; block is a multiple of them.
inline Halide::Expr within_block(const Halide::Expr& c, int block, int lanes) {
  return block == lanes ? c % lanes : c % lanes + c / lanes % (block / lanes) * lanes;
}

/// A call of a function of schedules/<target>.ll: vectorized, it becomes an instruction that Halide does not select.
inline Halide::Expr instruction(Halide::Type type, const std::string& name,
                                const std::vector<Halide::Expr>& arguments) {
  return Halide::Internal::Call::make(type, name, arguments, Halide::Internal::Call::PureExtern);
}

}  // namespace octet
