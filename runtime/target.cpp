#include "runtime/target.h"

#include <algorithm>
#include <array>
#include <string>

namespace octet {
namespace {

struct TargetName {
  Target target;
  std::string_view name;
};

constexpr TargetName kNames[] = {{Target::Sse41, "sse41"},           {Target::Avx2, "avx2"},
                                 {Target::Avx512Vnni, "avx512vnni"}, {Target::Neon, "neon"},
                                 {Target::Dotprod, "dotprod"},       {Target::I8mm, "i8mm"}};

#if defined(__x86_64__)
constexpr Target kCompiled[] = {Target::Sse41, Target::Avx2, Target::Avx512Vnni};
#elif defined(__aarch64__)
constexpr Target kCompiled[] = {Target::Neon, Target::Dotprod, Target::I8mm};
#else
#error "Octet has kernels for x86-64 and 64-bit Arm only"
#endif

bool is_compiled(Target target) { return std::ranges::find(compiled_targets(), target) != compiled_targets().end(); }

std::string usable_targets() {
  std::string list;
  for (const Target target : compiled_targets()) {
    if (cpu_supports(target)) list += (list.empty() ? "" : ", ") + std::string(name_of(target));
  }
  return list;
}

}  // namespace

std::string_view name_of(Target target) { return std::ranges::find(kNames, target, &TargetName::target)->name; }

std::span<const Target> compiled_targets() { return kCompiled; }

Target best_target() {
  Target best = compiled_targets().front();
  for (const Target target : compiled_targets()) {
    if (cpu_supports(target)) best = target;
  }
  return best;
}

Target parse_target(std::string_view name) {
  if (name == "auto") return best_target();
  const auto* const known = std::ranges::find(kNames, name, &TargetName::name);
  const std::string quoted = "target '" + std::string(name) + "'";
  const std::string choice = " (usable here: auto, " + usable_targets() + ")";
  if (known == std::end(kNames)) throw ModelError(quoted + " is unknown" + choice);
  if (!is_compiled(known->target)) throw ModelError(quoted + " is not in this binary" + choice);
  if (!cpu_supports(known->target)) throw ModelError(quoted + " is not supported by this CPU" + choice);
  return known->target;
}

DataType activation_type(Target target) { return is_arm(target) ? DataType::Int8 : DataType::UInt8; }

}  // namespace octet
