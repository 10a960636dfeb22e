// Counts what this program, and what it has loaded, allocates.
#pragma once

#include <cstddef>

namespace octet {

/// Calls of malloc and its like, of all threads, since the program began.
size_t allocations();

}  // namespace octet
