// octet compile: a network as a static library.
#include "compiler/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "system/clock.h"
#include "system/process.h"

namespace octet::cli {
namespace {

struct CompileArguments {
  std::string model, folder, target = host_platform(), type = "int8", name, cxx, cache, fuse_blocks;
  std::vector<std::string> features = {"auto"}, passes_off, emit;
  bool profile = false;
  int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
};

std::string megabytes(int64_t bytes) { return fmt::format("{:.2f} MiB", static_cast<double>(bytes) / (1 << 20)); }

/// What bands of rows save, by block.
void print_blocks(const CompileReport::OfTarget& of, int64_t cache_bytes) {
  const std::string target(name_of(of.target));
  if (of.blocks.empty()) return fmt::print("{}: there are no blocks to fuse\n\n", target);
  fmt::print("{}: blocks in bands of rows, for a cache of {}; intermediates written and read, in KiB\n", target,
             in_bytes(cache_bytes));
  Table table;
  table.column("block", Table::Align::Left);
  for (const char* heading : {"layers", "rows", "a band", "bands", "weights KiB", "apart", "fused", "saved"})
    table.column(heading);
  const auto kibibytes = [](int64_t bytes) { return fmt::format("{:.1f}", static_cast<double>(bytes) / 1024); };
  int64_t apart = 0, fused = 0;
  for (const BlockMemory& b : of.blocks) {
    const int64_t saved = b.traffic_apart() - b.traffic();
    table.row({short_layer(b.layer), std::to_string(b.layers), std::to_string(b.rows),
               b.fused() ? std::to_string(b.band_rows) : "-", b.fused() ? std::to_string(b.bands()) : "-",
               kibibytes(b.weight_bytes), kibibytes(b.traffic_apart()), kibibytes(b.traffic()), kibibytes(saved)});
    apart += b.traffic_apart();
    fused += b.traffic();
  }
  table.rule();
  table.row({"all", "", "", "", "", "", kibibytes(apart), kibibytes(fused), kibibytes(apart - fused)});
  fmt::print("{}arena {}, {} without bands\n\n", table.text(), in_bytes(of.arena_bytes),
             in_bytes(of.arena_bytes_apart));
}

void print_report(const CompileReport& report, const CompileOptions& options, double seconds) {
  Table table;
  table.column("features", Table::Align::Left);
  for (const char* heading : {"kernels", "different", "weights MiB", "with tables MiB"}) table.column(heading);
  for (const CompileReport::OfTarget& t : report.targets)
    table.row({std::string(name_of(t.target)), std::to_string(t.kernels), std::to_string(t.different),
               fmt::format("{:.2f}", static_cast<double>(t.weight_bytes) / (1 << 20)),
               fmt::format("{:.2f}", static_cast<double>(t.constant_bytes) / (1 << 20))});
  if (options.fuse_blocks_bytes > 0)
    for (const CompileReport::OfTarget& t : report.targets) print_blocks(t, options.fuse_blocks_bytes);
  fmt::print("{}\n{}/lib{}.a: {} ({:.2f} times the model's weights), arena {}, in {:.1f} s\n", table.text(),
             options.folder.string(), options.name, megabytes(report.text_bytes + report.data_bytes),
             static_cast<double>(report.text_bytes + report.data_bytes) /
                 static_cast<double>(std::max<int64_t>(1, report.file_weight_bytes)),
             megabytes(report.arena_bytes), seconds);
}

void compile(const CompileArguments& arguments) {
  const double start = now_seconds();
  CompileOptions options;
  options.folder = arguments.folder;
  options.platform = parse_platform(arguments.target);
  options.targets = parse_features(options.platform, arguments.features);
  options.passes_off = arguments.passes_off;
  options.fuse_blocks_bytes = parse_fuse_blocks(arguments.fuse_blocks);
  options.cxx = arguments.cxx;
  options.cache = arguments.cache.empty() ? default_cache() : std::filesystem::path(arguments.cache);
  options.jobs = arguments.jobs;
  const auto emits = [&](const char* what) { return std::ranges::count(arguments.emit, what) > 0; };
  options.emit = {.loops = emits("stmt"), .assembly = emits("asm"), .schedule = emits("schedule")};
  options.profile = arguments.profile;
  const std::string stem =
      zoo_name_in(arguments.model).value_or(std::filesystem::path(arguments.model).stem().string());
  options.name = arguments.name.empty() ? identifier_of(stem) : arguments.name;
  check_identifier(options.name);
  PrepareOptions prepare;
  prepare.type = arguments.type;
  const Model model = load_model(arguments.model, prepare);
  const Interruptible interruptible;
  CompileReport report;
  {
    Progress progress;
    options.progress = [&](const std::string& what) { progress.show(what); };
    report = with_argument(arguments.model, model.name, [&] { return octet::compile(model, options); });
  }
  print_report(report, options, now_seconds() - start);
  if (options.emit.any()) fmt::print("{}/{}.html shows its kernels\n", options.folder.string(), options.name);
}

}  // namespace

void add_compile(CLI::App& app, Action& action) {
  const auto [command, options] = add_command(
      app, action, "compile", "Make a static library of a network: libNAME.a, NAME.h, NAMEConfig.cmake", compile);
  command->add_option("MODEL", options->model, kModelHelp)->required();
  command->add_option("-o,--output", options->folder, "Folder for the files; made where it is not there")
      ->required()
      ->type_name("DIR");
  std::string platforms;
  for (const std::string& name : platform_names()) platforms += (platforms.empty() ? "" : ", ") + name;
  command->add_option("--target", options->target, "The machine it is for: " + platforms)->capture_default_str();
  command
      ->add_option(
          "--features", options->features,
          "Instruction sets, of which it takes the CPU's best as it runs: auto for all, or some of sse41, avx2, "
          "avx512vnni; neon, dotprod, i8mm")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--name", options->name,
                      "Name of the library and its functions (default: the model's file name)");
  command->add_option("--cxx", options->cxx,
                      "C++ compiler for that machine (default: c++, or $CXX; aarch64-linux-gnu-g++; $ANDROID_NDK's)");
  command->add_option("--cache", options->cache, "Folder that keeps kernels (default: $XDG_CACHE_HOME/octet)")
      ->type_name("DIR");
  command->add_option("--jobs", options->jobs, "Kernels to compile at a time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  CLI::Option* const emit =
      command
          ->add_option(
              "--emit", options->emit,
              "Write NAME.html too, which shows of each kernel the loops (stmt), the assembly (asm), how it goes "
              "about its work (schedule)")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(CLI::IsMember({"stmt", "asm", "schedule"}))
          ->type_name("stmt,asm,schedule");
  command->add_flag("--profile", options->profile, "Run it here, and show each kernel's share of the time in that page")
      ->needs(emit);
  add_type_option(*command, options->type);
  add_no_pass_option(*command, options->passes_off);
  add_fuse_blocks_option(*command, options->fuse_blocks);
}

}  // namespace octet::cli
