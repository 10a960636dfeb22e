#include "generators/requantize.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

RequantizeKernel::RequantizeKernel(Target target) {
  Expr value = rescale_exact(sums(c, x), channels(c, kRequantizeMultiplier), channels(c, kRequantizeLeft),
                             channels(c, kRequantizeRight), zero_point);
  output(c, x) = cast(activation_of(target), clamp(value, lo, hi));
}

std::vector<Argument> RequantizeKernel::arguments() const { return {sums, channels, zero_point, lo, hi}; }

}  // namespace octet
