// Kernels for one place in one network, as the model compiler asks octet-kernels for them: what the manifest's kernels
// take as arguments, and what of it is the same in every call there. No Halide here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schedules/manifest.h"

namespace octet {

enum class ArgumentKind : uint8_t { Buffer, Int16, Int32 };

struct ArgumentInfo {
  std::string_view name;  // as the lowered loops have it
  ArgumentKind kind = ArgumentKind::Int32;
};

/// A kernel's arguments, in the order that generators/ states; the output is the last.
std::span<const ArgumentInfo> arguments_of(const KernelInfo& kernel);
/// Where among them the one of this name is, of which there must be one.
int position_of(const KernelInfo& kernel, std::string_view argument);

/// Something about an argument that never changes.
struct KnownArgument {
  /// Distances: of a convolution's offsets, from a pixel of a tile to the next (dimension 0), and from a pixel's first
  /// offset to where each of its runs begins (dimension 1).
  enum class What : char { Value = 'v', Extent = 'e', Stride = 's', Contents = 'c', Distances = 'd' };

  int argument;
  What what;
  int dimension = 0;              // Extent, Stride, Distances; Contents: extent of the first of two dimensions
  std::vector<int64_t> values{};  // Contents: all elements, first dimension innermost; Distances; else one

  bool operator==(const KnownArgument&) const = default;
};

/// Whether a kernel gets better by being told. Some get worse: LLVM then keeps more in registers than there are.
bool is_worth_telling(const KernelInfo& kernel, const KnownArgument& known);

struct KernelRequest {
  std::string symbol;  // of the function in the object file
  KernelInfo kernel;   // of which the name does not count
  std::vector<KnownArgument> known;
};

/// One line. The text without the symbol says all that the code depends on.
std::string to_text(const KernelRequest& request);
std::string to_text_without_symbol(const KernelRequest& request);
/// Throws std::runtime_error.
KernelRequest parse_request(const std::string& line);

}  // namespace octet
