// How fast this machine multiplies, measured: what a target's best multiply-accumulate sequence reaches when nothing
// but it runs. Frequency, throttling and neighbours differ from minute to minute, so measure in the run that is
// compared.
#pragma once

#include <string_view>

#include "runtime/target.h"

namespace octet {

/// The instructions measured, e.g. "vpdpbusd zmm".
std::string_view peak_instruction(Target target);

/// 8-bit multiply-accumulates a second of `threads` threads at once, in 10^9: the best of a few dozen bursts. Takes
/// about `seconds`. Throws ModelError where this CPU cannot run the target.
double measure_peak_gmacs(Target target, int threads = 1, double seconds = 0.05);

}  // namespace octet
