// Damaged files by the thousand, the same ones on every run: each is read or refused with a ModelError, never worse.
// Run under sanitizers, this is what shows that nothing is read out of bounds; without them, that nothing else is
// thrown.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string>

#include "models/tflite_reader.h"
#include "models/tflite_writer.h"
#include "tests/models/compare.h"
#include "tests/models/sample_models.h"

namespace octet {
namespace {

using Bytes = std::vector<std::byte>;

// A file that is read can be relied on: it can be written, and that reads the same.
void expect_usable(const Model& model) {
  const Model again = parse_tflite(write_tflite(model), "again");
  EXPECT_EQ(difference(model, again), "");
}

bool read_or_refused(const Bytes& bytes) {
  try {
    expect_usable(parse_tflite(bytes, "mutation"));
    return true;
  } catch (const ModelError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return false;
  }
}

class Mutations : public ::testing::TestWithParam<size_t> {
 protected:
  Bytes file_ = write_tflite(sample_models()[GetParam()]);
  std::mt19937 random_{static_cast<uint32_t>(GetParam())};

  size_t below(size_t end) { return random_() % end; }
};

TEST_P(Mutations, Truncated) {
  for (size_t size = 0; size < file_.size(); size += size < 97 ? 1 : 97) {
    const Bytes cut(file_.begin(), file_.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(read_or_refused(cut)) << size << " of " << file_.size() << " bytes";
  }
}

TEST_P(Mutations, BitsFlipped) {
  for (int i = 0; i < 4000; ++i) {
    Bytes bytes = file_;
    for (size_t flips = 1 + below(3); flips > 0; --flips) bytes[below(bytes.size())] ^= std::byte(1 << below(8));
    read_or_refused(bytes);
  }
}

TEST_P(Mutations, BytesReplaced) {
  for (int i = 0; i < 2000; ++i) {
    Bytes bytes = file_;
    for (size_t count = 1 + below(8); count > 0; --count) bytes[below(bytes.size())] = std::byte(below(256));
    read_or_refused(bytes);
  }
}

TEST_P(Mutations, WordsReplaced) {  // lengths, offsets, indices, extents
  const std::array<uint32_t, 10> words = {0, 1, 2, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
  for (int i = 0; i < 4000; ++i) {
    Bytes bytes = file_;
    std::memcpy(bytes.data() + 4 * below(bytes.size() / 4), &words[below(words.size())], sizeof words[0]);
    read_or_refused(bytes);
  }
}

TEST_P(Mutations, PiecesMoved) {
  for (int i = 0; i < 1000; ++i) {
    Bytes bytes = file_;
    const size_t size = 1 + below(64), from = below(bytes.size() - size), to = below(bytes.size() - size);
    std::memmove(bytes.data() + to, bytes.data() + from, size);
    read_or_refused(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Samples, Mutations, ::testing::Range(size_t{0}, sample_models().size()));

}  // namespace
}  // namespace octet
