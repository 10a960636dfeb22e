// Convolution kernels that nobody compiles ahead of time, as there are many and a network needs few of them: tiles that
// fit one layer.
#pragma once

#include <span>

#include "schedules/manifest.h"

namespace octet {

/// Like the manifest's for the target, but of other numbers of pixels, or of a pixel's vectors, or overlapping. They
/// last as long as the program.
std::span<const KernelInfo> layer_tiles(Target target);

}  // namespace octet
