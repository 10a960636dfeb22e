// Memory on large pages, of which fewer are missed by the TLB and which the system gives faster.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace octet {

inline constexpr uintptr_t kHugePage = uintptr_t{2} << 20;

/// Asks the system for huge pages where whole ones fit in. It may have none; nothing depends on it.
inline void prefer_huge_pages(void* start, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(start);
  const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage,
                  last = (begin + bytes) / kHugePage * kHugePage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

}  // namespace octet
