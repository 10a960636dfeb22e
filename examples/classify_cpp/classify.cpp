// classify PICTURE.bmp: the five classes that a compiled MobileNet thinks likeliest, with their scores.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <vector>

#include "../picture.h"
#include "mobilenet.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: classify PICTURE.bmp\n");
    return 2;
  }
  mobilenet::Network net(/*threads=*/2);
  if (!net.ok()) {
    std::fprintf(stderr, "this CPU has none of the instruction sets that the network was compiled for\n");
    return 1;
  }
  const octet_tensor& picture = *mobilenet_input_info(0);
  const octet_tensor& scores = *mobilenet_output_info(0);
  uint8_t* const input = net.input();
  if (read_picture(argv[1], picture.shape[1], input) == 0) {
    std::fprintf(stderr, "%s: no BMP file of 24 bits a pixel\n", argv[1]);
    return 1;
  }
  if (picture.type == 9) {
    for (size_t i = 0; i < picture.bytes; i++) input[i] ^= 0x80;  // int8: pixel - 128
  }
  net.run();

  const auto score = [&](size_t i) { return scores.type == 9 ? net.output<int8_t>()[i] : int{net.output()[i]}; };
  std::vector<size_t> classes(scores.bytes);
  std::iota(classes.begin(), classes.end(), size_t{0});
  std::stable_sort(classes.begin(), classes.end(), [&](size_t a, size_t b) { return score(a) > score(b); });
  classes.resize(std::min<size_t>(classes.size(), 5));
  for (const size_t c : classes) std::printf("%zu %d\n", c, score(c));
}
