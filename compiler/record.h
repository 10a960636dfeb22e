// What the kernels of a network are called with. The steps themselves are run, with kernels that take notes in place of
// the real ones: no other code knows how they call.
#pragma once

#include <vector>

#include "runtime/plan.h"
#include "schedules/request.h"

namespace octet {

/// For each of plan.kernels() what is the same in all its calls, however loops are shared among threads. `alone`: by
/// step, whether its loops are not shared at all.
std::vector<std::vector<KnownArgument>> record_arguments(const Plan& plan, const std::vector<bool>& alone);

}  // namespace octet
