// Integer-only rescaling (Jacob et al. 2017, section 2.2), scalar, to the bit: see docs/numerics.md.
#pragma once

#include <cstdint>

#include "runtime/graph.h"

namespace octet {

/// d >= 0 to multiplier and shift; d below 2^-32 gives {0, 0}.
FixedPoint quantize_multiplier(double d);

/// Saturating rounding doubling high multiply, (2 a b + 2^31) >> 32.
int32_t srdhm(int32_t a, int32_t b);

/// x / 2^n rounded to nearest, ties away from zero; n in [0, 31].
int32_t rounding_divide_by_pot(int32_t x, int32_t n);

/// x times a fixed-point number; the left shift wraps as two's complement.
int32_t multiply_by_quantized_multiplier(int32_t x, FixedPoint m);

}  // namespace octet
