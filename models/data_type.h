// Element types of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet {

/// Element types, numbered as in the file format.
enum class DataType : int8_t {
  Float32 = 0,
  Float16 = 1,
  Int32 = 2,
  UInt8 = 3,
  Int64 = 4,
  String = 5,
  Bool = 6,
  Int16 = 7,
  Complex64 = 8,
  Int8 = 9,
  Float64 = 10,
  Complex128 = 11,
  UInt64 = 12,
  Resource = 13,
  Variant = 14,
  UInt32 = 15,
  UInt16 = 16,
  Int4 = 17,
};

/// Bytes an element; 0 where elements have no fixed whole number of bytes (String, Resource, Variant, Int4).
size_t size_of(DataType type);
/// "UINT8", "FLOAT32", ... as TensorFlow Lite prints them.
std::string_view name_of(DataType type);

}  // namespace octet
