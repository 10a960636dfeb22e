// main FILE: builds a network of one convolution and a ReLU, writes it to the file, reads that again, runs it, and
// checks the numbers.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <vector>

#include "models/builder.h"
#include "models/tflite_reader.h"
#include "models/tflite_writer.h"
#include "models/zoo.h"
#include "runtime/octet.h"
#include "runtime/passes.h"
#include "runtime/peak.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"

namespace {

/// [1,2,2,4], identity weights: max(q, 10).
std::vector<std::byte> network() {
  using namespace octet;
  const Quantization q = quantized(0.5f, 10);
  ModelBuilder b("small");
  const int32_t in = b.input({"in", {1, 2, 2, 4}, DataType::UInt8, q});
  std::vector<uint8_t> weights(16, 0);
  for (size_t i = 0; i < 4; ++i) weights[5 * i] = 1;
  const int32_t filter = b.constant<uint8_t>("filter", {4, 1, 1, 4}, weights, quantized(1.0f, 0));
  const int32_t bias = b.constant<int32_t>("bias", {4}, {0, 0, 0, 0}, quantized(0.5f, 0));
  const int32_t conv =
      b.op(OpCode::Conv2D, {in, filter, bias}, Conv2DOptions{}, {"conv", {1, 2, 2, 4}, DataType::UInt8, q});
  b.output(b.op(OpCode::Relu, {conv}, {"out", {1, 2, 2, 4}, DataType::UInt8, q}));
  return write_tflite(b.build());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::vector<std::byte> file = network();
  std::ofstream(argv[1], std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  octet::Session session(octet::Plan::make(octet::read_tflite(argv[1])), /*threads=*/2);
  const auto input = session.input(0);
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(3 + i);
  session.run();
  const auto output = session.output(0);
  for (size_t i = 0; i < output.size(); ++i) {
    if (output[i] != static_cast<std::byte>(std::max<size_t>(3 + i, 10))) {
      std::fprintf(stderr, "output %zu is %d\n", i, static_cast<int>(output[i]));
      return 1;
    }
  }
  std::printf("%s: right, on %s\n", octet_version(), std::string(name_of(session.plan().target())).c_str());
}
