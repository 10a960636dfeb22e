// Calling kernels.
#pragma once

#include <HalideRuntime.h>

#include <utility>

#include "runtime/steps/context.h"

namespace octet {

/// A view of memory as Halide takes it: extents and strides in elements, innermost first, all mins 0.
struct BufferArgument {
  struct Dimension {
    int64_t extent, stride;
  };
  template <size_t N>
  BufferArgument(const void* data, halide_type_t type, const Dimension (&dims)[N])
      : BufferArgument(data, type, dims, std::make_index_sequence<N>()) {}
  BufferArgument(const BufferArgument&) = delete;
  BufferArgument& operator=(const BufferArgument&) = delete;

  halide_dimension_t dimensions[5];
  halide_buffer_t buffer{};

 private:
  // Dimensions written out: small layers notice a loop over them, which is what GCC makes of one.
  template <size_t... I>
  BufferArgument(const void* data, halide_type_t type, const Dimension* dims, std::index_sequence<I...>)
      : dimensions{
            halide_dimension_t(0, static_cast<int32_t>(dims[I].extent), static_cast<int32_t>(dims[I].stride))...} {
    buffer.host = static_cast<uint8_t*>(const_cast<void*>(data));
    buffer.type = type;
    buffer.dimensions = sizeof...(I);
    buffer.dim = dimensions;
  }
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
