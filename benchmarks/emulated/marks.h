// Marks in the instruction stream: moves of a number to the zero register, which do nothing and which compilers do not
// emit. The program under emulation executes them; the emulator's plugin sees them and needs no symbols.
#pragma once

#include <cstdint>

namespace octet::emulated {

enum class Mark : uint16_t {
  Begin = 0x0c71,  // counting starts with section 0
  Next = 0x0c72,   // of sections
  End = 0x0c73     // counting stops
};

/// MOVZ XZR, #mark
constexpr uint32_t word_of(Mark mark) { return 0xd280001f | static_cast<uint32_t>(mark) << 5; }

#if defined(__aarch64__)
template <Mark mark>
inline void execute() {
  asm volatile(".inst %0" : : "i"(word_of(mark)) : "memory");
}
#endif

}  // namespace octet::emulated
