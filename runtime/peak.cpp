#include "runtime/peak.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace octet {
namespace {

using Clock = std::chrono::steady_clock;

// Each burst is a loop of independent accumulations: more of them than latency times throughput of any core known.
struct Burst {
  std::string_view instruction;
  double macs;  // an iteration
  void (*run)(int64_t iterations);
};

#define OCTET_EIGHT(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define OCTET_TWELVE(M) OCTET_EIGHT(M) M(8) M(9) M(10) M(11)

#if defined(__x86_64__)

#define OCTET_CLOBBERS                                                                                                \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15"

#define OCTET_PMADDWD(i) "movdqa %%xmm14, %%xmm15\n pmaddwd %%xmm13, %%xmm15\n paddd %%xmm15, %%xmm" #i "\n"
void pmaddwd_xmm(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    asm volatile(OCTET_TWELVE(OCTET_PMADDWD)::: OCTET_CLOBBERS);
  }
}

#define OCTET_VPMADDWD(i) "vpmaddwd %%ymm14, %%ymm13, %%ymm15\n vpaddd %%ymm15, %%ymm" #i ", %%ymm" #i "\n"
__attribute__((target("avx2"))) void vpmaddwd_ymm(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    asm volatile(OCTET_TWELVE(OCTET_VPMADDWD)::: OCTET_CLOBBERS);
  }
  asm volatile("vzeroupper" ::: OCTET_CLOBBERS);
}

#define OCTET_VPDPBUSD(i) "vpdpbusd %%zmm15, %%zmm14, %%zmm" #i "\n"
__attribute__((target("avx512f,avx512vnni"))) void vpdpbusd_zmm(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    asm volatile(OCTET_TWELVE(OCTET_VPDPBUSD)::: OCTET_CLOBBERS);
  }
  asm volatile("vzeroupper" ::: OCTET_CLOBBERS);
}

Burst burst_of(Target target) {
  switch (target) {
    case Target::Avx512Vnni:
      return {"vpdpbusd zmm", 12 * 64, vpdpbusd_zmm};
    case Target::Avx2:
      return {"vpmaddwd ymm", 12 * 16, vpmaddwd_ymm};
    default:
      return {"pmaddwd xmm", 12 * 8, pmaddwd_xmm};
  }
}

#elif defined(__aarch64__)

#define OCTET_CLOBBERS                                                                                                \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", \
      "v30", "v31"

#define OCTET_UDOT(i) "udot v" #i ".4s, v30.16b, v31.16b\n"
void udot(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    asm volatile(".arch armv8.2-a+dotprod\n" OCTET_TWELVE(OCTET_UDOT)::: OCTET_CLOBBERS);
  }
}

// Two products fit an int16 lane, then both halves go to 32 bits: 16 multiplications in three instructions. Sums are
// v0 to v7, products v10 to v17; in this order in-order cores need not wait.
#define OCTET_SMULL(i) "smull v1" #i ".8h, v30.8b, v31.8b\n"
#define OCTET_SMLAL2(i) "smlal2 v1" #i ".8h, v30.16b, v31.16b\n"
#define OCTET_SADALP(i) "sadalp v" #i ".4s, v1" #i ".8h\n"
void smull(int64_t iterations) {
  for (int64_t i = 0; i < iterations; ++i) {
    asm volatile(OCTET_EIGHT(OCTET_SMULL) OCTET_EIGHT(OCTET_SMLAL2) OCTET_EIGHT(OCTET_SADALP)::: OCTET_CLOBBERS);
  }
}

Burst burst_of(Target target) {
  if (target == Target::Dotprod) return {"udot", 12 * 16, udot};
  return {"smull+smlal2+sadalp", 8 * 16, smull};
}

#endif

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The best burst within the time, in GMAC/s.
double best_burst(const Burst& burst, double seconds) {
  constexpr int64_t kIterations = 20000;  // some 0.1 ms: far above the clock's grain, below a scheduler's slice
  const auto start = Clock::now();
  double best = 0;
  do {
    const auto begin = Clock::now();
    burst.run(kIterations);
    best = std::max(best, burst.macs * static_cast<double>(kIterations) / seconds_since(begin) * 1e-9);
  } while (seconds_since(start) < seconds);
  return best;
}

}  // namespace

std::string_view peak_instruction(Target target) { return burst_of(target).instruction; }

double measure_peak_gmacs(Target target, int threads, double seconds) {
  if (!cpu_supports(target)) {
    throw ModelError("target '" + std::string(name_of(target)) + "' is not supported by this CPU");
  }
  const Burst burst = burst_of(target);
  std::vector<double> best(static_cast<size_t>(threads));
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    others.emplace_back([&, i] { best[static_cast<size_t>(i)] = best_burst(burst, seconds); });
  }
  best[0] = best_burst(burst, seconds);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (const double b : best) sum += b;
  return sum;
}

}  // namespace octet
