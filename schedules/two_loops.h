// What a loop does only for some blocks of channels, kept out of it for the others.
#pragma once

#include "generators/halide.h"

namespace octet {

/// An innermost loop that asks `table` the same each time, whether there is something more to do, becomes two loops:
/// the present one, and one without questions for where all answers are no. LLVM's would be one for each of them.
void ask_before_loops(Halide::Func& output, const Halide::ImageParam& table);

}  // namespace octet
