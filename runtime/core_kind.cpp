#include "runtime/core_kind.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "models/model.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sched.h>
#endif

namespace octet {
namespace {

/// Part numbers of Arm's own in-order cores: A32, A34, A53, A35, A55, A510, A520.
constexpr uint64_t kInOrder[] = {0xd01, 0xd02, 0xd03, 0xd04, 0xd05, 0xd46, 0xd80};

/// MIDR_EL1: implementer (0x41: Arm) in bits 31 to 24, part number in bits 15 to 4.
bool is_in_order(uint64_t midr) {
  return midr >> 24 == 0x41 && std::ranges::find(kInOrder, midr >> 4 & 0xfff) != std::end(kInOrder);
}

std::vector<int> own_cpus() {
  std::vector<int> cpus;
#if defined(__aarch64__) && defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
#endif
  return cpus;
}

}  // namespace

std::string_view name_of(CoreKind kind) { return kind == CoreKind::InOrder ? "in-order" : "out-of-order"; }

CoreKind parse_core_kind(std::string_view name) {
  if (name == "auto") return core_kind();
  for (const CoreKind kind : {CoreKind::OutOfOrder, CoreKind::InOrder})
    if (name == name_of(kind)) return kind;
  throw ModelError("kind of cores '" + std::string(name) + "' is unknown (there are: auto, out-of-order, in-order)");
}

CoreKind core_kind() {
  static const std::string root;
  return core_kind_of(root, own_cpus());
}

CoreKind core_kind_of(const std::string& root, std::span<const int> cpus) {
  const bool in_order = !cpus.empty() && std::ranges::all_of(cpus, [&](int cpu) {
    std::ifstream file(root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/regs/identification/midr_el1");
    uint64_t midr = 0;
    return static_cast<bool>(file >> std::hex >> midr) && is_in_order(midr);
  });
  return in_order ? CoreKind::InOrder : CoreKind::OutOfOrder;
}

}  // namespace octet
