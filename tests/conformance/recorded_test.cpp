// Recorded runs of TensorFlow Lite's reference kernels (the shared data folder): single operators and whole trained
// networks, byte for byte, on every target, with 1 and with several threads.
#include <gtest/gtest.h>

#include <map>

#include "models/tflite_reader.h"
#include "runtime/passes.h"
#include "tests/conformance/run.h"
#include "tests/data.h"

namespace octet {
namespace {

/// Float networks are no quantized networks; their recorded runs are for other tests.
bool is_quantized(const RecordedCase& recorded) { return recorded.name.find("_float") == std::string::npos; }

std::string operator_of(const RecordedCase& recorded) { return recorded.name.substr(0, recorded.name.rfind('_')); }

class Recorded : public testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    if (!data_folder()) GTEST_SKIP() << no_data_message();
  }

  void expect_equal(const RecordedCase& recorded, const RunOptions& options) {
    const Model model = read_tflite(recorded.model);
    const std::vector<Bytes> expected = recorded_outputs(recorded);
    const std::vector<Bytes> actual = run_on(model, recorded_inputs(recorded), GetParam(), options);
    ASSERT_EQ(expected.size(), actual.size()) << recorded.name;
    for (size_t i = 0; i < expected.size(); i++) {
      const DataType type = model.tensors[static_cast<size_t>(model.outputs[i])].type;
      EXPECT_EQ(difference(expected[i], actual[i], type), "")
          << recorded.name << " output " << i << ", " << options.threads << " threads";
    }
  }

  void expect_all_equal(const std::vector<RecordedCase>& cases, const RunOptions& options) {
    std::map<std::string, int> passed;
    int failed = 0;
    for (const RecordedCase& recorded : cases) {
      const int before =
          static_cast<int>(testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count());
      try {
        expect_equal(recorded, options);
      } catch (const ModelError& error) {
        ADD_FAILURE() << recorded.name << ": " << error.what();
      }
      const int after =
          static_cast<int>(testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count());
      after == before ? void(passed[operator_of(recorded)]++) : void(failed++);
    }
    int total = 0;
    for (const auto& [name, count] : passed) total += count;
    std::cout << name_of(GetParam()) << ": " << total << " of " << total + failed << " cases equal\n";
  }
};

TEST_P(Recorded, Operators) { expect_all_equal(operator_cases(), {}); }

TEST_P(Recorded, OperatorsOnThreads) {
  for (const int threads : {3, 4}) expect_all_equal(operator_cases(), {.threads = threads});
}

TEST_P(Recorded, OperatorsWithoutPasses) {
  RunOptions options;
  for (const Pass& pass : passes()) options.passes_off.emplace_back(pass.name);
  expect_all_equal(operator_cases(), options);
}

TEST_P(Recorded, Networks) {
  for (const RecordedCase& recorded : network_cases())
    for (const int threads : {1, 4})
      if (is_quantized(recorded)) expect_equal(recorded, {.threads = threads});
}

TEST_P(Recorded, NetworksWithoutPasses) {
  for (const Pass& pass : passes()) {
    RunOptions options;
    options.passes_off = {std::string(pass.name)};
    for (const RecordedCase& recorded : network_cases())
      if (is_quantized(recorded) && recorded.name.find("seed1") != std::string::npos) expect_equal(recorded, options);
  }
}

TEST_P(Recorded, NetworksWhosePackedWeightsAreHardlyMore) {
  if (is_arm(GetParam())) GTEST_SKIP() << "a bound for x86";
  for (const RecordedCase& recorded : network_cases()) {
    if (!is_quantized(recorded)) continue;
    const auto plan = Plan::make(read_tflite(recorded.model), {.target = GetParam()});
    EXPECT_LE(static_cast<double>(plan->packed_weight_bytes()), 1.05 * static_cast<double>(plan->file_weight_bytes()))
        << recorded.name;
  }
}

TEST_P(Recorded, NetworksInBands) {
  for (const int64_t bytes : {64 << 10, 256 << 10}) {
    for (const RecordedCase& recorded : network_cases())
      if (is_quantized(recorded) && recorded.name.find("seed1") != std::string::npos)
        expect_equal(recorded, {.threads = 2, .fuse_blocks_bytes = bytes});
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Recorded, testing::ValuesIn(targets_under_test()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace octet
