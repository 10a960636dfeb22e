// The subcommands. Each adds itself to the application and, when chosen, sets what is to run; it returns nothing and
// throws what goes wrong (main.cpp turns that into one line and an exit code).
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <functional>

namespace octet::cli {

using Action = std::function<void()>;

void add_inspect(CLI::App& app, Action& action);
void add_compile(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_lab(CLI::App& app, Action& action);
void add_estimate(CLI::App& app, Action& action);
void add_devices(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_count(CLI::App& app, Action& action);
void add_counted(CLI::App& app, Action& action);
void add_zoo(CLI::App& app, Action& action);

/// CLI::Range, which takes NaN for a number between any two.
inline CLI::Validator within(double least, double most) {
  const CLI::Range range(least, most);
  return CLI::Validator(
      [range](std::string& text) {
        double value = 0;
        const bool is_nan = CLI::detail::lexical_cast(text, value) && std::isnan(value);
        return is_nan ? "Value " + text + " is not a number" : range(text);
      },
      range.get_description(), "within");
}

/// Adds a subcommand whose options live in a T as long as the application, and runs `command(options)` when chosen.
template <typename T>
std::pair<CLI::App*, T*> add_command(CLI::App& app, Action& action, const std::string& name, const std::string& help,
                                     void (*command)(const T&)) {
  CLI::App* const sub = app.add_subcommand(name, help);
  const auto options = std::make_shared<T>();
  sub->callback([options, command, &action] { action = [options, command] { command(*options); }; });
  return {sub, options.get()};
}

}  // namespace octet::cli
