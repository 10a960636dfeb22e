// Cores whose cycles can be estimated, and which model of LLVM's stands for each.
#pragma once

#include <span>
#include <string>

namespace octet::emulated {

struct Core {
  std::string name;    // Arm's, or who designed it
  std::string target;  // the widest instruction set of ours that it has
  std::string model;   // -mcpu of llvm-mca
  int width;           // instructions that it decodes a cycle: a bound that LLVM's models of larger cores leave out
  double gigahertz;    // on `chip`, where no frequency is given
  std::string chip;
  bool in_order;
  std::string note;  // what the model is where it is not the core's own; or empty
};

std::span<const Core> cores();
/// Throws ModelError that lists what there is.
const Core& find_core(const std::string& name);

}  // namespace octet::emulated
