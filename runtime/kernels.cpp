#include "runtime/kernels.h"

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

/// The same for in-order cores; itself where there is none.
const KernelInfo& in_order_twin(const KernelInfo& info) {
  Schedule schedule = info.schedule;
  schedule.in_order = true;
  for (const KernelInfo& other : kManifest)
    if (other.family == info.family && other.target == info.target && other.schedule == schedule) return other;
  return info;
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
    if (info.family != family || (info.target != target && info.target != base_of(target)) || info.schedule.in_order)
      continue;
    const KernelInfo& chosen = cores == CoreKind::InOrder ? in_order_twin(info) : info;
    found.push_back({&chosen, compiled(chosen)});
  }
  return found;
}

Kernel find_kernel(Family family, Target target) {
  const std::vector<Kernel> found = find_kernels(family, target);
  if (found.empty()) throw std::logic_error("the manifest has no such kernel for " + std::string(name_of(target)));
  return found.front();
}

}  // namespace octet
