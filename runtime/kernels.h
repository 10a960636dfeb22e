// The ahead-of-time compiled kernels: finding one in the manifest.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/core_kind.h"
#include "runtime/steps/context.h"
#include "schedules/manifest.h"

namespace octet {

/// An entry of the registry that the kernel compiler writes, one list a target; a null name ends it.
struct CompiledKernel {
  const char* name;
  KernelFunction function;
};

struct Kernel {
  const KernelInfo* info = nullptr;
  KernelFunction function = nullptr;  // null: it will be compiled for one layer alone
};

/// All kernels of a family for a target and its base, in the manifest's order: where in-order cores have kernels of
/// their own, these for them and the others for the rest.
std::vector<Kernel> find_kernels(Family family, Target target, CoreKind cores = CoreKind::OutOfOrder);
/// The first of them. Throws std::logic_error where the manifest has none.
Kernel find_kernel(Family family, Target target);

}  // namespace octet
