// octet: inspect, run, measure and evaluate quantized networks. Exit codes: 0 success, 1 failed, 2 wrong usage or
// input.
#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "cli/commands.h"
#include "cli/table.h"
#include "models/model.h"
#include "runtime/octet.h"

namespace octet::cli {
namespace {

enum ExitCode : int { kSuccess = 0, kFailed = 1, kBadInput = 2 };

int complain(ExitCode code, const std::string& what) {
  std::fflush(stdout);
  fmt::print(stderr, "octet: {}\n", printable(what));
  return code;
}

/// Wrong usage: what, and where to read more. A word that nobody knows explains more than what is missing without it.
int complain_of_usage(const CLI::App& app, std::string what) {
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "octet" : "octet " + chosen.front()->get_name();
  const std::vector<std::string> unknown = app.remaining(true);
  if (!unknown.empty()) what = (chosen.empty() ? "unknown command: " : "unknown argument: ") + unknown.front();
  return complain(kBadInput, what + " (see " + command + " --help)");
}

int run(int argc, char** argv) {
  CLI::App app("Octet: fast, bit-exact inference of quantized (uint8, int8) .tflite networks on CPUs.", "octet");
  app.set_version_flag("--version", std::string("octet ") + octet_version());
  app.require_subcommand(1);
  Action action;
  add_inspect(app, action);
  add_run(app, action);
  add_compile(app, action);
  add_bench(app, action);
#ifdef OCTET_LAB
  add_lab(app, action);
#endif
  add_estimate(app, action);
  add_devices(app, action);
  add_eval(app, action);
  add_count(app, action);
  add_counted(app, action);
  add_zoo(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // help, version
    app.exit(e);
    return kSuccess;
  } catch (const CLI::ParseError& e) {
    return complain_of_usage(app, e.what());
  }
  action();
  // A full disk or a closed pipe must not look like success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(kFailed, "standard output: cannot be written");
  return kSuccess;
}

}  // namespace
}  // namespace octet::cli

int main(int argc, char** argv) {
  using namespace octet::cli;
  try {
    return run(argc, argv);
  } catch (const octet::ModelError& e) {
    return complain(kBadInput, e.what());
  } catch (const std::bad_alloc&) {
    return complain(kFailed, "out of memory");
  } catch (const std::exception& e) {
    return complain(kFailed, e.what());
  }
}
