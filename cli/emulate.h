// What octet count and octet estimate share: networks executed by the 64-bit Arm build under emulation.
#pragma once

#include <functional>

#include "benchmarks/emulated/profile.h"
#include "cli/load.h"

namespace octet::cli {

struct EmulateOptions {
  std::vector<std::string> models, targets = {"dotprod"};
  PrepareOptions prepare;  // its target is not looked at
  std::string octet;
};

/// MODEL..., --target, --type, --no-pass, --arm64.
void add_emulate_options(CLI::App& command, EmulateOptions& options);

/// By network, and by target within it.
void for_each_emulated(const EmulateOptions& options, const std::function<void(emulated::Profile)>& body);

}  // namespace octet::cli
