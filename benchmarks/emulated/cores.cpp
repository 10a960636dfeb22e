#include "benchmarks/emulated/cores.h"

#include <algorithm>

#include "models/model.h"

namespace octet::emulated {

std::span<const Core> cores() {
  static const Core kCores[] = {
      {"cortex-a53", "neon", "cortex-a53", 2, 1.9, "Snapdragon 835, LITTLE", true, ""},
      {"cortex-a55", "dotprod", "cortex-a55", 2, 1.8, "Snapdragon 855, LITTLE", true, ""},
      {"cortex-a72", "neon", "cortex-a72", 3, 1.5, "Raspberry Pi 4", false, "LLVM has the A57's model for it"},
      {"cortex-a73", "neon", "cortex-a73", 2, 2.45, "Snapdragon 835, big", false,
       "LLVM has the A57's model for it, narrowed here to the A73's two instructions a cycle"},
      {"kryo", "neon", "kryo", 4, 2.35, "Snapdragon 821, big", false, ""},
      {"cortex-a76", "dotprod", "neoverse-n1", 4, 2.84, "Snapdragon 855, prime", false,
       "the model of its server form, Neoverse N1"},
      {"cortex-x1", "dotprod", "neoverse-v1", 5, 2.84, "Snapdragon 888, prime", false,
       "the model of its server form, Neoverse V1"},
      {"cortex-a710", "i8mm", "cortex-a710", 5, 2.5, "Snapdragon 8 Gen 1, big", false,
       "LLVM has the Neoverse N2's model for it"},
  };
  return kCores;
}

const Core& find_core(const std::string& name) {
  const auto found = std::ranges::find(cores(), name, &Core::name);
  if (found != cores().end()) return *found;
  std::string names;
  for (const Core& core : cores()) names += (names.empty() ? "" : ", ") + core.name;
  throw ModelError("core '" + name + "' is unknown (there are: " + names + ")");
}

}  // namespace octet::emulated
