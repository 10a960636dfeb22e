// A tile's results on their way to memory while the next one's sums are added up.
#pragma once

#include "generators/halide.h"

namespace octet {

/// In loops over tiles ("xo"), `sum` is computed a turn ahead of all that is made of it, whose statements take turns
/// with those of the sum before its first loop. What becomes of a tile's last sums is a chain of instructions that wait
/// for each other, behind which a core has no room left to look for the next tile's. The registers hold the sums of two
/// tiles. What is made of them has no loops.
///
/// `zero`, if defined, is 0, of which the compiler does not know: weights that the statements before the first loop
/// load are then read in each turn. The compiler would read them before the loop over tiles, as they are the same for
/// all.
void overlap_tiles(Halide::Func& output, const Halide::Func& sum, const Halide::ImageParam& weights,
                   const Halide::Expr& zero);

}  // namespace octet
