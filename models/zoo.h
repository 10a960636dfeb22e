// Well-known networks made from nothing: exact topology, synthetic weights that are the same on every platform.
//
// Int8 networks are as TensorFlow 2's post-training quantization makes them (a symmetric scale per output channel, int8
// activations), UInt8 ones as training with simulated quantization does (one asymmetric scale per weight tensor).
// Latency does not depend on what weights say; these keep activations spread over their range, so that wrong arithmetic
// shows. They classify nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/model.h"

namespace octet {

struct ZooEntry {
  std::string name;         // "mobilenet_v1_0.25_128", "resnet50", ...
  std::string description;  // one line
  int32_t resolution = 0;   // of the square input picture, in pixels
  int64_t macs = 0;         // multiply-accumulates of one inference
};

/// All networks, by family, then size.
const std::vector<ZooEntry>& zoo_entries();
/// Their names, in the same order.
std::vector<std::string> zoo_names();

/// One network; `type` is Int8 or UInt8. The same arguments give the same bytes, everywhere. Throws ModelError for
/// other types and for unknown names, naming near matches. Takes up to a second or two.
Model build_zoo(std::string_view name, DataType type, uint64_t seed = 1);

/// Multiply-accumulates of one operator: those of convolutions, depthwise and transposed ones, and fully-connected
/// layers, counting the taps that fall on padding, as is usual; 0 for others.
int64_t count_macs(const Model& model, const Operator& op);
/// Of a whole model.
int64_t count_macs(const Model& model);

}  // namespace octet
