// Which cores a thread may run on. In-order cores (Cortex-A53, A55, A510) wait where the code does; a few kernels have
// a schedule for them (Schedule::in_order).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace octet {

enum class CoreKind : uint8_t { OutOfOrder, InOrder };

/// "out-of-order", "in-order".
std::string_view name_of(CoreKind kind);
/// By name; "auto" is core_kind(). Throws ModelError that says which there are.
CoreKind parse_core_kind(std::string_view name);

/// InOrder where all CPUs that the calling thread may run on are known to be so. Elsewhere than on 64-bit Arm Linux,
/// and where the kernel does not tell, OutOfOrder.
CoreKind core_kind();

/// Of these CPUs, from the main ID registers that Linux shows below `root` ("" but in tests).
CoreKind core_kind_of(const std::string& root, std::span<const int> cpus);

}  // namespace octet
