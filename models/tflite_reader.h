// `.tflite` bytes -> Model. Nothing in the bytes is trusted: structure, indices, shapes, sizes, quantization, options
// and the order of operators are verified first, so that whoever holds a Model need not check them again.
//
// Not verified here: whether shapes, types and ranks fit the operators that use them (the graph does), and anything but
// structure of operators that OpCode does not name: those stay in the Model, with NoOptions, for the runtime to list.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "models/model.h"

namespace octet {

/// Reads a file below 2 GiB; the Model's name is the file's without directories and ending. Throws ModelError.
Model read_tflite(const std::filesystem::path& path);

/// Reads bytes in memory; `name` becomes the Model's, and begins every error. `storage` keeps `bytes` alive: then the
/// Model's constants point into them. They are copied where it is null or where `bytes` do not begin at a multiple
/// of 16. Throws ModelError.
Model parse_tflite(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> storage = nullptr);

}  // namespace octet
