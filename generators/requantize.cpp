#include "generators/requantize.h"

#include "generators/rescale.h"

namespace octet {

using namespace Halide;

RequantizeKernel::RequantizeKernel(Target target) {
  output(c, x) = requantized(target, sums(c, x), channels(c, kRequantizeMultiplier), channels(c, kRequantizeLeft),
                             channels(c, kRequantizeRight), zero_point, lo, hi);
}

std::vector<Argument> RequantizeKernel::arguments() const { return {sums, channels, zero_point, lo, hi}; }

}  // namespace octet
