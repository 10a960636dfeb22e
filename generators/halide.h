// Halide, in the one version-dependent place (code elsewhere compiles with 14 and newer), and what all algorithms
// share.
#pragma once

#include <Halide.h>

#include "runtime/target.h"

namespace octet {

/// The 8-bit activation type of a target's kernels.
inline Halide::Type activation_of(Target target) {
  return activation_type(target) == DataType::UInt8 ? Halide::UInt(8) : Halide::Int(8);
}

}  // namespace octet
