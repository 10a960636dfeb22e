// Quantized layers with synthetic weights. Each activation carries the estimated mean and variance of every channel's
// real value; weights are scaled and biases centred by them, as batch normalization does, and quantization ranges
// follow from them. So activations spread over their eight bits at any depth, without the network ever being run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/builder.h"
#include "models/model.h"
#include "models/zoo/statistics.h"
#include "models/zoo/weights.h"

namespace octet::zoo {

enum class Contents {
  Full,
  ShapesOnly,  // no weights, no meaningful scales: for counting
};

/// What to build of a network.
struct Order {
  std::string name;
  DataType type = DataType::Int8;  // or UInt8
  uint64_t seed = 1;
  Contents contents = Contents::Full;
};

/// An activation of the network under construction: NHWC with N = 1, or [1, channels] with height = width = 0.
struct Signal {
  int32_t tensor = -1;
  int32_t height = 0, width = 0, channels = 0;
  std::vector<Moments> moments;     // a channel each; empty with Contents::ShapesOnly
  std::vector<int32_t> adjustable;  // tensors that must share its quantization and that only a concatenation will read

  std::vector<int32_t> shape() const;
};

struct Conv {
  int32_t channels = 0;
  int32_t height = 1, width = 1, stride = 1;
  Padding padding = Padding::Same;
  Activation activation = Activation::Relu;
  double deviation = 1;  // wanted standard deviation of the real output before the activation
};

/// 3x3, SAME, RELU6.
struct Depthwise {
  int32_t stride = 1;
  double deviation = 1;
};

struct Pool {
  int32_t height = 3, width = 3, stride = 1;
  Padding padding = Padding::Same;
};

class Layers {
 public:
  explicit Layers(Order order);

  DataType type() const { return order_.type; }

  /// A square picture of three channels, real range [low, high].
  Signal image(int32_t resolution, double low, double high);
  Signal conv(const Signal& input, const std::string& name, const Conv& conv);
  Signal depthwise(const Signal& input, const std::string& name, const Depthwise& depthwise);
  /// Of the shape [1, channels].
  Signal fully_connected(const Signal& input, const std::string& name, int32_t units, double deviation);
  Signal add(const Signal& a, const Signal& b, const std::string& name, Activation activation);
  Signal pad(const Signal& input, const std::string& name, int32_t border);
  Signal max_pool(const Signal& input, const std::string& name, const Pool& pool);
  Signal average_pool(const Signal& input, const std::string& name, const Pool& pool);
  /// Over height and width.
  Signal mean(const Signal& input, const std::string& name, bool keep_dims);
  /// Along channels. All inputs get one quantization: that of an input read elsewhere too, else the widest.
  Signal concatenate(std::span<const Signal> inputs, const std::string& name);
  /// 1x1xC to [1, C].
  Signal flatten(const Signal& input, const std::string& name);
  Signal softmax(const Signal& input, const std::string& name);

  Model finish(const Signal& output);

 private:
  struct Weighted;

  bool is_full() const { return order_.contents == Contents::Full; }
  int32_t lowest() const { return order_.type == DataType::Int8 ? -128 : 0; }
  Quantization spanning(double low, double high) const;
  Quantization range_of(const std::vector<Moments>& before, Activation activation) const;
  const Quantization& quantization_of(const Signal& signal) const;

  Signal weighted(const Weighted& layer);
  QuantizedWeights make_weights(const Weighted& layer, const Taps& taps);
  std::vector<int32_t> make_bias(const Weighted& layer, const QuantizedWeights& weights, const Taps& taps,
                                 std::vector<Moments>& sums);
  int32_t weights_constant(const Weighted& layer, const QuantizedWeights& weights);
  int32_t bias_constant(const Weighted& layer, const QuantizedWeights& weights, const std::vector<int32_t>& bias);
  int32_t index_constant(const std::string& name, std::vector<int32_t> shape, const std::vector<int32_t>& values);
  Signal pool(OpCode code, const Signal& input, const std::string& name, const Pool& pool);
  /// Adds the operator that makes `output`.
  Signal emit(OpCode code, std::vector<int32_t> inputs, Options options, const std::string& name, Signal output,
              Quantization quantization);

  Order order_;
  ModelBuilder builder_;
  Random random_;
};

}  // namespace octet::zoo
