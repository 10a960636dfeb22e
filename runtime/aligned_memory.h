// Zeroed, cache-line aligned memory whose pages cost nothing until they are touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "runtime/steps/huge_pages.h"

namespace octet {

inline constexpr int64_t kAlignment = 64;

constexpr int64_t align_up(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// `bytes` >= 0, zeroed, 64-byte aligned. Throws std::bad_alloc.
inline std::shared_ptr<std::byte> allocate_zeroed(int64_t bytes) {
  // calloc rather than aligned_alloc: large blocks come from the system already zero, untouched.
  void* block = std::calloc(1, static_cast<size_t>(bytes + kAlignment));
  if (block == nullptr) throw std::bad_alloc();
  const auto misaligned = static_cast<int64_t>(reinterpret_cast<uintptr_t>(block) % kAlignment);
  auto* start = static_cast<std::byte*>(block) + (misaligned == 0 ? 0 : kAlignment - misaligned);
  // Weights that are read once a run are otherwise a miss of the TLB every page.
  prefer_huge_pages(start, static_cast<size_t>(bytes));
  return {start, [block](std::byte*) { std::free(block); }};
}

}  // namespace octet
