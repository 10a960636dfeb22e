#include "schedules/words.h"

namespace octet {

namespace {

std::string several(int count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string multiply_of(const KernelInfo& kernel) {
  switch (kernel.target) {
    case Target::Sse41:
      return "pmaddwd: two products of 16-bit numbers for each sum";
    case Target::Avx2:
      if (adds_bytes(kernel)) return "vpmaddubsw: products of bytes, two of which are added in 16 bits";
      return "vpmaddwd: two products of 16-bit numbers for each sum";
    case Target::Avx512Vnni:
      return "vpdpbusd: four products of bytes for each sum";
    case Target::Neon:
      return packed_depth(kernel) == 1 && kernel.family != Family::Depthwise
                 ? "smlal by element: one product of 16-bit numbers for each sum"
                 : "smull and smlal: products of bytes, two of which are added in 16 bits";
    case Target::Dotprod:
      return "sdot: four products of bytes for each sum";
    case Target::I8mm:
      return "smmla: eight products of bytes for each of four sums";
  }
  return "";
}

std::vector<std::string> convolution(const KernelInfo& kernel) {
  const Schedule& s = kernel.schedule;
  const int lanes = convolution_layout(kernel.target).lanes, sums = s.pixels * s.vectors;
  const int groups = step_of(kernel) / packed_depth(kernel);
  std::vector<std::string> words;
  words.push_back("A tile is " + several(s.pixels, "pixel") + " by " + several(s.vectors, "vector") + " of " +
                  several(lanes, "output channel") + "; its " + several(sums, "vector") + " of sums " +
                  (adds_pairs(kernel) ? "are made one vector of channels after the other, each sum in four lanes"
                                      : "stay in registers over the whole reduction") +
                  ".");
  words.push_back("A turn of the inner loop takes " + several(step_of(kernel), "input channel") +
                  " of each pixel: " + several(groups * s.vectors, "vector") + " of weights, each multiplied with " +
                  several(s.pixels, "pixel") + " (" + multiply_of(kernel) + ").");
  if (s.joined > 1) words.push_back("One load has the channels of " + several(s.joined, "pixel") + ".");
  if (takes_pixel_pairs(kernel)) words.push_back("Pixels come in pairs, packed ahead with all taps side by side.");
  words.push_back("Blocks of " + std::to_string(lanes * s.vectors) +
                  " output channels are the outermost loop: their weights stay in the cache while all pixels pass.");
  if (kernel.family == Family::ConvolutionSum)
    words.emplace_back("The sums are written as 32-bit numbers; another kernel rescales them.");
  else
    words.push_back(
        std::string("As a tile ends, its sums are rescaled to bytes in ") +
        (rescales_in_float(kernel) ? "floating point, which is exact for these channels." : "fixed point."));
  if (s.overlapping > 0)
    words.emplace_back("That, and writing them, takes turns with the next tile's first multiplications.");
  if (kernel.family == Family::ConvolutionAdd)
    words.emplace_back("Another tensor is added to them before they are written.");
  return words;
}

std::vector<std::string> depthwise(const KernelInfo& kernel) {
  const Schedule& s = kernel.schedule;
  const DepthwiseLayout layout = depthwise_layout(kernel.target);
  const std::string filter = std::to_string(s.filter);
  std::vector<std::string> words;
  words.push_back("A filter of " + filter + " x " + filter + " at stride " + std::to_string(s.stride) + ". A tile is " +
                  several(s.pixels, "pixel") + " by " + several(s.rows, "row") + " of outputs, of " +
                  several(layout.block, "channel") + ".");
  if (kernel.target != Target::Neon)
    words.push_back("Columns of the image are interleaved " +
                    std::string(stays_in_registers(kernel.target, s) ? "in registers, " : "on the stack, ") +
                    several(layout.depth, "row") + " of a channel side by side, in " +
                    several(depthwise_groups(kernel.target, s), "group") + "; they serve all " +
                    (s.pixels > 1 ? "pixels and rows" : "rows") + " of the tile" +
                    (s.sliding ? ", a pixel's last one the next pixel too." : "."));
  words.push_back("All taps are written out in the inner loop (" + multiply_of(kernel) + ").");
  if (s.parts > 1)
    words.push_back("Weights that do not fit into their bits are split into " + several(s.parts, "summand") + ".");
  return words;
}

}  // namespace

std::vector<std::string> in_words(const KernelInfo& kernel) {
  switch (kernel.family) {
    case Family::Convolution:
    case Family::ConvolutionAdd:
    case Family::ConvolutionSum:
      return convolution(kernel);
    case Family::Depthwise:
      return depthwise(kernel);
    case Family::DepthwiseAny:
    case Family::DepthwiseSum:
      return {"Any filter, stride and dilation: taps are found by a list of offsets, " +
              several(depthwise_layout(kernel.target).depth, "tap") + " of a channel at a time, for " +
              several(depthwise_layout(kernel.target).block, "channel") + " of a pixel (" + multiply_of(kernel) + ")."};
    case Family::Requantize:
      return {"32-bit sums become bytes, exactly for every multiplier and shift; vectors along the channels."};
    case Family::Sum:
      return {
          "a x + b y + c in one affine form, in vectors along the innermost dimension; equal to the reference for all "
          "pairs of bytes, as was found when the layer was planned."};
    case Family::SumAny:
    case Family::Product:
      return {"Element by element as the reference computes it, in vectors along the innermost dimension."};
    case Family::AveragePool:
    case Family::MaxPool:
      return {"A pixel of the output after the other, in vectors along the channels."};
    case Family::Mean:
      return {"Sums along the reduced dimensions, in vectors along the innermost one."};
  }
  return {};
}

}  // namespace octet
