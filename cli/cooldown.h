// Waiting before a measurement, so that what ran before does not slow it.
#pragma once

#include <optional>
#include <string>

#include "cli/sensors.h"

namespace octet::cli {

struct Cooldown {
  double seconds = 0;
  std::optional<double> celsius;  // instead: until the CPUs are no hotter
};
inline constexpr double kLongestCooldown = 600;  // seconds to wait for a temperature

/// "30" or "30s": seconds; "40C": a temperature. Throws ModelError.
Cooldown parse_cooldown(const std::string& text);

/// Returns what is to be said: that the temperature was not reached in time; else "". Throws std::runtime_error where a
/// temperature is asked for and none can be read.
std::string wait_for(const Cooldown& cooldown, const Sensors& sensors);

}  // namespace octet::cli
