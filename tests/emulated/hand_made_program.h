// A program for 64-bit Arm Linux that is written word by word, so that a test knows to the instruction what it
// executes. It answers as `octet counted` does: two layers, the first with a loop.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "benchmarks/emulated/marks.h"

namespace octet::emulated {

inline constexpr int kTurns = 10;  // of the loop

/// Of the first layer, of one turn of its loop, of the second layer.
inline const std::vector<uint32_t> kLoop = {0x4fa2e020,       // sdot v0.4s, v1.16b, v2.4b[1]
                                            0xf1000400,       // subs x0, x0, #1
                                            0x54ffffc1};      // b.ne #-8
inline const std::vector<uint32_t> kStraight = {0x3dc003e0,   // ldr q0, [sp]
                                                0x3c9f03e0,   // stur q0, [sp, #-16]
                                                0x4e606820};  // sadalp v0.4s, v1.8h

inline std::vector<uint32_t> hand_made_code(uint32_t message_bytes) {
  std::vector<uint32_t> code = {0xd2800020,                       // mov x0, #1
                                0,                                // adr x1, message: below
                                0xd2800002 | message_bytes << 5,  // mov x2, #message_bytes
                                0xd2800808,                       // mov x8, #64 (write)
                                0xd4000001,                       // svc #0
                                word_of(Mark::Begin),
                                0xd2800000 | kTurns << 5};  // mov x0, #kTurns
  const auto append = [&](const std::vector<uint32_t>& more) { code.insert(code.end(), more.begin(), more.end()); };
  append(kLoop);
  append({word_of(Mark::Next)});
  append(kStraight);
  append({word_of(Mark::Next), word_of(Mark::End)});
  append({0xd2800000,    // mov x0, #0
          0xd2800ba8,    // mov x8, #93 (exit)
          0xd4000001});  // svc #0
  code[1] = 0x10000001 | static_cast<uint32_t>(code.size() - 1) << 5;
  return code;
}

/// Writes it as an executable file.
inline void write_hand_made_program(const std::filesystem::path& path) {
  const std::string message =
      R"({"network":"hand made","layers":[{"layer":"A","kernel":"loop","macs":160},{"layer":"B","kernel":"copy","macs":0}]})";
  const std::vector<uint32_t> code = hand_made_code(static_cast<uint32_t>(message.size()));
  constexpr uint64_t kBase = 0x400000, kHeaders = 64 + 56;
  const uint64_t bytes = kHeaders + 4 * code.size() + message.size();
  std::string file("\177ELF\2\1\1", 7);  // 64 bits, little-endian
  file.resize(16);
  const auto put = [&](uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) file += static_cast<char>(value >> 8 * i & 0xff);
  };
  put(2, 2), put(183, 2), put(1, 4);                              // executable, AArch64, version
  put(kBase + kHeaders, 8), put(64, 8), put(0, 8), put(0, 4);     // entry, program headers, no sections, flags
  put(64, 2), put(56, 2), put(1, 2), put(0, 2), put(0, 4);        // sizes of headers, one program header
  put(1, 4), put(5, 4), put(0, 8), put(kBase, 8), put(kBase, 8);  // load, read and execute, all of the file
  put(bytes, 8), put(bytes, 8), put(0x1000, 8);
  for (const uint32_t word : code) put(word, 4);
  file += message;
  std::ofstream(path, std::ios::binary) << file;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace octet::emulated
