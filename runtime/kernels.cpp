#include "runtime/kernels.h"

#include <algorithm>
#include <stdexcept>

#if defined(__x86_64__)
extern const octet::CompiledKernel octet_kernels_sse41[], octet_kernels_avx2[], octet_kernels_avx512vnni[];
#else
extern const octet::CompiledKernel octet_kernels_neon[], octet_kernels_dotprod[], octet_kernels_i8mm[];
#endif

namespace octet {

namespace {

const CompiledKernel* registry(Target target) {
  switch (target) {
#if defined(__x86_64__)
    case Target::Sse41:
      return octet_kernels_sse41;
    case Target::Avx2:
      return octet_kernels_avx2;
    case Target::Avx512Vnni:
      return octet_kernels_avx512vnni;
#else
    case Target::Neon:
      return octet_kernels_neon;
    case Target::Dotprod:
      return octet_kernels_dotprod;
    case Target::I8mm:
      return octet_kernels_i8mm;
#endif
    default:
      return nullptr;  // of another architecture
  }
}

/// Whether in-order cores have kernels of their own there.
bool has_in_order(Family family, Target target) {
  return std::ranges::any_of(kManifest, [&](const KernelInfo& info) {
    return info.family == family && info.target == target && info.schedule.in_order;
  });
}

KernelFunction compiled(const KernelInfo& info) {
  const CompiledKernel* const kernels = registry(info.target);
  if (kernels == nullptr) return nullptr;
  for (const CompiledKernel* k = kernels; k->name != nullptr; k++)
    if (info.name == k->name) return k->function;
  throw std::logic_error("kernel of the manifest was not built: " + std::string(info.name));
}

}  // namespace

std::vector<Kernel> find_kernels(Family family, Target target, CoreKind cores) {
  std::vector<Kernel> found;
  for (const KernelInfo& info : kManifest) {
    if (info.family != family || (info.target != target && info.target != base_of(target))) continue;
    const bool wanted = cores == CoreKind::InOrder && has_in_order(family, info.target);
    if (info.schedule.in_order == wanted) found.push_back({&info, compiled(info)});
  }
  return found;
}

Kernel find_kernel(Family family, Target target) {
  const std::vector<Kernel> found = find_kernels(family, target);
  if (found.empty()) throw std::logic_error("the manifest has no such kernel for " + std::string(name_of(target)));
  return found.front();
}

}  // namespace octet
