#include "generators/mean.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

MeanKernel::MeanKernel(Target target) : input(activation_of(target), 5, "input") {
  r = RDom(0, input.dim(2).extent(), 0, input.dim(3).extent(), 0, input.dim(4).extent(), "r");
  sum(i, j) = start;
  sum(i, j) += cast<int32_t>(input(i, j, r.x, r.y, r.z));
  output(i, j) = requantized(target, sum(i, j), multiplier, left, right, zero_point, lo, hi);
}

std::vector<Argument> MeanKernel::arguments() const {
  return {input, start, multiplier, left, right, zero_point, lo, hi};
}

}  // namespace octet
