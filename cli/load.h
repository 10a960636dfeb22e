// The MODEL argument and the options that say how a network is prepared, the same in every command.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/plan.h"

namespace octet::cli {

inline constexpr const char* kModelHelp = "A .tflite file, or a network of the zoo by its name (or zoo:NAME)";

struct PrepareOptions {
  std::string target = "auto", cores = "auto";
  std::string type = "int8";  // of zoo networks
  std::vector<std::string> passes_off;

  DataType data_type() const { return type == "uint8" ? DataType::UInt8 : DataType::Int8; }
};

void add_type_option(CLI::App& command, std::string& type);
void add_no_pass_option(CLI::App& command, std::vector<std::string>& passes_off);
/// --fuse-blocks[=BYTES]; as given, or "".
CLI::Option* add_fuse_blocks_option(CLI::App& command, std::string& bytes);
/// PlanOptions::fuse_blocks_bytes. Throws ModelError.
int64_t parse_fuse_blocks(const std::string& bytes);
/// --target, --cores, --type, --no-pass.
void add_prepare_options(CLI::App& command, PrepareOptions& options);
void add_threads_option(CLI::App& command, int& threads);

/// The zoo's network that the argument names; nothing where it is a file. Throws ModelError where it is neither.
std::optional<std::string> zoo_name_in(const std::string& argument);

/// Runs `body`; what it throws gets `argument` in front, in place of the network's name if that stands there.
template <typename Body>
auto with_argument(const std::string& argument, const std::string& name, const Body& body) {
  try {
    return body();
  } catch (const ModelError& e) {
    std::string what = e.what();
    if (!name.empty() && what.starts_with(name + ": ")) what.erase(0, name.size() + 2);
    throw what.starts_with(argument + ": ") ? e : ModelError(argument + ": " + what);
  }
}

/// Reads or builds a network. Errors begin with the argument.
Model load_model(const std::string& argument, const PrepareOptions& options);

using KernelChoice = decltype(PlanOptions::kernels);

/// Errors begin with the argument too. `keep_all`, `kernels`: see PlanOptions.
std::shared_ptr<const Plan> prepare(const Model& model, const std::string& argument, const PrepareOptions& options,
                                    bool keep_all = false, const KernelChoice& kernels = {});

}  // namespace octet::cli
