#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

void start_at_zero(Func& output) {
  for (int d = 0; d < output.dimensions(); d++) output.output_buffer().dim(d).set_min(0);
}

void start_at_zero(ImageParam& input) {
  for (int d = 0; d < input.dimensions(); d++) input.dim(d).set_min(0);
}

/// [depth, panel, steps, panels], each as close as it gets, but for the panels.
void promise_weights(ImageParam& weights, int depth, int panel, int alignment) {
  start_at_zero(weights);
  weights.dim(0).set_bounds(0, depth).set_stride(1);
  weights.dim(1).set_bounds(0, panel).set_stride(depth);
  weights.dim(2).set_stride(depth * panel);
  weights.set_host_alignment(alignment);
}

int alignment_of(Target target) { return is_arm(target) ? 16 : 64; }

void promise_depthwise(ImageParam& weights, ImageParam& channels, Target target) {
  const DepthwiseLayout layout = depthwise_layout(target);
  promise_weights(weights, layout.depth, layout.panel, alignment_of(target));
  start_at_zero(channels);
  channels.set_host_alignment(alignment_of(target));
}

}  // namespace

void promise_layout(ConvolutionKernel& k, const KernelInfo& info) {
  const int alignment = alignment_of(info.target);
  for (ImageParam* table : {&k.input, &k.offsets, &k.runs, &k.channels}) start_at_zero(*table);
  k.runs.dim(0).set_bounds(0, kRunFields).set_stride(1);
  k.runs.dim(1).set_stride(kRunFields);
  const int depth = packed_depth(info);
  promise_weights(k.weights, word_bytes(info) > 1 ? 1 : depth, packed_channels(info), alignment);
  // Nothing is said of the stride from step to step: knowing it, LLVM makes one index of this and that of the
  // activations, and adds more than it spares.
  k.weights.dim(2).set_bounds(0, step_of(info) / depth);
  // But where steps are written out, each would need an address of its own.
  if (info.schedule.overlapping > 0) k.weights.dim(3).set_stride(step_of(info) * packed_channels(info));
  k.channels.set_host_alignment(alignment);
  start_at_zero(k.addend);
  promise_layout(k.affine);
  start_at_zero(k.output);
}

void promise_layout(DepthwiseKernel& k, Target target) {
  for (const int d : {0, is_arm(target) ? 1 : 3}) k.input.dim(d).set_min(0);
  if (is_arm(target)) k.input.dim(2).set_min(0);
  promise_depthwise(k.weights, k.channels, target);
  start_at_zero(k.output);
}

void promise_layout(DepthwiseAnyKernel& k, Target target) {
  const int depth = depthwise_layout(target).depth;
  start_at_zero(k.input);
  start_at_zero(k.offsets);
  k.offsets.dim(0).set_bounds(0, depth).set_stride(1);
  k.offsets.dim(1).set_stride(depth);
  promise_depthwise(k.weights, k.channels, target);
  start_at_zero(k.output);
}

void promise_layout(AffineParams& params) {
  params.factors.dim(0).set_bounds(0, 2).set_stride(1);
  params.factors.dim(1).set_bounds(0, 2).set_stride(2);
  params.low_bytes.dim(0).set_bounds(0, kSumLanes).set_stride(1);
  params.low_bytes.dim(1).set_bounds(0, 2).set_stride(kSumLanes);
}

}  // namespace octet
