// The ahead-of-time compiled kernels: finding one in the manifest, and calling it.
#pragma once

#include <HalideRuntime.h>

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

/// Halide's calling convention for any pipeline: pointers to the arguments in the order that generators/ states.
using KernelFunction = int (*)(void**);

/// An entry of the registry that the kernel compiler writes, one list a target; a null name ends it.
struct CompiledKernel {
  const char* name;
  KernelFunction function;
};

struct Kernel {
  const KernelInfo* info = nullptr;
  KernelFunction function = nullptr;
};

/// All kernels of a family for a target, in the manifest's order.
std::vector<Kernel> find_kernels(Family family, Target target);
/// The first of them. Throws std::logic_error where the manifest has none.
Kernel find_kernel(Family family, Target target);

/// A view of memory as Halide takes it: extents and strides in elements, innermost first, all mins 0.
struct BufferArgument {
  struct Dimension {
    int64_t extent, stride;
  };
  BufferArgument(const void* data, halide_type_t type, std::initializer_list<Dimension> dimensions);
  BufferArgument(const BufferArgument&) = delete;
  BufferArgument& operator=(const BufferArgument&) = delete;

  halide_dimension_t dimensions[5];
  halide_buffer_t buffer{};
};

/// Calls a kernel: buffers and scalars in the pipeline's order.
template <typename... Arguments>
void call(KernelFunction function, Arguments&&... arguments) {
  const auto pointer = [](auto& argument) -> void* {
    if constexpr (requires { argument.buffer; })
      return const_cast<halide_buffer_t*>(&argument.buffer);
    else
      return const_cast<void*>(static_cast<const void*>(&argument));
  };
  void* pointers[] = {pointer(arguments)...};
  function(pointers);
}

}  // namespace octet
