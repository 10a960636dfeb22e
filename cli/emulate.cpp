#include "cli/emulate.h"

#include <algorithm>

#include "models/zoo.h"
#include "system/process.h"

namespace octet::cli {

void add_emulate_options(CLI::App& command, EmulateOptions& options) {
  command.add_option("MODEL", options.models, std::string(kModelHelp) + "; any number of them")->required();
  command.add_option("--target", options.targets, "Instruction sets, e.g. neon,dotprod")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(emulated::emulated_targets()))
      ->capture_default_str();
  add_type_option(command, options.prepare.type);
  add_no_pass_option(command, options.prepare.passes_off);
  command.add_option("--arm64", options.octet, "The command line for 64-bit Arm; by default that of make arm64")
      ->type_name("FILE");
}

void for_each_emulated(const EmulateOptions& options, const std::function<void(emulated::Profile)>& body) {
  const Interruptible interruptible;
  const emulated::Emulation emulation = emulated::Emulation::find(options.octet);
  for (const std::string& model : options.models) {
    std::vector<std::string> arguments = {"--type", options.prepare.type};
    for (const std::string& pass : options.prepare.passes_off) arguments.insert(arguments.end(), {"--no-pass", pass});
    if (options.prepare.cores != "auto") arguments.insert(arguments.end(), {"--cores", options.prepare.cores});
    arguments.insert(arguments.end(), {"--", model});
    for (const std::string& target : options.targets) body(emulated::profile(emulation, target, arguments));
  }
}

}  // namespace octet::cli
