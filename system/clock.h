// Time.
#pragma once

#include <ctime>

namespace octet {

/// Of a clock of the system: CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID.
double clock_seconds(clockid_t clock);
double now_seconds();
void sleep_seconds(double seconds);

}  // namespace octet
