// Compiles the kernels of one target, ahead of time.
//   octet-kernels TARGET FOLDER: for every entry of the manifest FOLDER/<name>.o and <name>.s; FOLDER/objects, the list
//     of the former; FOLDER/registry.cpp, the target's part of the runtime's dispatch table.
//   octet-kernels TARGET FOLDER KERNEL...: only some: objects, assembly, and the loops (.stmt) to look at.
//   octet-kernels --requests FILE FOLDER: kernels for one network (schedules/request.h), one a line: FOLDER/<symbol>.o,
//     and with --listings before it <symbol>.s and <symbol>.stmt, the loops.
//   octet-kernels --runtime TARGET FILE.o: what all kernels of an architecture need of Halide (allocation, errors).
//   --android before either: for Android in place of Linux, where code must leave register x18 alone.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "generators/halide.h"
#include "schedules/fixed.h"
#include "schedules/manifest.h"
#include "schedules/schedules.h"

// Files that the build has put into the program (cmake/KernelCompiler.cmake), by the linker's names.
extern "C" const uint8_t _binary_sse41_bc_start[], _binary_sse41_bc_end[], _binary_avx2_bc_start[],
    _binary_avx2_bc_end[], _binary_avx512vnni_bc_start[], _binary_avx512vnni_bc_end[], _binary_arm_bc_start[],
    _binary_arm_bc_end[], _binary_i8mm_bc_start[], _binary_i8mm_bc_end[];

namespace {

using namespace octet;

Halide::Target::OS operating_system = Halide::Target::Linux;

Halide::Target linux_target(Target target) {
  // No asserts and no bounds queries: the runtime checks when it prepares a layer; kernels then only compute.
  const std::string common = "-no_asserts-no_bounds_query-no_runtime";
  switch (target) {
    case Target::Sse41:
      return Halide::Target("x86-64-linux-sse41" + common);
    case Target::Avx2:
      return Halide::Target("x86-64-linux-sse41-avx-avx2-f16c-fma" + common);
    case Target::Avx512Vnni:
      // "sapphirerapids" is Halide's name for what turns vpdpbusd on.
      return Halide::Target(
          "x86-64-linux-sse41-avx-avx2-f16c-fma-avx512-avx512_skylake-avx512_cannonlake-avx512_sapphirerapids" +
          common);
    case Target::Neon:
      return Halide::Target("arm-64-linux" + common);
    case Target::Dotprod:
    case Target::I8mm:  // of which Halide has no name: see compile
      return Halide::Target("arm-64-linux-arm_dot_prod" + common);
  }
  throw std::logic_error("target");
}

Halide::Target halide_target(Target target) {
  Halide::Target result = linux_target(target);
  result.os = operating_system;
  return result;
}

Target target_named(const std::string& name) {
  for (Target t : {Target::Sse41, Target::Avx2, Target::Avx512Vnni, Target::Neon, Target::Dotprod, Target::I8mm})
    if (name_of(t) == name) return t;
  throw std::runtime_error("unknown target " + name);
}

using Bitcode = std::vector<uint8_t>;

/// The functions of schedules/<target>.ll as bitcode, where there are any; of Arm, those of arm.ll too.
std::vector<Bitcode> instructions_of(Target target) {
  const Bitcode arm(_binary_arm_bc_start, _binary_arm_bc_end);
  switch (target) {
    case Target::Sse41:
      return {Bitcode(_binary_sse41_bc_start, _binary_sse41_bc_end)};
    case Target::Avx2:
      return {Bitcode(_binary_avx2_bc_start, _binary_avx2_bc_end)};
    case Target::Avx512Vnni:
      return {Bitcode(_binary_avx512vnni_bc_start, _binary_avx512vnni_bc_end)};
    case Target::Neon:
    case Target::Dotprod:
      return {arm};
    case Target::I8mm:
      return {arm, Bitcode(_binary_i8mm_bc_start, _binary_i8mm_bc_end)};
  }
  return {};
}

/// Halide 14 has no name for i8mm, so LLVM's own compiler is told of it.
void compile_with_i8mm(const std::string& path) {
  for (const auto& [type, extension] : {std::pair{"obj", ".o"}, std::pair{"asm", ".s"}}) {
    const std::string command = std::string(OCTET_LLC " -O3 -relocation-model=pic -mattr=+dotprod,+i8mm -filetype=") +
                                type + " '" + path + ".ll' -o '" + path + extension + "'";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
  }
}

/// What is written beside the object.
struct Listings {
  bool assembly = true, loops = false;
};

/// A function of that name, in files of `path` and an extension.
void compile(Compilable pipeline, Target kind, const std::string& function, const std::string& path,
             const std::vector<Bitcode>& instructions, Listings listings) {
  const Halide::Target target = halide_target(kind);
  Halide::Module module = pipeline.output.compile_to_module(pipeline.arguments, function, target);
  // Nobody asks the kernels for a description of their arguments.
  for (Halide::Internal::LoweredFunc& lowered : module.functions())
    if (lowered.linkage == Halide::LinkageType::ExternalPlusMetadata)
      lowered.linkage = Halide::LinkageType::ExternalPlusArgv;
  for (const Bitcode& functions : instructions)
    module.append(Halide::ExternalCode::bitcode_wrapper(target, functions, "instructions"));
  std::map<Halide::OutputFileType, std::string> files;
  if (kind == Target::I8mm)
    files = {{Halide::OutputFileType::llvm_assembly, path + ".ll"}};
  else
    files = {{Halide::OutputFileType::object, path + ".o"}};
  if (kind != Target::I8mm && listings.assembly) files[Halide::OutputFileType::assembly] = path + ".s";
  if (listings.loops) files[Halide::OutputFileType::stmt] = path + ".stmt";
  module.compile(files);
  if (kind == Target::I8mm) compile_with_i8mm(path);
}

/// `for_layer`: for one layer of one network.
std::string llvm_options(const KernelInfo& kernel, bool for_layer) {
  std::string options;
  // Of its many ways to form a loop's addresses LLVM looks at some: where a convolution steps through many rows at
  // once, at those that should take fewest registers. (Depthwise and NEON's loops come out longer so.)
  const bool many_rows = kernel.target == Target::Dotprod && step_of(kernel) > packed_depth(kernel);
  // With fewer ways still it forms one offset for all rows: in-order cores wait for what adds to each row's address.
  const bool one_offset = kernel.schedule.in_order && step_of(kernel) <= 16;
  if (one_offset)
    options += " -lsr-complexity-limit=100";
  else if (many_rows)
    options += " -lsr-exp-narrow";
  // LLVM would form the addresses of columns in vectors, to take them out one by one.
  if (kernel.family == Family::Depthwise && kernel.target == Target::Avx512Vnni) {
    options += " -vectorize-slp=false";
    // There is one way to go on from a layer's columns, and LLVM would interleave them behind the questions for second
    // parts: what they are made of would spill, twice as much.
    if (for_layer && splits_by_panel(kernel.target, kernel.schedule) && !kernel.schedule.sliding)
      options += " -disable-machine-sink";
  }
  // LLVM would load a step's pixels long before they are multiplied, more of them than there are registers.
  if (kernel.schedule.overlapping > 0 && !for_layer) options += " -enable-misched=false";
  // What loads two registers by one instruction, and in-order cores wait for.
  if (kernel.schedule.in_order) options += " -aarch64-enable-ldst-opt=false";
  return options;
}

/// Does it in a process of its own: Halide hands LLVM its options once.
void compile_apart(const KernelInfo& kernel, bool for_layer, const std::function<void()>& compile) {
  const pid_t child = fork();
  if (child == 0) {
    if (const std::string options = llvm_options(kernel, for_layer); !options.empty())
      setenv("HL_LLVM_ARGS", options.c_str() + 1, /*replace=*/0);
    try {
      compile();
    } catch (const std::exception& error) {
      std::cerr << "octet-kernels: " << error.what() << "\n";
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
    throw std::runtime_error("kernel " + std::string(kernel.name) + " was not compiled");
}

void compile(const KernelInfo& kernel, const std::string& folder, const std::vector<Bitcode>& instructions,
             Listings listings = {}) {
  compile_apart(kernel, /*for_layer=*/false, [&] {
    const std::string name(kernel.name);
    compile(make_pipeline(kernel), kernel.target, "octet_" + name, folder + "/" + name, instructions, listings);
  });
}

void compile_requests(const std::string& file, const std::string& folder, Listings listings) {
  std::ifstream lines(file);
  if (!lines) throw std::runtime_error(file + ": cannot be read");
  for (std::string line; std::getline(lines, line);) {
    const KernelRequest request = parse_request(line);
    compile_apart(request.kernel, /*for_layer=*/true, [&] {
      const Target target = request.kernel.target;
      compile(make_pipeline(request), target, request.symbol, folder + "/" + request.symbol, instructions_of(target),
              listings);
    });
  }
}

void compile_some(Target target, const std::string& folder, const std::vector<std::string>& names) {
  const std::vector<Bitcode> instructions = instructions_of(target);
  for (const std::string& name : names) {
    const auto* kernel = std::ranges::find(kManifest, name, &KernelInfo::name);
    if (kernel == std::end(kManifest) || kernel->target != target)
      throw std::runtime_error("the manifest has no kernel " + name + " for " + std::string(name_of(target)));
    compile(*kernel, folder, instructions, {.loops = true});
  }
}

void compile_kernels(Target target, const std::string& folder) {
  std::ofstream objects(folder + "/objects");
  const std::vector<Bitcode> instructions = instructions_of(target);
  std::string declarations, entries;
  for (const KernelInfo& kernel : kManifest) {
    if (kernel.target != target) continue;
    compile(kernel, folder, instructions);
    const std::string name(kernel.name), symbol = "octet_" + name + "_argv";
    objects << folder << "/" << name << ".o\n";
    declarations += "extern \"C\" int " + symbol + "(void**);\n";
    entries += "    {\"" + name + "\", " + symbol + "},\n";
  }
  const std::string table = "octet_kernels_" + std::string(name_of(target));
  std::ofstream(folder + "/registry.cpp") << "// Generated by octet-kernels.\n#include \"runtime/kernels.h\"\n\n"
                                          << declarations << "\nextern const octet::CompiledKernel " << table << "[];\n"
                                          << "const octet::CompiledKernel " << table << "[] = {\n"
                                          << entries << "    {nullptr, nullptr},\n};\n";
}

void compile_runtime(Target target, const std::string& file) {
  const Halide::Target full = halide_target(target);
  // The architecture's baseline: it runs on every CPU.
  Halide::compile_standalone_runtime(file, Halide::Target(full.os, full.arch, full.bits));
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto has = [&](const char* option) {
    if (arguments.empty() || arguments[0] != option) return false;
    arguments.erase(arguments.begin());
    return true;
  };
  if (has("--android")) operating_system = Halide::Target::Android;
  const bool listings = has("--listings");
  if (arguments.size() == 3 && arguments[0] == "--requests") {
    compile_requests(arguments[1], arguments[2], {.assembly = listings, .loops = listings});
  } else if (arguments.size() == 3 && arguments[0] == "--runtime") {
    compile_runtime(target_named(arguments[1]), arguments[2]);
  } else if (arguments.size() > 2) {
    compile_some(target_named(arguments[0]), arguments[1], {arguments.begin() + 2, arguments.end()});
  } else if (arguments.size() == 2) {
    compile_kernels(target_named(arguments[0]), arguments[1]);
  } else {
    std::cerr << "usage: octet-kernels [--android] TARGET FOLDER [KERNEL...] | octet-kernels [--android] --runtime "
                 "TARGET FILE.o | octet-kernels [--android] [--listings] --requests FILE FOLDER\n";
    return 2;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "octet-kernels: " << error.what() << "\n";
  return 1;
}
