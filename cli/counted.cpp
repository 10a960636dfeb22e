// octet counted: what `octet count` runs under emulation. Not listed in the help.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "benchmarks/emulated/marks.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/measure.h"

namespace octet::cli {
namespace {

using emulated::Mark;

struct CountedOptions {
  std::string model;
  PrepareOptions prepare;
};

/// An inference with marks around it and between its layers.
void run_marked(Session& session) {
#if defined(__aarch64__)
  emulated::execute<Mark::Begin>();
  session.run([](size_t) { emulated::execute<Mark::Next>(); });
  emulated::execute<Mark::End>();
#else
  (void)session;
  throw ModelError("counted: is for the 64-bit Arm build, as octet count runs it");
#endif
}

void counted(const CountedOptions& options) {
  const Model model = load_model(options.model, options.prepare);
  const std::shared_ptr<const Plan> plan = prepare(model, options.model, options.prepare);
  Session session(plan);
  fill_inputs(session);
  session.run();
  run_marked(session);
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const Step& step : plan->steps()) {
    layers.push_back({{"layer", step.layer}, {"kernel", step.kernel}, {"macs", step.macs}});
  }
  const nlohmann::ordered_json json = {{"network", model.name}, {"layers", layers}};
  fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void add_counted(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "counted", "One inference between marks, for octet count to run under emulation", counted);
  command->group("");  // not listed
  command->add_option("MODEL", options->model, kModelHelp)->required();
  add_prepare_options(*command, options->prepare);
}

}  // namespace octet::cli
