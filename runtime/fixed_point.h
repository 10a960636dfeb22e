// From real numbers to the fixed-point ones of steps/fixed_point.h.
#pragma once

#include "runtime/steps/fixed_point.h"

namespace octet {

/// d >= 0 to multiplier and shift; d below 2^-32 gives {0, 0}.
FixedPoint quantize_multiplier(double d);

}  // namespace octet
