// Names for contents.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace octet {

/// 32 hexadecimal digits.
std::string hash_of(std::span<const std::byte> bytes);
std::string hash_of(std::string_view text);

}  // namespace octet
