// libFuzzer: any bytes that the reader takes are prepared and run, or refused.
//   write_sample_models corpus && fuzz_runner corpus -max_len=65536
#include <cstdint>
#include <span>

#include "models/tflite_reader.h"
#include "runtime/session.h"

namespace {

// So that one input takes milliseconds: larger networks are fine, but not here.
constexpr int64_t kMostBytes = 64 << 20, kMostMacs = 20'000'000;

void run(const octet::Model& model, octet::Target target) {
  octet::PlanOptions options;
  options.target = target;
  options.max_bytes = kMostBytes;
  const auto plan = octet::Plan::make(model, options);
  if (plan->macs() > kMostMacs) return;
  octet::Session session(plan);
  session.run();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const octet::Model model = octet::parse_tflite(std::as_bytes(std::span(data, size)), "fuzz");
    run(model, octet::best_target());
  } catch (const octet::ModelError&) {
  }
  return 0;
}
