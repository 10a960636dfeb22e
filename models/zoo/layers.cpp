#include "models/zoo/layers.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace octet::zoo {
namespace {

constexpr double kDeviationsEachSide = 3.5;  // of a normal value, that a quantized range spans
constexpr float kRelu6ScaleInt8 = 6.0f / 255;
constexpr float kRelu6ScaleUInt8 = 0.0235285f;  // as training with simulated quantization leaves it

// How much of a channel's variance a 3x3 window shares, and how much the whole image: between noise and photographs.
constexpr double kSharedNearby = 0.5, kSharedByAll = 0.2;

// Of the biases, in units of the layer's deviation: where channels lie, and how far apart.
struct BiasRange {
  double lowest_centre, highest_centre, spread;
};
BiasRange bias_range(Activation activation) {
  if (activation == Activation::None) return {-0.4, 0.4, 0.3};
  if (activation == Activation::Relu6) return {0.1, 0.5, 0.4};
  return {-0.1, 0.2, 0.4};
}

std::string_view suffix_of(Activation activation, std::string_view linear) {
  if (activation == Activation::Relu) return "/Relu";
  if (activation == Activation::Relu6) return "/Relu6";
  return linear;
}

// Share of a window's taps that lie inside the image, averaged over the outputs of one axis.
double coverage(int32_t input, int32_t filter, int32_t stride, Padding padding) {
  if (padding == Padding::Valid) return 1;
  const int32_t outputs = window_output(input, filter, stride, padding);
  const int32_t before = std::max((outputs - 1) * stride + filter - input, 0) / 2;
  int32_t inside = 0;
  for (int32_t output = 0; output < outputs; ++output) {
    const int32_t first = output * stride - before;
    inside += std::min(first + filter, input) - std::max(first, 0);
  }
  return inside / static_cast<double>(outputs * filter);
}

std::vector<Moments> activated_all(std::vector<Moments> values, Activation activation) {
  for (Moments& value : values) value = activated(value, activation);
  return values;
}

// Moments of an average of `count` pixels.
std::vector<Moments> averaged(std::vector<Moments> values, int32_t count) {
  const double shared = count <= 9 ? kSharedNearby : kSharedByAll;
  for (Moments& value : values) value.variance *= shared + (1 - shared) / count;
  return values;
}

// Moments of a maximum of 3x3 neighbours, which is like one of four independent values; the skew behind a RELU keeps
// the variance up.
std::vector<Moments> maximum(std::vector<Moments> values) {
  for (Moments& value : values) value.mean += 1.3 * std::sqrt(value.variance);
  return values;
}

Signal resized(const Signal& input, int32_t height, int32_t width, int32_t channels) {
  Signal output;
  output.height = height;
  output.width = width;
  output.channels = channels;
  if (channels == input.channels) output.moments = input.moments;
  return output;
}

std::vector<std::byte> bytes_of(std::span<const int16_t> centred, int32_t zero_point) {
  std::vector<std::byte> bytes;
  bytes.reserve(centred.size());
  for (int16_t value : centred) bytes.push_back(static_cast<std::byte>(value + zero_point));
  return bytes;
}

// Depthwise filters: rows are channels in our hands, the last axis in the file.
std::vector<std::byte> transposed(const std::vector<std::byte>& rows, size_t taps) {
  const size_t channels = rows.size() / taps;
  std::vector<std::byte> columns(rows.size());
  for (size_t channel = 0; channel < channels; ++channel)
    for (size_t tap = 0; tap < taps; ++tap) columns[tap * channels + channel] = rows[channel * taps + tap];
  return columns;
}

}  // namespace

std::vector<int32_t> Signal::shape() const {
  if (height == 0) return {1, channels};
  return {1, height, width, channels};
}

/// A convolution, depthwise convolution or matrix product about to be made.
struct Layers::Weighted {
  OpCode code{};
  std::string name;
  const Signal& input;
  std::vector<int32_t> filter;  // shape as in the file
  Options options;
  Activation activation{};
  double deviation = 1;
  double coverage = 1;  // share of taps inside the image
  Signal output;        // shape only

  bool is_depthwise() const { return code == OpCode::DepthwiseConv2D; }
  /// Rows with few, similar taps: depthwise ones, and those that read the picture itself.
  bool is_balanced() const { return is_depthwise() || input.channels <= 4; }
  size_t taps() const { return static_cast<size_t>(element_count(filter) / output.channels); }

  Taps read() const {
    std::vector<Moments> channels;
    for (const Moments& channel : input.moments) channels.push_back(present(channel, coverage));
    if (is_depthwise()) return Taps::of_own_channel(channels, taps());
    std::vector<Moments> row;
    while (row.size() < taps()) row.insert(row.end(), channels.begin(), channels.end());
    return Taps(static_cast<size_t>(output.channels), row);
  }
};

Layers::Layers(Order order)
    : order_(std::move(order)),
      builder_(order_.name, "Octet zoo: synthetic weights, seed " + std::to_string(order_.seed)),
      random_(order_.seed) {
  if (order_.type != DataType::Int8 && order_.type != DataType::UInt8)
    throw ModelError(order_.name + ": the zoo builds INT8 and UINT8 networks, not " +
                     std::string(name_of(order_.type)));
}

Quantization Layers::spanning(double low, double high) const {
  const auto scale = static_cast<float>((high - low) / 255);
  return quantized(scale, lowest() + std::clamp(rounded(-low / scale), 0, 255));
}

Quantization Layers::range_of(const std::vector<Moments>& before, Activation activation) const {
  if (activation == Activation::Relu6)
    return quantized(order_.type == DataType::Int8 ? kRelu6ScaleInt8 : kRelu6ScaleUInt8, lowest());
  if (!is_full()) return quantized(1, 0);
  const Moments all = pooled(before);
  const double reach = kDeviationsEachSide * std::sqrt(all.variance);
  return spanning(activation == Activation::Relu ? 0 : all.mean - reach, all.mean + reach);
}

const Quantization& Layers::quantization_of(const Signal& signal) const {
  return builder_.tensor(signal.tensor).quantization;
}

Signal Layers::image(int32_t resolution, double low, double high) {
  Signal image;
  image.height = image.width = resolution;
  image.channels = 3;
  const double deviation = (high - low) / 3.5;  // evenly spread noise has 1 / 3.46, photographs have 1 / 4
  if (is_full()) image.moments.assign(3, {(low + high) / 2, deviation * deviation});
  image.tensor = builder_.input({"input", image.shape(), order_.type, spanning(low, high)});
  return image;
}

Signal Layers::conv(const Signal& input, const std::string& name, const Conv& conv) {
  Conv2DOptions options{.padding = conv.padding, .stride_w = conv.stride, .stride_h = conv.stride};
  options.activation = conv.activation;
  const auto extent = [&](int32_t size, int32_t filter) {
    return window_output(size, filter, conv.stride, conv.padding);
  };
  const auto covered = [&](int32_t size, int32_t filter) { return coverage(size, filter, conv.stride, conv.padding); };
  return weighted(
      {.code = OpCode::Conv2D,
       .name = name,
       .input = input,
       .filter = {conv.channels, conv.height, conv.width, input.channels},
       .options = options,
       .activation = conv.activation,
       .deviation = conv.deviation,
       .coverage = covered(input.height, conv.height) * covered(input.width, conv.width),
       .output = resized({}, extent(input.height, conv.height), extent(input.width, conv.width), conv.channels)});
}

Signal Layers::depthwise(const Signal& input, const std::string& name, const Depthwise& depthwise) {
  constexpr int32_t kSize = 3;
  DepthwiseConv2DOptions options{.stride_w = depthwise.stride, .stride_h = depthwise.stride};
  options.activation = Activation::Relu6;
  const int32_t height = window_output(input.height, kSize, depthwise.stride, Padding::Same);
  const int32_t width = window_output(input.width, kSize, depthwise.stride, Padding::Same);
  return weighted({.code = OpCode::DepthwiseConv2D,
                   .name = name,
                   .input = input,
                   .filter = {1, kSize, kSize, input.channels},
                   .options = options,
                   .activation = Activation::Relu6,
                   .deviation = depthwise.deviation,
                   .coverage = coverage(input.height, kSize, depthwise.stride, Padding::Same) *
                               coverage(input.width, kSize, depthwise.stride, Padding::Same),
                   .output = resized({}, height, width, input.channels)});
}

Signal Layers::fully_connected(const Signal& input, const std::string& name, int32_t units, double deviation) {
  return weighted({.code = OpCode::FullyConnected,
                   .name = name,
                   .input = input,
                   .filter = {units, input.channels},
                   .options = FullyConnectedOptions{},
                   .activation = Activation::None,
                   .deviation = deviation,
                   .output = resized({}, 0, 0, units)});
}

Signal Layers::weighted(const Weighted& layer) {
  Signal output = layer.output;
  QuantizedWeights weights;
  std::vector<int32_t> bias;
  std::vector<Moments> sums;
  if (is_full()) {
    const Taps taps = layer.read();
    weights = make_weights(layer, taps);
    bias = make_bias(layer, weights, taps, sums);
    output.moments = activated_all(sums, layer.activation);
  }
  const int32_t filter = weights_constant(layer, weights);
  const int32_t biases = bias_constant(layer, weights, bias);
  output = emit(layer.code, {layer.input.tensor, filter, biases}, layer.options,
                layer.name + std::string(suffix_of(layer.activation, "/BiasAdd")), std::move(output),
                range_of(sums, layer.activation));
  output.adjustable = {output.tensor};
  return output;
}

QuantizedWeights Layers::make_weights(const Weighted& layer, const Taps& taps) {
  const double deviation = layer.deviation * random_.uniform(0.8, 1.2);
  std::vector<float> real = draw_weights(random_, taps, deviation, layer.is_balanced());
  if (order_.type == DataType::UInt8) return quantize_asymmetric(random_, std::move(real), taps);
  return quantize_symmetric(real, taps, layer.code != OpCode::FullyConnected);
}

// Moves the mean of each channel to a place of its own near the layer's; `sums` gets the moments before activation.
std::vector<int32_t> Layers::make_bias(const Weighted& layer, const QuantizedWeights& weights, const Taps& taps,
                                       std::vector<Moments>& sums) {
  const BiasRange range = bias_range(layer.activation);
  const double centre = random_.uniform(range.lowest_centre, range.highest_centre);
  const float input_scale = quantization_of(layer.input).scale[0];
  std::vector<int32_t> bias;
  for (size_t row = 0; row < taps.rows(); ++row) {
    const Moments sum = row_sum(weights, taps, row);
    const double wanted = layer.deviation * (centre + range.spread * random_.normal());
    const float scale = input_scale * weights.row_scale(row);
    bias.push_back(rounded((wanted - sum.mean) / scale));
    sums.push_back({sum.mean + static_cast<double>(bias.back()) * scale, sum.variance});
  }
  return bias;
}

int32_t Layers::weights_constant(const Weighted& layer, const QuantizedWeights& weights) {
  TensorSpec spec{layer.name + "/weights", layer.filter, order_.type};
  if (!is_full()) return builder_.activation(std::move(spec));
  spec.quantization = weights.scale.size() == 1 ? quantized(weights.scale[0], weights.zero_point)
                                                : quantized(weights.scale, layer.is_depthwise() ? 3 : 0);
  const std::vector<std::byte> rows = bytes_of(weights.centred, weights.zero_point);
  return builder_.constant(std::move(spec), layer.is_depthwise() ? transposed(rows, weights.taps) : rows);
}

int32_t Layers::bias_constant(const Weighted& layer, const QuantizedWeights& weights,
                              const std::vector<int32_t>& bias) {
  TensorSpec spec{layer.name + "/bias", {layer.output.channels}, DataType::Int32};
  if (!is_full()) return builder_.activation(std::move(spec));
  const float input_scale = quantization_of(layer.input).scale[0];
  std::vector<float> scales;
  for (float scale : weights.scale) scales.push_back(input_scale * scale);
  spec.quantization = quantized(std::move(scales), 0);
  return builder_.constant(std::move(spec), std::as_bytes(std::span(bias)));
}

Signal Layers::add(const Signal& a, const Signal& b, const std::string& name, Activation activation) {
  std::vector<Moments> sums;
  for (size_t channel = 0; channel < a.moments.size(); ++channel)
    sums.push_back(a.moments[channel] + b.moments[channel]);
  Signal output = resized(a, a.height, a.width, a.channels);
  output.moments = activated_all(sums, activation);
  output = emit(OpCode::Add, {a.tensor, b.tensor}, ElementwiseOptions{activation},
                name + std::string(suffix_of(activation, "")), std::move(output), range_of(sums, activation));
  output.adjustable = {output.tensor};
  return output;
}

Signal Layers::pad(const Signal& input, const std::string& name, int32_t border) {
  const int32_t amounts = index_constant(name + "/paddings", {4, 2}, {0, 0, border, border, border, border, 0, 0});
  Signal output = resized(input, input.height + 2 * border, input.width + 2 * border, input.channels);
  const double share = static_cast<double>(input.height) * input.width / output.height / output.width;
  for (Moments& channel : output.moments) channel = present(channel, share);
  return emit(OpCode::Pad, {input.tensor, amounts}, NoOptions{}, name, std::move(output), quantization_of(input));
}

Signal Layers::max_pool(const Signal& input, const std::string& name, const Pool& window) {
  Signal output = pool(OpCode::MaxPool2D, input, name, window);
  output.moments = maximum(input.moments);
  return output;
}

Signal Layers::average_pool(const Signal& input, const std::string& name, const Pool& window) {
  Signal output = pool(OpCode::AveragePool2D, input, name, window);
  output.moments = averaged(input.moments, window.height * window.width);
  return output;
}

Signal Layers::pool(OpCode code, const Signal& input, const std::string& name, const Pool& window) {
  const PoolOptions options{.padding = window.padding,
                            .stride_w = window.stride,
                            .stride_h = window.stride,
                            .filter_w = window.width,
                            .filter_h = window.height};
  const int32_t height = window_output(input.height, window.height, window.stride, window.padding);
  const int32_t width = window_output(input.width, window.width, window.stride, window.padding);
  return emit(code, {input.tensor}, options, name, resized(input, height, width, input.channels),
              quantization_of(input));
}

Signal Layers::mean(const Signal& input, const std::string& name, bool keep_dims) {
  const int32_t axes = index_constant(name + "/reduction_indices", {2}, {1, 2});
  Signal output = resized(input, keep_dims ? 1 : 0, keep_dims ? 1 : 0, input.channels);
  output.moments = averaged(input.moments, input.height * input.width);
  // What is averaged here lies behind a RELU: never below 0.
  Quantization range = range_of(output.moments, Activation::Relu);
  return emit(OpCode::Mean, {input.tensor, axes}, MeanOptions{keep_dims}, name, std::move(output), std::move(range));
}

Signal Layers::concatenate(std::span<const Signal> inputs, const std::string& name) {
  const auto width_of_range = [this](const Signal& signal) { return quantization_of(signal).scale[0]; };
  const Signal* widest = &*std::ranges::max_element(inputs, {}, width_of_range);
  for (const Signal& input : inputs)
    if (input.adjustable.empty()) widest = &input;
  const Quantization common = quantization_of(*widest);

  Signal output = resized(inputs[0], inputs[0].height, inputs[0].width, 0);
  output.moments.clear();
  std::vector<int32_t> tensors;
  for (const Signal& input : inputs) {
    output.channels += input.channels;
    output.moments.insert(output.moments.end(), input.moments.begin(), input.moments.end());
    output.adjustable.insert(output.adjustable.end(), input.adjustable.begin(), input.adjustable.end());
    tensors.push_back(input.tensor);
  }
  for (int32_t tensor : output.adjustable) builder_.tensor(tensor).quantization = common;
  if (widest->adjustable.empty()) output.adjustable.clear();
  output =
      emit(OpCode::Concatenation, std::move(tensors), ConcatenationOptions{.axis = 3}, name, std::move(output), common);
  if (!output.adjustable.empty()) output.adjustable.push_back(output.tensor);
  return output;
}

Signal Layers::flatten(const Signal& input, const std::string& name) {
  Signal output = resized(input, 0, 0, input.channels);
  const int32_t shape = index_constant(name + "/shape", {2}, output.shape());
  ReshapeOptions options{output.shape()};
  return emit(OpCode::Reshape, {input.tensor, shape}, std::move(options), name, std::move(output),
              quantization_of(input));
}

Signal Layers::softmax(const Signal& input, const std::string& name) {
  return emit(OpCode::Softmax, {input.tensor}, SoftmaxOptions{}, name, resized(input, 0, 0, input.channels),
              quantized(1.0f / 256, lowest()));
}

int32_t Layers::index_constant(const std::string& name, std::vector<int32_t> shape,
                               const std::vector<int32_t>& values) {
  return builder_.constant<int32_t>(name, std::move(shape), values);
}

Signal Layers::emit(OpCode code, std::vector<int32_t> inputs, Options options, const std::string& name, Signal output,
                    Quantization quantization) {
  output.tensor = builder_.op(code, std::move(inputs), std::move(options),
                              TensorSpec{name, output.shape(), order_.type, std::move(quantization)});
  return output;
}

Model Layers::finish(const Signal& output) {
  builder_.output(output.tensor);
  return builder_.build();
}

}  // namespace octet::zoo
