#include "runtime/target.h"

#include <algorithm>
#include <array>
#include <string>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

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

// These builtins ask the operating system too (XGETBV): a CPU whose wide registers are not saved does not count.
bool supports(Target target) {
  __builtin_cpu_init();
  switch (target) {
    case Target::Sse41:
      return __builtin_cpu_supports("sse4.1");
    case Target::Avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Target::Avx512Vnni:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    default:
      return false;
  }
}
#elif defined(__aarch64__)
constexpr Target kCompiled[] = {Target::Neon, Target::Dotprod, Target::I8mm};

bool supports(Target target) {
  switch (target) {
    case Target::Neon:
      return true;
    case Target::Dotprod:
#if defined(__linux__)
      return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
      return false;
#endif
    case Target::I8mm:
#if defined(__linux__)
      return supports(Target::Dotprod) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#else
      return false;
#endif
    default:
      return false;
  }
}
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

bool cpu_supports(Target target) { return supports(target); }

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
