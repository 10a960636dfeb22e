// Which instruction sets this CPU has. Needs no other library: compiled networks choose by it too.
#include "runtime/target.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace octet {

#if defined(__x86_64__)

// These builtins ask the operating system too (XGETBV): a CPU whose wide registers are not saved does not count.
bool cpu_supports(Target target) {
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

#else

bool cpu_supports(Target target) {
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
      return cpu_supports(Target::Dotprod) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#else
      return false;
#endif
    default:
      return false;
  }
}

#endif

}  // namespace octet
