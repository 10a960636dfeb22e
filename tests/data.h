// The shared folder of trained networks and recorded cases that tests compare with: where it is, and its files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace octet {

/// $OCTET_DATA, else ../shared/data beside the sources; nothing where that is not a folder. Tests that need it skip
/// with no_data_message() then.
std::optional<std::filesystem::path> data_folder();
std::string no_data_message();

/// A whole file; throws std::runtime_error where it cannot be read.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// A recorded run of a model: what went in, what came out.
struct RecordedCase {
  std::string name;             // "conv_2d_s8_003"; "MODEL.CASE" for a whole network
  std::filesystem::path model;  // the .tflite file
  std::filesystem::path stem;   // the recorded files' path without ".in0.bin"
};

std::ostream& operator<<(std::ostream& stream, const RecordedCase& recorded);  // its name

/// All cases of DATA/ops and of DATA/golden, by name. Empty without the data folder.
std::vector<RecordedCase> operator_cases();
std::vector<RecordedCase> network_cases();

/// The case's tensors, in the model's order.
std::vector<std::vector<std::byte>> recorded_inputs(const RecordedCase& recorded);
std::vector<std::vector<std::byte>> recorded_outputs(const RecordedCase& recorded);

/// Intermediate tensors, where the case has them.
struct RecordedTensor {
  size_t index;  // in the model
  std::vector<std::byte> contents;
};
std::vector<RecordedTensor> recorded_intermediates(const RecordedCase& recorded);

}  // namespace octet
