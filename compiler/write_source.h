// What of a compiled network is C++, C and CMake.
#pragma once

#include <string>
#include <vector>

#include "runtime/plan.h"

namespace octet {

/// A network made ready for one instruction set, and the functions of its kernels.
struct PlannedVariant {
  std::shared_ptr<const Plan> plan;
  std::vector<std::string> symbols;  // of plan->kernels()
  std::vector<bool> alone;           // by step: its loops are not shared
};

/// The network's tables and the functions of its header. Needs the constants of constants_source().
std::string network_source(const std::string& name, const std::vector<PlannedVariant>& variants);
/// Assembly that includes the files of plan.constants(), one a variant.
std::string constants_source(const std::string& name, const std::vector<PlannedVariant>& variants,
                             const std::vector<std::string>& files);
/// NAME.h.
std::string header(const std::string& name, const std::vector<PlannedVariant>& variants);
/// NAMEConfig.cmake.
std::string cmake_package(const std::string& name);
/// The functions that the header declares.
std::vector<std::string> exported_functions(const std::string& name);

}  // namespace octet
