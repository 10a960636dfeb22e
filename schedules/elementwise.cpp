// Requantization, additions, products, pools and means: whole vectors of the innermost dimension.
#include <algorithm>

#include "schedules/schedules.h"

namespace octet {

using namespace Halide;

namespace {

// On Arm a vector of bytes and its four of sums: narrowing wants them together.
int lanes_of(Target target) { return is_arm(target) ? 16 : convolution_layout(target).lanes; }

int byte_lanes_of(Target target) { return is_arm(target) ? 16 : 4 * lanes_of(target); }

// Both operands run, or one of them stands still: then it is read once and spread over the vector of `lanes`.
template <typename Kernel>
void schedule_binary(Kernel& k, int lanes, const Var& io, const Var& iv) {
  const Expr a_step = k.a.dim(0).stride(), b_step = k.b.dim(0).stride();
  for (int d = 0; d < 3; d++) {
    for (ImageParam* operand : {&k.a, &k.b}) operand->dim(d).set_min(0);
    k.output.output_buffer().dim(d).set_min(0);
  }
  k.a.dim(0).set_stride(Expr());
  k.b.dim(0).set_stride(Expr());
  k.output.split(k.i, io, iv, lanes, TailStrategy::GuardWithIf).vectorize(iv);
  for (const Expr& form : {a_step == 1 && b_step == 1, a_step == 1 && b_step == 0, a_step == 0 && b_step == 1})
    k.output.specialize(form);
  k.output.specialize_fail("strides are 0 or 1, not both 0");
}

// One block of channels stays in registers while the window passes.
template <typename Kernel>
void schedule_pool(Kernel& k, Func& reduced, int block, int lanes, const Var& c) {
  Var co("co"), cv("cv");
  k.output.compute_root()
      .split(k.c, co, k.c, block, TailStrategy::GuardWithIf)
      .reorder(k.c, co, k.x, k.y)
      .split(k.c, k.c, cv, lanes, TailStrategy::GuardWithIf)
      .vectorize(cv)
      .unroll(k.c);
  reduced.compute_at(k.output, co).store_in(MemoryType::Stack).bound_extent(c, block).vectorize(c, lanes).unroll(c);
  reduced.update().reorder(c, k.r.x, k.r.y).vectorize(c, lanes).unroll(c);
  for (int d = 0; d < 3; d++) {
    k.input.dim(d).set_min(0);
    k.output.output_buffer().dim(d).set_min(0);
  }
}

}  // namespace

void schedule_requantize(RequantizeKernel& k, Target target) {
  k.output.vectorize(k.c, lanes_of(target), TailStrategy::GuardWithIf);
}

void schedule_sum(SumKernel& k, Target target) {
  const int lanes = lanes_of(target), bytes = byte_lanes_of(target);
  Var io("io"), iv("iv");
  schedule_binary(k, bytes, io, iv);
  promise_layout(k.affine);
  if (is_arm(target) || target == Target::Avx512Vnni) return;
  // A vector of bytes in and out, in between four of sums.
  k.pair.compute_at(k.output, io)
      .store_in(MemoryType::Stack)
      .bound(k.operand, 0, 2)
      .bound_extent(k.i, bytes)
      .vectorize(k.i, std::min(bytes, std::max(16, 2 * lanes)))
      .unroll(k.i)
      .unroll(k.operand);
  const auto schedule = [&](Func& total, const RDom& r) {
    total.compute_at(k.output, io).store_in(MemoryType::Stack).bound_extent(k.i, bytes);
    total.vectorize(k.i, lanes).unroll(k.i);
    total.update().reorder(r.x, k.i).atomic().vectorize(r.x).vectorize(k.i, lanes).unroll(k.i);
  };
  schedule(k.low, k.low_r);
  schedule(k.high, k.high_r);
}

void schedule_sum_any(SumAnyKernel& k, Target target) {
  Var io("io"), iv("iv");
  schedule_binary(k, lanes_of(target), io, iv);
}

void schedule_product(ProductKernel& k, Target target) {
  Var io("io"), iv("iv");
  schedule_binary(k, lanes_of(target), io, iv);
}

void schedule_average(AverageKernel& k, Target target) {
  k.divisors.dim(0).set_bounds(0, 2).dim(1).set_min(0).set_stride(2);
  schedule_pool(k, k.sum, byte_lanes_of(target), lanes_of(target), k.c);
}

void schedule_max(MaxKernel& k, Target target) {
  schedule_pool(k, k.greatest, byte_lanes_of(target), byte_lanes_of(target), k.c);
}

void schedule_mean(MeanKernel& k, Target target) {
  const int lanes = lanes_of(target), block = byte_lanes_of(target);
  Var io("io"), iv("iv");
  k.input.dim(0).set_stride(Expr());
  k.output.compute_root();
  k.sum.compute_at(k.output, io).store_in(MemoryType::Stack);
  k.output.split(k.i, io, k.i, block, TailStrategy::GuardWithIf)
      .split(k.i, k.i, iv, lanes, TailStrategy::GuardWithIf)
      .vectorize(iv)
      .unroll(k.i);
  k.sum.bound_extent(k.i, block).vectorize(k.i, lanes).unroll(k.i);
  k.sum.update().reorder(k.i, k.r.x, k.r.y, k.r.z).vectorize(k.i, lanes).unroll(k.i);
  k.output.specialize(k.input.dim(0).stride() == 1);
  for (int d = 0; d < 5; d++) k.input.dim(d).set_min(0);
  for (int d = 0; d < 2; d++) k.output.output_buffer().dim(d).set_min(0);
}

}  // namespace octet
