// A network as typed operators: what each computes, with every parameter resolved to plain numbers (explicit pads,
// clamp ranges, fixed-point multipliers), free of the file's conventions. lower() makes one from a Model; the passes
// (passes.h) rewrite it; the plan (plan.h) turns it into steps. Formulas: docs/numerics.md.
//
// uint8 and int8 activations are one type with the sign bit flipped (q ^ 0x80, zero point - 128). `Tensor::type` says
// which one a tensor is *now*; the pass `unify_sign` brings all activations to the one the target's kernels take. What
// an operator rounds differently in the two families (pools, bilinear resize) is kept in its `offset`: value in the
// file's own type = stored value + offset.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "models/model.h"
#include "runtime/steps/fixed_point.h"

namespace octet {

struct Pads {
  int32_t top = 0, left = 0, bottom = 0, right = 0;

  bool operator==(const Pads&) const = default;
};

/// ADD and SUB as kernels compute them: clamp((a q_a + b q_b + c) >> shift) (SumLayout, schedules/layouts.h), for
/// operands as they are stored: zero points are part of c.
struct AffineSum {
  int32_t a, b;
  int64_t c;
};

/// An ADD that is part of the convolution before it (pass fuse_additions): a is the convolution's result, b the addend.
struct Addition {
  AffineSum sum;
  Clamp clamp;
  int32_t result_zero;  // zero point of the convolution's result
};

/// CONV_2D, FULLY_CONNECTED (a 1x1 convolution of a 1x1 image, one a batch) and TRANSPOSE_CONV.
/// inputs: activations, filter [out_c, k_h, k_w, in_c / groups] (constant), bias int32 [out_c] or -1 (constant); with
/// an addition, the addend, shaped as the output. out = clamp(Z_out + rescale[c] * (sum (q_in - Z_in)(q_w - Z_w) +
/// bias[c])); taps outside the image contribute 0. Not transposed: output (y, x) reads input (y stride_h + ky
/// dilation_h - pads.top, ...). Transposed: input (y, x) adds to output (y stride_h + ky - pads.top, ...).
struct Convolution {
  int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  int32_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int32_t groups = 1;
  Pads pads;
  bool transposed = false;
  std::vector<FixedPoint> rescale;  // 1 or out_c
  Clamp clamp;
  std::optional<Addition> addition = std::nullopt;
};

/// DEPTHWISE_CONV_2D: inputs as Convolution; filter [1, k_h, k_w, out_c]; output channel c reads input channel
/// c / depth_multiplier.
struct Depthwise {
  int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w;
  int32_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int32_t depth_multiplier = 1;
  Pads pads;
  std::vector<FixedPoint> rescale;  // 1 or out_c
  Clamp clamp;
};

/// Any function of one 8-bit value: out = table[q as unsigned byte].
struct Lookup {
  std::array<uint8_t, 256> table;
};

/// ADD, SUB: out = Z + mbqm(mbqm((q1 - Z1) << 20, a) +- mbqm((q2 - Z2) << 20, b), out). MUL: out = Z + mbqm((q1 -
/// Z1)(q2 - Z2), out). Shapes broadcast as numpy's; constants are activations here.
struct Binary {
  enum class Kind : uint8_t { Add, Sub, Mul } kind;
  FixedPoint a, b, out;
  Clamp clamp;
};

/// PRELU: x = q - Z; out = Z_out + (x >= 0 ? mbqm(x, positive) : mbqm(x * (alpha - Z_alpha), negative)).
/// inputs: activations, alpha (broadcast).
struct Prelu {
  FixedPoint positive, negative;
  Clamp clamp;
};

/// AVERAGE_POOL_2D, MAX_POOL_2D. Taps outside the image do not count.
struct Pool {
  enum class Kind : uint8_t { Average, Max } kind;
  int32_t batch, in_h, in_w, channels, out_h, out_w, k_h, k_w, stride_h, stride_w;
  Pads pads;
  int32_t offset = 0;  // the average rounds half away from zero in the file's own type
  Clamp clamp;
};

/// MEAN over some axes: the input seen as shape `extents`, those with reduce[i] summed.
/// out = clamp(Z_out + mbqm(sum - count Z_in, rescale)); rescale already divides by count.
struct Mean {
  std::vector<int32_t> extents;
  std::vector<bool> reduce;
  FixedPoint rescale;
  Clamp clamp;
};

/// SOFTMAX along the last axis of [rows, depth].
struct Softmax {
  int32_t rows, depth;
  FixedPoint scale;  // of differences, left shift
  int32_t diff_min;
};

/// L2_NORMALIZATION along the last axis of [rows, depth].
struct L2Normalization {
  int32_t rows, depth;
  bool is_signed = false;  // the file's own type is int8, which is rounded once, uint8 twice
};

/// Every operator that only moves elements: the output is first filled (where `fill` is given), then blocks are copied.
/// RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE, SLICE, STRIDED_SLICE, SPLIT, UNPACK, CONCATENATION, PACK, PAD, PADV2,
/// TILE, SPACE_TO_DEPTH, DEPTH_TO_SPACE. Strides and offsets count elements.
struct Move {
  struct Block {
    int32_t input = 0, output = 0;  // which of the node's
    int64_t src_offset = 0, dst_offset = 0;
    std::vector<int64_t> extents, src_strides, dst_strides;  // outermost first
  };
  std::vector<Block> blocks;
  std::optional<std::array<std::byte, 8>> fill;  // one element, little-endian, in the first bytes
};

/// GATHER: inputs: data seen as [batch, outer, axis, inner], indices (int32 or int64) seen as [batch, count].
struct Gather {
  int64_t batch, outer, axis, inner, count;
};

/// RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR over [batch, in_h, in_w, channels].
struct Resize {
  enum class Kind : uint8_t { Bilinear, Nearest } kind;
  int32_t batch, in_h, in_w, channels, out_h, out_w;
  bool align_corners = false, half_pixel_centers = false;
  bool is_signed = false;  // the file's own type is int8: integer arithmetic, else float
  int32_t offset = 0;
};

/// QUANTIZE from float, DEQUANTIZE, CAST: element by element; quantization is that of the tensors. `offset` belongs to
/// the side that is 8 bits wide (CAST needs the file's own values).
struct Convert {
  enum class Kind : uint8_t { Quantize, Dequantize, Cast } kind;
  int32_t offset_in = 0, offset_out = 0;
};

/// ARG_MAX over [outer, axis, inner]; the first of equals; output int32 or int64.
struct ArgMax {
  int64_t outer, axis, inner;
};

using Op = std::variant<Convolution, Depthwise, Lookup, Binary, Prelu, Pool, Mean, Softmax, L2Normalization, Move,
                        Gather, Resize, Convert, ArgMax>;

struct Node {
  std::string name;                      // the operator's name in the file, "CONV_2D"
  int32_t source = -1;                   // its index in Model::operators; -1: made by a pass
  std::vector<int32_t> inputs, outputs;  // tensor indices; -1: absent
  Op op;
};

/// Nodes are in execution order. Tensors are those of the Model, in its order, then those that lowering and passes add.
struct Graph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<int32_t> inputs, outputs;
  std::map<int32_t, Pads> margins;  // by tensor, an image: room around it in memory, filled by who reads it
  std::vector<std::shared_ptr<const void>> storage;  // owns the bytes of constants
};

/// Multiply-accumulates of one inference; 0 for operators that have none.
int64_t macs_of(const Op& op);

/// Model -> Graph. Throws ModelError: every unsupported operator in one message (name, version, types, how many times),
/// or the first operator whose shapes, types or quantization do not fit.
Graph lower(const Model& model);

}  // namespace octet
