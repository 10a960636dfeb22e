// ADD or SUB as one affine form, as kernels take it (generators/elementwise.h).
#pragma once

#include <cstdint>

#include "runtime/steps/call.h"
#include "schedules/layouts.h"

namespace octet {

struct SumArguments {
  int16_t factors[4] = {};              // high and low parts, of a and b each
  int8_t low_bytes[2][kSumLanes] = {};  // Arm: the low parts again, for each lane of a vector
  int16_t whole = 0;                    // of the constant: above the point, and
  int32_t fraction = 0;                 // below it

  BufferArgument factor_buffer() const { return {factors, halide_type_t(halide_type_int, 16), {{2, 1}, {2, 2}}}; }
  BufferArgument low_byte_buffer() const {
    return {low_bytes, halide_type_t(halide_type_int, 8), {{kSumLanes, 1}, {2, kSumLanes}}};
  }
};

}  // namespace octet
