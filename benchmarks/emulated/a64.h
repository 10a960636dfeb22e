// What kind of work a 64-bit Arm instruction does, from its encoding (Arm Architecture Reference Manual, C4.1).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace octet::emulated {

enum class Category : uint8_t { Multiply, Load, Store, OtherVector, Scalar };
inline constexpr std::array kCategories = {Category::Multiply, Category::Load, Category::Store, Category::OtherVector,
                                           Category::Scalar};

/// "multiply", "load", "store", "other vector", "scalar".
std::string_view name_of(Category category);

/// - Multiply: vector multiplies, with or without accumulation, of integers or floats, dot products and matrix products
///   included. Not SQDMULH, SQRDMULH, SQRDMLAH, SQRDMLSH, which rescale, and not the pairwise additions (SADALP) that
///   end Armv8.0's products of bytes: those are other vector work.
/// - Load, store: of vector registers, scalar floats among them.
/// - OtherVector: whatever else works on vector registers, moves of their lanes to and from general ones among it.
/// - Scalar: all the rest: integer arithmetic, loads and stores of general registers, branches, floats one by one.
Category category_of(uint32_t word);

/// Whether it may go elsewhere than to the next instruction: B, BL, B.cond, CBZ, TBZ, BR, BLR, RET and their like.
bool is_branch(uint32_t word);

}  // namespace octet::emulated
