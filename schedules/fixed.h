// What is known of a kernel's arguments, made constants of its pipeline.
#pragma once

#include "schedules/request.h"
#include "schedules/schedules.h"

namespace octet {

/// Algorithm and schedule of what is asked for. Throws std::runtime_error where it does not have such arguments.
Compilable make_pipeline(const KernelRequest& request);

}  // namespace octet
