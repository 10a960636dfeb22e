// From a manifest entry to a scheduled pipeline. One file a family of targets: x86*.cpp (SSE4.1, AVX2, AVX-512 VNNI),
// arm.cpp (NEON, dotprod). A schedule function takes an algorithm of generators/ and the tile sizes, and says in which
// order, on how many registers, and where in memory it is computed; it never changes what is computed.
#pragma once

#include <vector>

#include "generators/convolution.h"
#include "generators/depthwise.h"
#include "generators/elementwise.h"
#include "generators/halide.h"
#include "generators/mean.h"
#include "generators/pool.h"
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
void schedule_depthwise_x86(DepthwiseKernel& kernel, Target target, const Schedule& tile);
void schedule_depthwise_any_x86(DepthwiseAnyKernel& kernel, Target target);
void schedule_sum_x86(SumKernel& kernel, Target target);
void schedule_product_x86(ProductKernel& kernel, Target target);
void schedule_average_x86(AverageKernel& kernel, Target target);
void schedule_max_x86(MaxKernel& kernel, Target target);
void schedule_mean_x86(MeanKernel& kernel, Target target);

void schedule_convolution_arm(ConvolutionKernel& kernel, Target target, Schedule tile);
void schedule_requantize_arm(RequantizeKernel& kernel);

}  // namespace octet
