// From a manifest entry to a scheduled pipeline. One file a family of targets: x86.cpp (SSE4.1, AVX2, AVX-512 VNNI),
// arm.cpp (NEON, dotprod). A schedule function takes an algorithm of generators/ and the tile sizes, and says in which
// order, on how many registers, and where in memory it is computed; it never changes what is computed.
#pragma once

#include <vector>

#include "generators/convolution.h"
#include "generators/halide.h"
#include "generators/requantize.h"
#include "schedules/manifest.h"

namespace octet {

struct Compilable {
  Halide::Func output;
  std::vector<Halide::Argument> arguments;
};

/// Algorithm and schedule of a manifest entry.
Compilable make_pipeline(const KernelInfo& kernel);

void schedule_convolution_x86(ConvolutionKernel& kernel, Target target, Schedule tile);
void schedule_requantize_x86(RequantizeKernel& kernel, Target target);

}  // namespace octet
