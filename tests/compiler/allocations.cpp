#include "tests/compiler/allocations.h"

#include <atomic>
#include <cerrno>

// The C library's own, under the names that it has for those who put theirs in their place.
extern "C" void* __libc_malloc(size_t);
extern "C" void* __libc_calloc(size_t, size_t);
extern "C" void* __libc_realloc(void*, size_t);
extern "C" void* __libc_memalign(size_t, size_t);

namespace {

std::atomic<size_t> count{0};

}  // namespace

extern "C" {

void* malloc(size_t bytes) {
  count++;
  return __libc_malloc(bytes);
}
void* calloc(size_t elements, size_t bytes) {
  count++;
  return __libc_calloc(elements, bytes);
}
void* realloc(void* block, size_t bytes) {
  count++;
  return __libc_realloc(block, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  count++;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, size_t alignment, size_t bytes) {
  count++;
  *block = __libc_memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

}  // extern "C"

namespace octet {

size_t allocations() { return count; }

}  // namespace octet
