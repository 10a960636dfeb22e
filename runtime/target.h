// A target is an instruction set together with the packed weight layout that its kernels read. Which schedule runs
// within a target is another question (schedules/manifest.h).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "models/model.h"

namespace octet {

enum class Target : uint8_t { Sse41, Avx2, Avx512Vnni, Neon, Dotprod, I8mm };

constexpr bool is_arm(Target target) {
  return target == Target::Neon || target == Target::Dotprod || target == Target::I8mm;
}
/// The target whose kernels this one uses beside its own; itself where there is none.
constexpr Target base_of(Target target) { return target == Target::I8mm ? Target::Dotprod : target; }

/// "sse41", "avx2", "avx512vnni", "neon", "dotprod", "i8mm".
std::string_view name_of(Target target);

/// Targets compiled into this binary, slowest first.
std::span<const Target> compiled_targets();
/// Whether this CPU (and its operating system) can run it.
bool cpu_supports(Target target);
/// The fastest compiled target that this CPU supports.
Target best_target();
/// By name; "auto" is best_target(). Throws ModelError (unknown, not in this binary, not on this CPU; says which are).
Target parse_target(std::string_view name);

/// The one 8-bit activation type that the target's kernels take: UInt8 on x86, Int8 on Arm.
DataType activation_type(Target target);

}  // namespace octet
