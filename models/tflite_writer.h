// Model -> `.tflite` bytes that TensorFlow Lite loads: the way our own builders' networks reach other runtimes.
#pragma once

#include <cstddef>
#include <vector>

#include "models/model.h"

namespace octet {

/// The file's bytes; equal models give equal bytes. Constants begin at multiples of 16, and tensors whose `data` is the
/// same memory share it in the file. `Model::name` is not written (a file's name is its own).
///
/// The model is written as it is, not verified: parse_tflite does that. Throws ModelError where the format has no way
/// to say it: options of another operator's kind, or 2 GiB and more.
std::vector<std::byte> write_tflite(const Model& model);

}  // namespace octet
