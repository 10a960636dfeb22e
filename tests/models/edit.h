// Files with deliberate changes: a network is written, unpacked into the schema's structs, edited there, packed again.
#pragma once

#include <tflite_generated.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "models/model.h"
#include "models/tflite_writer.h"

namespace octet {

namespace fb = octet::tflite;

using Edit = std::function<void(fb::FileT&)>;

inline std::vector<std::byte> edit_file(const Model& model, const Edit& edit) {
  const auto written = write_tflite(model);
  fb::FileT file;
  fb::GetFile(written.data())->UnPackTo(&file);
  edit(file);
  flatbuffers::FlatBufferBuilder out;
  fb::FinishFileBuffer(out, fb::File::Pack(out, &file));
  const auto bytes = std::as_bytes(std::span(out.GetBufferPointer(), out.GetSize()));
  return {bytes.begin(), bytes.end()};
}

}  // namespace octet
