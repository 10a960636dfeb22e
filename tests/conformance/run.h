// Running a network on every target that this binary has and this CPU supports.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "runtime/core_kind.h"
#include "runtime/kernels.h"
#include "runtime/target.h"

namespace octet {

using Bytes = std::vector<std::byte>;

/// Targets to test: $OCTET_TARGETS (names, comma-separated), else every one that this CPU supports.
std::vector<Target> targets_under_test();

struct RunOptions {
  int threads = 1;
  CoreKind cores = CoreKind::OutOfOrder;
  std::vector<std::string> passes_off = {};
  int64_t fuse_blocks_bytes = 0;
  std::function<std::vector<Kernel>(size_t step, Family family)> kernels = {};  // as PlanOptions has it
};

/// The outputs of one inference.
std::vector<Bytes> run_on(const Model& model, std::span<const Bytes> inputs, Target target,
                          const RunOptions& options = {});

/// Empty where equal; else how many elements differ, and where first.
std::string difference(const Bytes& expected, const Bytes& actual, DataType type);

}  // namespace octet
