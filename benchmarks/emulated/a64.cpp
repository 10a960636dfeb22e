#include "benchmarks/emulated/a64.h"

#include <cstddef>

namespace octet::emulated {
namespace {

constexpr uint32_t bits(uint32_t word, int high, int low) { return word >> low & ((1u << (high - low + 1)) - 1); }

/// An instruction of a set has these bits under this mask.
struct Pattern {
  uint32_t mask, value;
  constexpr bool matches(uint32_t word) const { return (word & mask) == value; }
};

// Vector registers as a whole ("Advanced SIMD"): 0 Q U 0111 ...
constexpr Pattern kThreeDifferent = {0x9f200c00, 0x0e200000};  // opcode: bits 15 to 12
constexpr Pattern kThreeSame = {0x9f200400, 0x0e200400};       // opcode: bits 15 to 11
constexpr Pattern kThreeSameExtra = {0x9f208400, 0x0e008400};  // opcode: bits 14 to 11
constexpr Pattern kByElement = {0x9f000400, 0x0f000000};  // opcode: bits 15 to 12; shares its place with nothing else

bool is_multiply(uint32_t word) {
  const bool u = bits(word, 29, 29) != 0;
  if (kThreeDifferent.matches(word)) {
    const uint32_t opcode = bits(word, 15, 12);  // [SU]MLAL, SQDMLAL, [SU]MLSL, SQDMLSL, [SU]MULL, SQDMULL, PMULL
    return opcode >= 8 && opcode <= 14;
  }
  if (kThreeSame.matches(word)) {
    const uint32_t opcode = bits(word, 15, 11);  // MLA and MLS, MUL and PMUL; FMLA and FMLS, FMUL and FMULX
    if (opcode == 0b11001) return !u;
    return opcode == 0b10010 || opcode == 0b10011 || opcode == 0b11011;
  }
  if (kThreeSameExtra.matches(word)) {
    const uint32_t opcode = bits(word, 14, 11);  // SDOT and UDOT, USDOT, SMMLA and UMMLA, USMMLA
    return opcode >= 2 && opcode <= 5;
  }
  if (kByElement.matches(word)) {
    const uint32_t opcode = bits(word, 15, 12);
    switch (opcode) {
      case 0b1100:  // SQDMULH
      case 0b1101:  // SQRDMULH, SQRDMLAH
        return false;
      case 0b1111:  // SUDOT, USDOT; SQRDMLSH
        return !u;
      default:
        return true;
    }
  }
  return false;
}

}  // namespace

std::string_view name_of(Category category) {
  constexpr std::string_view kNames[] = {"multiply", "load", "store", "other vector", "scalar"};
  return kNames[static_cast<size_t>(category)];
}

Category category_of(uint32_t word) {
  const bool is_vector_register = bits(word, 26, 26) != 0;
  if (bits(word, 27, 27) == 1 && bits(word, 25, 25) == 0) {  // loads and stores
    if (!is_vector_register) return Category::Scalar;
    const bool is_literal = bits(word, 29, 27) == 0b011 && bits(word, 24, 24) == 0;
    return is_literal || bits(word, 22, 22) != 0 ? Category::Load : Category::Store;
  }
  if (bits(word, 27, 25) != 0b111) return Category::Scalar;
  const bool is_scalar_float = bits(word, 28, 28) == 1 && bits(word, 30, 30) == 0;
  if (is_scalar_float) return Category::Scalar;
  return is_multiply(word) ? Category::Multiply : Category::OtherVector;
}

bool is_branch(uint32_t word) {
  if (bits(word, 28, 26) != 0b101) return false;
  // Among branches live exceptions and system instructions, which go on behind themselves.
  const bool is_system = bits(word, 31, 24) == 0xd4 || bits(word, 31, 22) == 0x354;
  return !is_system;
}

}  // namespace octet::emulated
