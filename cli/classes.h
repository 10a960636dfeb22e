// Outputs as ranked classes.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/plan.h"

namespace octet::cli {

struct Class {
  size_t index;
  float score;  // the output's real value
};

/// Whether an output is a list of scores: one row of a number type, two or more wide.
bool is_class_list(const TensorInfo& output);

/// The `count` highest, best first; of equals the lower index first.
std::vector<Class> top_classes(const TensorInfo& output, std::span<const std::byte> bytes, size_t count);

/// One label a line. Throws ModelError for files that cannot be read or are empty.
std::vector<std::string> read_labels(const std::filesystem::path& path);

}  // namespace octet::cli
