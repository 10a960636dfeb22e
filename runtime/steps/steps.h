// All steps. Tensors are given by index, strides and extents in elements where not said otherwise.
#pragma once

#include <HalideRuntime.h>

#include "models/data_type.h"
#include "runtime/steps/block.h"
#include "runtime/steps/context.h"
#include "runtime/steps/convolution.h"
#include "runtime/steps/depthwise.h"
#include "runtime/steps/fixed_point.h"
#include "runtime/steps/sum_arguments.h"

namespace octet {

/// ADD, SUB, MUL by a kernel (generators/elementwise.h): the innermost three dimensions at once.
struct BinaryStep {
  enum class Form : int32_t { Affine, Sum, Product };  // the kernel's family: Sum, SumAny, Product
  /// One dimension of the output, and how far each operand moves along it (0: it repeats).
  struct Dimension {
    int64_t extent, a, b, out;
  };

  Form form;
  KernelIndex kernel;
  halide_type_t activation;
  int32_t a, b, output;  // tensors
  int32_t a_zero, b_zero, output_zero;
  int32_t sign;                 // Sum: -1 subtracts
  SumArguments sum;             // Affine
  FixedPoint a_scale, b_scale;  // Sum
  FixedPoint scale;             // Sum, Product
  Clamp clamp;
  ConstantArray<Dimension> dims;  // innermost first, at least three
};
void run(const BinaryStep& step, const RunContext& context);

/// AVERAGE_POOL_2D, MAX_POOL_2D by a kernel (generators/pool.h).
struct PoolStep {
  KernelIndex kernel;
  halide_type_t activation;
  int32_t input, output;
  int32_t average;
  int32_t batch, in_h, in_w, channels, out_h, out_w, k_h, k_w, stride_h, stride_w, top, left;
  int32_t offset;
  Clamp clamp;
  Constant<uint32_t> divisors;  // average
  int64_t most_taps;
};
void run(const PoolStep& step, const RunContext& context);

/// MEAN by a kernel (generators/mean.h).
struct MeanStep {
  struct Axis {
    int64_t extent, in, out;  // out: of kept axes
  };

  KernelIndex kernel;
  halide_type_t activation;
  int32_t input, output, input_zero, output_zero;
  FixedPoint rescale;
  Clamp clamp;
  ConstantArray<Axis> kept;  // innermost first, at least two
  Axis summed[3];            // innermost first
  int64_t count;             // elements of a sum
};
void run(const MeanStep& step, const RunContext& context);

/// A function of one 8-bit value.
struct LookupStep {
  enum class Form : int32_t { Table, FlipSign, ClampUnsigned, ClampSigned };

  Form form;
  int32_t input, output;
  int32_t lo, hi;           // clamps
  Constant<uint8_t> table;  // of 256
  int64_t count;
};
void run(const LookupStep& step, const RunContext& context);

/// Copies of blocks, over a fill.
struct MoveStep {
  /// A dimension of a block; strides in bytes.
  struct Dim {
    int64_t extent, src, dst;
  };
  /// A block made ready: `outer` dimensions, each of whose positions is one call of the inner copy. In bytes.
  struct Copy {
    int32_t input = 0, output = 0;  // tensors
    int64_t src_offset = 0, dst_offset = 0;
    ConstantArray<Dim> outer;
    int64_t outer_count = 1;
    int64_t run_bytes = 0;             // > 0: the inner copy is a run of bytes
    Dim tall{1, 0, 0}, wide{1, 0, 0};  // else a tile of elements
    int64_t element_bytes = 1;

    int64_t inner_bytes() const { return run_bytes > 0 ? run_bytes : tall.extent * wide.extent * element_bytes; }
  };

  int32_t output;
  int32_t whole;  // one copy of all of a tensor in order, which may be where it goes already
  int32_t fills;
  std::byte fill[8];  // one element
  int64_t element_bytes, bytes;
  ConstantArray<Copy> copies;
};
void run(const MoveStep& step, const RunContext& context);

/// GATHER: rows of `inner` elements, chosen by indices that are only known as the network runs.
struct GatherStep {
  int32_t data, indices, output;
  int32_t wide_indices;  // int64, else int32
  int64_t batch, outer, axis, count, row_bytes;
};
void run(const GatherStep& step, const RunContext& context);

/// RESIZE_NEAREST_NEIGHBOR.
struct ResizeNearestStep {
  int32_t input, output;
  int64_t batch, in_h, in_w, out_h, pixel_bytes;
  ConstantArray<int64_t> rows, columns;  // which of the input's each of the output's is
};
void run(const ResizeNearestStep& step, const RunContext& context);

/// RESIZE_BILINEAR: in integers where the file's type is int8, in float where it is uint8.
struct ResizeBilinearStep {
  /// Two neighbours along an axis, and how far from the first: in pixels (float), or in 1/1024 of one.
  struct Between {
    int32_t lo, hi;
    float from_lo;
    int32_t from_lo_1024;
  };

  int32_t input, output;
  DataType type;  // as stored
  int8_t in_integers;
  int32_t offset;  // value in the file's own type less the stored one
  int32_t channels;
  int64_t batch, in_h, in_w, out_h;
  ConstantArray<Between> rows, columns;
};
void run(const ResizeBilinearStep& step, const RunContext& context);

/// QUANTIZE from float.
struct QuantizeStep {
  int32_t input, output;
  DataType type;  // of the output
  int32_t zero_point;
  float scale;
  int64_t count;
};
void run(const QuantizeStep& step, const RunContext& context);

/// DEQUANTIZE.
struct DequantizeStep {
  int32_t input, output;
  Constant<float> table;  // the 256 values that there are
  int64_t count;
};
void run(const DequantizeStep& step, const RunContext& context);

/// CAST, with the file's own types; the masks are 0x80 where an 8-bit side is stored with the other sign.
struct CastStep {
  int32_t input, output;
  DataType from, to;
  uint8_t in_mask, out_mask;
  int64_t count;
};
void run(const CastStep& step, const RunContext& context);
/// Whether CAST knows the type.
bool is_castable(DataType type);

/// ARG_MAX over [outer, axis, inner].
struct ArgMaxStep {
  int32_t input, output;
  DataType type, index_type;
  int64_t outer, axis, inner;
};
void run(const ArgMaxStep& step, const RunContext& context);

/// PRELU: a table of 256 outputs for each alpha.
struct PreluStep {
  /// A dimension of the input; `alpha` is alpha's stride, 0 where it broadcasts.
  struct Dim {
    int64_t extent, alpha;
  };

  int32_t input, alpha, output;
  Constant<uint8_t> table;  // [alpha][input]
  ConstantArray<Dim> dims;  // at least one
  int64_t count;
};
void run(const PreluStep& step, const RunContext& context);

/// SOFTMAX along the last axis of [rows, depth].
struct SoftmaxStep {
  static constexpr int kDifferences = 256;
  /// By difference from the largest: the exponential, and what it adds to the sum.
  struct Exponentials {
    int32_t exp[kDifferences], summand[kDifferences];
    int32_t count;  // of differences that are not too small
  };

  int32_t input, output;
  DataType type;
  int32_t rows, depth;
  Constant<Exponentials> table;
};
void run(const SoftmaxStep& step, const RunContext& context);

/// L2_NORMALIZATION along the last axis of [rows, depth].
struct L2NormalizationStep {
  int32_t input, output;
  DataType type;
  int32_t rows, depth, zero_point;
  int32_t is_signed;  // the file's own type is int8
};
void run(const L2NormalizationStep& step, const RunContext& context);

}  // namespace octet
