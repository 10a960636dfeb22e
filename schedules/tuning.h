// A kernel's schedule as numbers that one may change: what they are called, what they may be, and what a kernel with
// other ones is called. No Halide here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

struct Parameter {
  std::string_view name;  // as in the manifest
  int8_t Schedule::*field;
  std::vector<int> values;  // that it may have, ascending

  bool allows(int value) const;
};

/// What can be changed in a kernel without its computing something else; empty where there is nothing. A depthwise
/// kernel's filter, stride and parts are its layer's.
std::vector<Parameter> parameters_of(const KernelInfo& kernel);

/// What is wrong with a kernel whose numbers are each allowed but not together; "" where nothing is.
std::string trouble_with(const KernelInfo& kernel);

/// What a kernel is called that is like this one but for its numbers: "conv_i16_x6c2_avx2".
std::string name_for(const KernelInfo& kernel);

/// The entry of the manifest that has the same numbers; null where there is none.
const KernelInfo* find_same(const KernelInfo& kernel);

/// A kernel's line in the manifest.
std::string manifest_line(const KernelInfo& kernel);

/// "pixels (1 to 32), step (2, 4, 8)".
std::string to_text(std::span<const Parameter> parameters);
/// "1 to 32".
std::string values_of(const Parameter& parameter);
/// "pixels=6,vectors=2".
std::string to_text(const KernelInfo& kernel, std::span<const Parameter> parameters);

}  // namespace octet
