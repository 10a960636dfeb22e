// A plugin of qemu-aarch64 that counts how often each piece of straight code is executed, by section (marks.h):
//   qemu-aarch64 -plugin octet_count.so,out=FILE program
// FILE, text, one line each:
//   piece ADDRESS WORD...            hexadecimal; pieces are numbered from 0 in the order of their lines
//   count SECTION PIECE EXECUTIONS   decimal
// A piece is a translated block of QEMU's, cut behind marks. Pieces may overlap, where code is entered at several
// places.
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/emulated/marks.h"
#include "benchmarks/emulated/qemu_plugin.h"

namespace octet::emulated {
namespace {

struct Piece {
  uint64_t address;
  std::vector<uint32_t> words;
  uint64_t executions = 0;  // in the present section
};

struct Count {
  size_t section, piece;
  uint64_t executions;
};

std::string file;
std::deque<Piece> pieces;  // which stay where they are: QEMU holds their addresses
std::vector<Count> counts;
bool is_counting = false;
size_t section = 0;

void end_section() {
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (is_counting && pieces[i].executions > 0) counts.push_back({section, i, pieces[i].executions});
    pieces[i].executions = 0;
  }
}

void on_piece(unsigned, void* piece) { ++static_cast<Piece*>(piece)->executions; }

void on_begin(unsigned, void*) {
  end_section();
  is_counting = true;
  section = 0;
}

void on_next(unsigned, void*) {
  end_section();
  ++section;
}

void on_end(unsigned, void*) {
  end_section();
  is_counting = false;
}

qemu_plugin_executed callback_of(uint32_t word) {
  if (word == word_of(Mark::Begin)) return on_begin;
  if (word == word_of(Mark::Next)) return on_next;
  if (word == word_of(Mark::End)) return on_end;
  return nullptr;
}

void on_translation(qemu_plugin_id_t, qemu_plugin_tb* block) {
  Piece* piece = nullptr;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    uint32_t word = 0;
    std::memcpy(&word, qemu_plugin_insn_data(instruction), sizeof word);
    if (piece == nullptr) {
      piece = &pieces.emplace_back(Piece{qemu_plugin_insn_vaddr(instruction), {}});
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_piece, QEMU_PLUGIN_CB_NO_REGS, piece);
    }
    piece->words.push_back(word);
    if (const qemu_plugin_executed callback = callback_of(word)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_NO_REGS, nullptr);
      piece = nullptr;
    }
  }
}

void on_exit(qemu_plugin_id_t, void*) {
  std::FILE* const out = std::fopen(file.c_str(), "w");
  if (out == nullptr) return;
  for (const Piece& piece : pieces) {
    std::fprintf(out, "piece %llx", static_cast<unsigned long long>(piece.address));
    for (const uint32_t word : piece.words) std::fprintf(out, " %x", word);
    std::fputc('\n', out);
  }
  for (const Count& c : counts) {
    std::fprintf(out, "count %zu %zu %llu\n", c.section, c.piece, static_cast<unsigned long long>(c.executions));
  }
  std::fclose(out);
}

}  // namespace
}  // namespace octet::emulated

extern "C" {

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t*, int argc,
                                                               char** argv) {
  using namespace octet::emulated;
  constexpr std::string_view kOut = "out=";
  if (argc != 1 || !std::string_view(argv[0]).starts_with(kOut)) {
    std::fputs("count plugin: needs out=FILE and nothing else\n", stderr);
    return 1;
  }
  file = argv[0] + kOut.size();
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
  return 0;
}
}
