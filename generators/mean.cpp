#include "generators/mean.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

MeanKernel::MeanKernel(Target target) : input(activation_of(target), 5, "input") {
  r = RDom(0, input.dim(2).extent(), 0, input.dim(3).extent(), 0, input.dim(4).extent(), "r");
  // The last block passes the end of i: by some bytes of slack where they follow each other, else not at all.
  Expr at = select(input.dim(0).stride() == 1, i, min(i, input.dim(0).extent() - 1));
  sum(i, j) = start;
  sum(i, j) += cast<int32_t>(input(at, j, r.x, r.y, r.z));
  output(i, j) = requantized(target, sum(i, j), multiplier, left, right, zero_point, lo, hi);
}

std::vector<Argument> MeanKernel::arguments() const {
  return {input, start, multiplier, left, right, zero_point, lo, hi};
}

}  // namespace octet
