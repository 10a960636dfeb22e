#include "cli/cooldown.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "cli/measure.h"
#include "models/model.h"

namespace octet::cli {

Cooldown parse_cooldown(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (end == text.c_str() || !std::isfinite(value) || value < 0 || value > 86400 ||
      (unit != "" && unit != "s" && unit != "C"))
    throw ModelError("--cooldown " + text + ": must be seconds, as in 30, or a temperature, as in 40C");
  return unit == "C" ? Cooldown{0, value} : Cooldown{value, std::nullopt};
}

std::string wait_for(const Cooldown& cooldown, const Sensors& sensors) {
  sleep_seconds(cooldown.seconds);
  if (!cooldown.celsius) return "";
  const double start = now_seconds();
  for (;;) {
    const std::optional<double> now = sensors.read().celsius;
    if (!now) throw std::runtime_error("--cooldown: no CPU temperature can be read here; give seconds instead");
    if (*now <= *cooldown.celsius) return "";
    if (now_seconds() - start > kLongestCooldown)
      return fmt::format("still at {:.1f} C after {:g} s of cooling down", *now, kLongestCooldown);
    sleep_seconds(1);
  }
}

}  // namespace octet::cli
