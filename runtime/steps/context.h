// What a step sees of the network while it runs, and how its data refers to that: by numbers, so that a step can be
// written to a file as it is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/steps/parallel.h"

namespace octet {

/// Halide's calling convention for any pipeline: pointers to the arguments in the order that generators/ states.
using KernelFunction = int (*)(void**);

/// Which of the network's kernels; -1: none.
using KernelIndex = int32_t;

/// An array of T among the network's constants: packed weights, tables. 64-byte aligned, or within one that is.
template <typename T>
struct Constant {
  int64_t offset = -1;  // in bytes

  bool exists() const { return offset >= 0; }
};

/// The same with its number of elements.
template <typename T>
struct ConstantArray {
  Constant<T> first;
  int64_t count = 0;
};

/// What an operator was given that it cannot take, found as the network runs.
struct BadIndex {
  int64_t index = 0, extent = 0;  // extent > 0: an index outside of an axis of `extent`

  bool found() const { return extent > 0; }
};

struct RunContext {
  std::byte* const* tensors;  // by tensor index: start of its contents
  const std::byte* constants;
  const KernelFunction* kernels;
  std::byte* scratch;  // of this step: 64-byte aligned; contents undefined
  const Parallel& pool;
  BadIndex* bad_index;

  template <typename T>
  T* data(int32_t tensor) const {
    return reinterpret_cast<T*>(tensors[tensor]);
  }
  template <typename T>
  const T* constant(Constant<T> array) const {
    return reinterpret_cast<const T*>(constants + array.offset);
  }
  template <typename T>
  const T* constant(const ConstantArray<T>& array) const {
    return constant(array.first);
  }
};

/// Bytes past the end of any tensor, scratch or constant that a kernel may read (not write).
inline constexpr int64_t kSlackBytes = 256;

}  // namespace octet
