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

/// Algorithm and schedule of a manifest entry; of a convolution for one layer with what is known of its rows.
Compilable make_pipeline(const KernelInfo& kernel, const ConvolutionRows& rows = {});

void schedule_convolution_x86(ConvolutionKernel& kernel, const KernelInfo& info);
void schedule_convolution_arm(ConvolutionKernel& kernel, const KernelInfo& info);
/// What is true of all packed arrays and images that the runtime hands to a kernel: strides, alignments, no minima.
void promise_layout(ConvolutionKernel& kernel, const KernelInfo& info);
void promise_layout(DepthwiseKernel& kernel, Target target);
void promise_layout(DepthwiseAnyKernel& kernel, Target target);
void promise_layout(AffineParams& params);
void schedule_depthwise_x86(DepthwiseKernel& kernel, Target target, const Schedule& tile);
void schedule_depthwise_any_x86(DepthwiseAnyKernel& kernel, Target target);
void schedule_depthwise_arm(DepthwiseKernel& kernel, Target target, const Schedule& tile);
void schedule_depthwise_any_arm(DepthwiseAnyKernel& kernel, Target target);
/// Arm: a form of `rescaled` (generators/rescale.h) for each common kind of output, chosen at run time.
void specialize_rescaled_arm(Halide::Func& scaled, const Halide::Expr& fits_int16, const Halide::Expr& zero_point,
                             const Halide::Expr& lo, const Halide::Expr& hi);
void schedule_requantize(RequantizeKernel& kernel, Target target);
void schedule_sum(SumKernel& kernel, Target target);
void schedule_sum_any(SumAnyKernel& kernel, Target target);
void schedule_product(ProductKernel& kernel, Target target);
void schedule_average(AverageKernel& kernel, Target target);
void schedule_max(MaxKernel& kernel, Target target);
void schedule_mean(MeanKernel& kernel, Target target);

}  // namespace octet
