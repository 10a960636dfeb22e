// libFuzzer: any bytes are read or refused, and what is read can be written and reads the same.
//   write_sample_models corpus && fuzz_reader corpus -max_len=65536
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "models/tflite_reader.h"
#include "models/tflite_writer.h"
#include "tests/models/compare.h"

namespace {

void check(const octet::Model& model) {
  const octet::Model again = octet::parse_tflite(octet::write_tflite(model), "again");
  const std::string found = octet::difference(model, again);
  if (found.empty()) return;
  std::fprintf(stderr, "written and read again: %s\n", found.c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  octet::Model model;
  try {
    model = octet::parse_tflite(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const octet::ModelError&) {
    return 0;
  }
  check(model);  // a ModelError here is a bug
  return 0;
}
