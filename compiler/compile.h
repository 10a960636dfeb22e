// octet compile: a network in, libNAME.a, NAME.h and NAMEConfig.cmake out.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "compiler/page.h"
#include "compiler/toolchain.h"
#include "models/model.h"

namespace octet {

struct CompileOptions {
  std::filesystem::path folder;  // where the files go; made where it is not there
  std::string name;              // a C identifier
  Platform platform;
  std::vector<Target> targets;  // of the platform
  std::vector<std::string> passes_off;
  int64_t fuse_blocks_bytes = 0;  // as PlanOptions has it
  std::string cxx;                // "": the platform's usual compiler
  std::filesystem::path cache;
  int jobs = 1;
  PageContents emit;     // of NAME.html beside the library; nothing: there is none
  bool profile = false;  // that has each kernel's share of the time here
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

/// What came out, in numbers.
struct CompileReport {
  struct OfTarget {
    Target target;
    size_t kernels, different;  // that its steps call; of these, compiled
    int64_t weight_bytes;       // packed
    int64_t constant_bytes;     // with tables
    std::vector<BlockMemory> blocks;
    int64_t arena_bytes, arena_bytes_apart;
  };
  std::vector<OfTarget> targets;
  int64_t file_weight_bytes = 0;           // as the model has them
  int64_t text_bytes = 0, data_bytes = 0;  // of the library
  int64_t arena_bytes = 0;
};

/// What a network becomes for one of the targets. Its kernels are not there to be called.
std::shared_ptr<const Plan> plan_to_compile(const Model& model, Target target, const CompileOptions& options);

/// Throws ModelError for what the user can mend, std::runtime_error else; then nothing is written.
CompileReport compile(const Model& model, const CompileOptions& options);

/// A C identifier made of a file's name.
std::string identifier_of(const std::string& name);
/// Throws ModelError where it is no C identifier, or a word of C's or C++'s.
void check_identifier(const std::string& name);

}  // namespace octet
