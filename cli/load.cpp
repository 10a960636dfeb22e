#include "cli/load.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "models/tflite_reader.h"
#include "models/zoo.h"

namespace octet::cli {
namespace {

constexpr std::string_view kZooPrefix = "zoo:";

bool is_zoo_name(const std::string& name) { return std::ranges::count(zoo_names(), name) > 0; }

}  // namespace

void add_type_option(CLI::App& command, std::string& type) {
  command.add_option("--type", type, "Type family of zoo networks")
      ->check(CLI::IsMember({"int8", "uint8"}))
      ->capture_default_str();
}

void add_no_pass_option(CLI::App& command, std::vector<std::string>& passes_off) {
  command.add_option("--no-pass", passes_off, "Leave out an optimization pass, by name; may be repeated")
      ->allow_extra_args(false);
}

CLI::Option* add_fuse_blocks_option(CLI::App& command, std::string& bytes) {
  return command
      .add_flag(
          "--fuse-blocks{256K}", bytes,
          "Compute blocks (depthwise -> 1x1, 1x1 -> depthwise -> 1x1) in bands of rows, where their intermediates "
          "do not fit into a cache of so many bytes: --fuse-blocks=128K, =1M, =262144; 256K unless said")
      ->type_name("BYTES");
}

int64_t parse_fuse_blocks(const std::string& bytes) {
  if (bytes.empty()) return 0;
  int64_t number = 0;
  const char* const end = bytes.data() + bytes.size();
  const auto [rest, error] = std::from_chars(bytes.data(), end, number);
  const std::string_view unit(rest, end);
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : -1;
  if (error != std::errc() || shift < 0 || number < 1 || number > (int64_t{1} << 40))
    throw ModelError("--fuse-blocks=" + bytes + ": must be a cache's size in bytes, such as 262144, 256K or 1M");
  return number << shift;
}

void add_prepare_options(CLI::App& command, PrepareOptions& options) {
  std::string names = "auto";
  for (const Target target : compiled_targets()) names += ", " + std::string(name_of(target));
  command.add_option("--target", options.target, "Instruction set to use: " + names)->capture_default_str();
  command.add_option("--cores", options.cores, "Kind of cores to run on: auto, out-of-order, in-order (64-bit Arm)")
      ->capture_default_str();
  add_type_option(command, options.type);
  add_no_pass_option(command, options.passes_off);
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads, the calling one included")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

std::optional<std::string> zoo_name_in(const std::string& argument) {
  if (argument.starts_with(kZooPrefix)) return argument.substr(kZooPrefix.size());
  std::error_code ignored;
  if (std::filesystem::exists(argument, ignored)) return std::nullopt;
  if (is_zoo_name(argument)) return argument;
  const bool looks_like_name = argument.find_first_of("./") == std::string::npos;
  throw ModelError(argument +
                   (looks_like_name ? ": no such file, nor a network that `octet zoo list` names" : ": no such file"));
}

Model load_model(const std::string& argument, const PrepareOptions& options) {
  const std::optional<std::string> zoo_name = zoo_name_in(argument);
  return with_argument(argument, "",
                       [&] { return zoo_name ? build_zoo(*zoo_name, options.data_type()) : read_tflite(argument); });
}

std::shared_ptr<const Plan> prepare(const Model& model, const std::string& argument, const PrepareOptions& options,
                                    bool keep_all, const KernelChoice& kernels) {
  PlanOptions plan_options;
  plan_options.target = parse_target(options.target);
  plan_options.cores = parse_core_kind(options.cores);
  plan_options.keep_all = keep_all;
  plan_options.passes_off = options.passes_off;
  plan_options.kernels = kernels;
  return with_argument(argument, model.name, [&] { return Plan::make(model, plan_options); });
}

}  // namespace octet::cli
