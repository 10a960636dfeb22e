// Zeroed, cache-line aligned memory whose pages cost nothing until they are touched.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace octet {

inline constexpr int64_t kAlignment = 64;

constexpr int64_t align_up(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Asks the system for huge pages where whole ones fit in: weights that are read once a run are otherwise a miss of the
/// TLB every page. It may have none; nothing depends on it.
inline void prefer_huge_pages(std::byte* start, int64_t bytes) {
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<uintptr_t>(start), end = begin + static_cast<uintptr_t>(bytes);
  const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage, last = end / kHugePage * kHugePage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

/// `bytes` >= 0, zeroed, 64-byte aligned. Throws std::bad_alloc.
inline std::shared_ptr<std::byte> allocate_zeroed(int64_t bytes) {
  // calloc rather than aligned_alloc: large blocks come from the system already zero, untouched.
  void* block = std::calloc(1, static_cast<size_t>(bytes + kAlignment));
  if (block == nullptr) throw std::bad_alloc();
  const auto misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(block) % kAlignment);
  auto* start = static_cast<std::byte*>(block) + (misaligned == 0 ? 0 : kAlignment - misaligned);
  prefer_huge_pages(start, bytes);
  return {start, [block](std::byte*) { std::free(block); }};
}

}  // namespace octet
