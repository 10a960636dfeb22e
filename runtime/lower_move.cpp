// Operators that only move elements: each becomes blocks of strided copies, over a fill where there is padding; but
// GATHER stays one of its own.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "runtime/lower.h"

namespace octet {
namespace {

using Extents = std::vector<int64_t>;

Extents extents_of(const Tensor& tensor) { return {tensor.shape.begin(), tensor.shape.end()}; }

std::vector<int64_t> strides_of(const Tensor& tensor) { return dense_strides(tensor.shape); }

/// All elements of input `i`, in order, to all of the output.
void emit_same_order(OpLowering& l) {
  Move move;
  move.blocks.push_back({.extents = {element_count(l.input().shape)}, .src_strides = {1}, .dst_strides = {1}});
  l.emit(std::move(move));
}

void emit_block(OpLowering& l, Move::Block block) {
  Move move;
  move.blocks.push_back(std::move(block));
  l.emit(std::move(move));
}

std::string text_of(const std::vector<int64_t>& values) {
  std::string text;
  for (const int64_t value : values) text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}

}  // namespace

// ---- Joining and splitting along an axis.

void lower_concatenation(OpLowering& l) {
  const auto& options = l.options<ConcatenationOptions>();
  l.require_no_activation(options.activation);
  const DataType type = l.input().type;
  const size_t rank = l.input().shape.size();
  const size_t axis = l.axis(options.axis, rank);
  Extents shape = extents_of(l.input());
  shape[axis] = 0;
  for (size_t i = 0; i < l.input_count(); ++i) {
    const Shape& part = l.input(i).shape;
    bool fits = part.size() == rank;
    for (size_t d = 0; fits && d < rank; ++d) fits = d == axis || part[d] == shape[d];
    l.require(fits, "inputs of shapes " + to_string(l.input().shape) + " and " + to_string(part) +
                        " do not join along axis " + std::to_string(axis));
    shape[axis] += part[axis];
  }
  l.require_shape(shape);

  const std::vector<int64_t> dst_strides = strides_of(l.output());
  Move move;
  std::vector<int32_t> inputs;
  int64_t offset = 0;
  for (size_t i = 0; i < l.input_count(); ++i) {
    const Tensor part = l.input(i);
    int32_t source = l.input_id(i);
    const bool quantized = is_8bit(type) && !(part.quantization.scale.empty() && l.output().quantization.scale.empty());
    if (quantized) {
      const Scale in = l.scale_of(part);
      const Scale out = l.scale_of(l.output());
      if (in.scale != out.scale || in.zero_point != out.zero_point) {
        l.require(type == DataType::UInt8,
                  "INT8 input " + part.name + " must have the scale and zero point of the output");
        Tensor rescaled = part;
        rescaled.name += "/rescaled";
        rescaled.quantization = l.output().quantization;
        rescaled.data = {};
        const int32_t made = l.add_tensor(std::move(rescaled));
        l.emit(concatenation_table(in, out), {source}, {made});
        source = made;
      }
    }
    inputs.push_back(source);
    move.blocks.push_back({.input = static_cast<int32_t>(i),
                           .dst_offset = offset,
                           .extents = extents_of(part),
                           .src_strides = strides_of(part),
                           .dst_strides = dst_strides});
    offset += part.shape[axis] * dst_strides[axis];
  }
  l.emit(std::move(move), std::move(inputs), {l.output_id()});
}

void lower_pack(OpLowering& l) {
  const auto& options = l.options<PackOptions>();
  const Shape& part = l.input().shape;
  const size_t axis = l.axis(options.axis, part.size() + 1);
  l.require(options.values_count == static_cast<int64_t>(l.input_count()),
            "it says that it packs " + std::to_string(options.values_count) + " values, but has " +
                std::to_string(l.input_count()) + " inputs");
  Extents shape = extents_of(l.input());
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), options.values_count);
  l.require_shape(shape);

  std::vector<int64_t> dst_strides = strides_of(l.output());
  const int64_t step = dst_strides[axis];
  dst_strides.erase(dst_strides.begin() + static_cast<std::ptrdiff_t>(axis));
  Move move;
  std::vector<int32_t> inputs;
  for (size_t i = 0; i < l.input_count(); ++i) {
    l.require(l.input(i).shape == part, "inputs have shapes " + to_string(part) + " and " +
                                            to_string(l.input(i).shape) + "; all must be the same");
    inputs.push_back(l.input_id(i));
    move.blocks.push_back({.input = static_cast<int32_t>(i),
                           .dst_offset = static_cast<int64_t>(i) * step,
                           .extents = extents_of(l.input(i)),
                           .src_strides = strides_of(l.input(i)),
                           .dst_strides = dst_strides});
  }
  l.emit(std::move(move), std::move(inputs), {l.output_id()});
}

void lower_unpack(OpLowering& l) {
  const auto& options = l.options<UnpackOptions>();
  const Tensor& input = l.input();
  const size_t axis = l.axis(options.axis, input.shape.size());
  l.require(options.num == input.shape[axis] && options.num == static_cast<int64_t>(l.output_count()),
            "it says that it makes " + std::to_string(options.num) + " tensors, but has " +
                std::to_string(l.output_count()) + " outputs and an axis of " + std::to_string(input.shape[axis]));
  Extents shape = extents_of(input);
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  std::vector<int64_t> src_strides = strides_of(input);
  const int64_t step = src_strides[axis];
  src_strides.erase(src_strides.begin() + static_cast<std::ptrdiff_t>(axis));
  Move move;
  std::vector<int32_t> outputs;
  for (size_t o = 0; o < l.output_count(); ++o) {
    l.require_shape(shape, o);
    outputs.push_back(l.output_id(o));
    move.blocks.push_back({.output = static_cast<int32_t>(o),
                           .src_offset = static_cast<int64_t>(o) * step,
                           .extents = shape,
                           .src_strides = src_strides,
                           .dst_strides = strides_of(l.output(o))});
  }
  l.emit(std::move(move), {l.input_id(0)}, std::move(outputs));
}

void lower_split(OpLowering& l) {
  const Tensor& input = l.input(1);
  const size_t axis = l.axis(l.integer(0, "axis"), input.shape.size());
  const auto parts = static_cast<int64_t>(l.output_count());
  l.require(l.options<SplitOptions>().num_splits == parts, "it says that it makes " +
                                                               std::to_string(l.options<SplitOptions>().num_splits) +
                                                               " parts, but has " + std::to_string(parts) + " outputs");
  l.require(input.shape[axis] % parts == 0, "an axis of " + std::to_string(input.shape[axis]) +
                                                " does not split into " + std::to_string(parts) + " equal parts");
  Extents shape = extents_of(input);
  shape[axis] /= parts;
  const std::vector<int64_t> src_strides = strides_of(input);
  Move move;
  std::vector<int32_t> outputs;
  for (size_t o = 0; o < l.output_count(); ++o) {
    l.require_shape(shape, o);
    outputs.push_back(l.output_id(o));
    move.blocks.push_back({.output = static_cast<int32_t>(o),
                           .src_offset = static_cast<int64_t>(o) * shape[axis] * src_strides[axis],
                           .extents = shape,
                           .src_strides = src_strides,
                           .dst_strides = strides_of(l.output(o))});
  }
  l.emit(std::move(move), {l.input_id(1)}, std::move(outputs));
}

// ---- PAD, PADV2, TILE.

namespace {

/// The element that padding consists of: PADV2's own, else the output's zero.
std::array<std::byte, 8> fill_of(const OpLowering& l) {
  std::array<std::byte, 8> fill{};
  const Tensor& output = l.output();
  if (l.has_input(2)) {
    const Tensor& value = l.input(2);
    l.require(!value.data.empty() && element_count(value.shape) == 1,
              "its pad value " + value.name + " must be a constant of one element");
    const Quantization& q = output.quantization;
    l.require(!is_8bit(output.type) || q.scale.empty() ||
                  (value.quantization.scale == q.scale && value.quantization.zero_point == q.zero_point),
              "its pad value " + value.name + " must have the scale and zero point of the output");
    std::ranges::copy(value.data, fill.begin());
  } else if (is_8bit(output.type) && !output.quantization.scale.empty()) {
    fill[0] = static_cast<std::byte>(l.scale_of(output).zero_point);
  }
  return fill;
}

}  // namespace

void lower_pad(OpLowering& l) {
  const Tensor& input = l.input();
  const size_t rank = input.shape.size();
  const std::vector<int64_t> paddings = l.integers(1, "paddings");
  const Shape matrix{static_cast<int32_t>(rank), 2};
  l.require(l.input(1).shape == matrix,
            "its paddings have shape " + to_string(l.input(1).shape) + "; it must be " + to_string(matrix));
  Extents shape = extents_of(input);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t before = paddings[2 * i];
    const int64_t after = paddings[2 * i + 1];
    l.require(before >= 0 && after >= 0 && before <= INT32_MAX && after <= INT32_MAX,
              "its paddings " + text_of(paddings) + " must not be negative, and fit 32 bits");
    shape[i] += before + after;
  }
  l.require_shape(shape);

  const std::vector<int64_t> dst_strides = strides_of(l.output());
  Move move;
  Move::Block block{.extents = extents_of(input), .src_strides = strides_of(input), .dst_strides = dst_strides};
  for (size_t i = 0; i < rank; ++i) block.dst_offset += paddings[2 * i] * dst_strides[i];
  move.blocks.push_back(std::move(block));
  move.fill = fill_of(l);
  l.emit(std::move(move));
}

void lower_tile(OpLowering& l) {
  const Tensor& input = l.input();
  const std::vector<int64_t> times = l.integers(1, "multiples");
  const size_t rank = input.shape.size();
  l.require(times.size() == rank,
            "it has " + std::to_string(times.size()) + " multiples for " + std::to_string(rank) + " dimensions");
  Extents shape = extents_of(input);
  for (size_t i = 0; i < rank; ++i) {
    l.require(times[i] >= 1 && times[i] <= INT32_MAX, "its multiples " + text_of(times) + " must be at least 1");
    shape[i] *= times[i];
  }
  l.require_shape(shape);

  // Each axis becomes two: which copy, and where in it.
  const std::vector<int64_t> src_strides = strides_of(input);
  const std::vector<int64_t> dst_strides = strides_of(l.output());
  Move::Block block;
  for (size_t i = 0; i < rank; ++i) {
    block.extents.insert(block.extents.end(), {times[i], input.shape[i]});
    block.src_strides.insert(block.src_strides.end(), {0, src_strides[i]});
    block.dst_strides.insert(block.dst_strides.end(), {input.shape[i] * dst_strides[i], dst_strides[i]});
  }
  emit_block(l, std::move(block));
}

// ---- Shapes alone.

namespace {

/// The wanted shape with a -1 worked out.
Extents resolved(const OpLowering& l, Extents wanted) {
  const int64_t elements = element_count(l.input().shape);
  int64_t known = 1;
  auto unknown = wanted.end();
  for (auto it = wanted.begin(); it != wanted.end(); ++it) {
    l.require(*it >= 1 || (*it == -1 && unknown == wanted.end()),
              "its new shape " + text_of(wanted) + " must consist of positive extents and at most one -1");
    if (*it == -1) {
      unknown = it;
    } else {
      l.require(*it <= elements / known, "its new shape " + text_of(wanted) + " has more than the " +
                                             std::to_string(elements) + " elements of its input");
      known *= *it;
    }
  }
  if (unknown != wanted.end()) *unknown = elements / known;
  const int64_t all = unknown == wanted.end() ? known : known * *unknown;
  l.require(all == elements, "its new shape " + text_of(wanted) + " does not have the " + std::to_string(elements) +
                                 " elements of its input");
  return wanted;
}

}  // namespace

void lower_reshape(OpLowering& l) {
  Extents wanted;
  if (l.has_input(1)) {
    wanted = l.integers(1, "new shape");
  } else {
    const auto& options = l.options<ReshapeOptions>();
    wanted.assign(options.new_shape.begin(), options.new_shape.end());
  }
  l.require_shape(resolved(l, std::move(wanted)));
  emit_same_order(l);
}

void lower_squeeze(OpLowering& l) {
  const Shape& in = l.input().shape;
  std::vector<bool> drop(in.size());
  const std::vector<int32_t>& dims = l.options<SqueezeOptions>().squeeze_dims;
  for (const int32_t dim : dims) drop[l.axis(dim, in.size())] = true;
  Extents shape;
  for (size_t i = 0; i < in.size(); ++i) {
    if (dims.empty()) drop[i] = in[i] == 1;
    l.require(!drop[i] || in[i] == 1,
              "axis " + std::to_string(i) + " of shape " + to_string(in) + " is not 1; it cannot be squeezed");
    if (!drop[i]) shape.push_back(in[i]);
  }
  l.require_shape(shape);
  emit_same_order(l);
}

void lower_expand_dims(OpLowering& l) {
  Extents shape = extents_of(l.input());
  const size_t axis = l.axis(l.integer(1, "axis"), shape.size() + 1);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  l.require_shape(shape);
  emit_same_order(l);
}

void lower_transpose(OpLowering& l) {
  const Tensor& input = l.input();
  const size_t rank = input.shape.size();
  const std::vector<int64_t> perm = l.integers(1, "permutation");
  l.require(perm.size() == rank,
            "its permutation " + text_of(perm) + " is not one of " + std::to_string(rank) + " dimensions");
  const std::vector<int64_t> strides = strides_of(input);
  std::vector<bool> seen(rank);
  Move::Block block;
  for (const int64_t p : perm) {
    const size_t from = l.axis(p, rank);
    l.require(!seen[from], "its permutation " + text_of(perm) + " has an axis twice");
    seen[from] = true;
    block.extents.push_back(input.shape[from]);
    block.src_strides.push_back(strides[from]);
  }
  l.require_shape(block.extents);
  block.dst_strides = strides_of(l.output());
  emit_block(l, std::move(block));
}

// ---- Parts.

void lower_slice(OpLowering& l) {
  const Tensor& input = l.input();
  const size_t rank = input.shape.size();
  const std::vector<int64_t> begin = l.integers(1, "begin");
  std::vector<int64_t> size = l.integers(2, "size");
  l.require(begin.size() == rank && size.size() == rank,
            "its begin and size must have an element for each of " + std::to_string(rank) + " dimensions");
  const std::vector<int64_t> strides = strides_of(input);
  Move::Block block;
  for (size_t i = 0; i < rank; ++i) {
    l.require(
        begin[i] >= 0 && begin[i] < input.shape[i] && size[i] >= -1,
        "its begin " + text_of(begin) + " and size " + text_of(size) + " must lie within " + to_string(input.shape));
    if (size[i] == -1) size[i] = input.shape[i] - begin[i];
    l.require(
        size[i] >= 1 && size[i] <= input.shape[i] - begin[i],
        "its begin " + text_of(begin) + " and size " + text_of(size) + " must lie within " + to_string(input.shape));
    block.src_offset += begin[i] * strides[i];
  }
  l.require_shape(size);
  block.extents = size;
  block.src_strides = strides;
  block.dst_strides = strides_of(l.output());
  emit_block(l, std::move(block));
}

namespace {

bool bit(int32_t mask, size_t i) { return i < 31 && ((static_cast<uint32_t>(mask) >> i) & 1U) != 0; }

/// One axis of a strided slice as it is written; `full` where everything is taken.
struct SliceAxis {
  bool full = false, new_axis = false, shrink = false;
  bool begin_open = false, end_open = false;
  int64_t begin = 0, end = 0, stride = 1;
};

/// What the masks say, one entry an axis of the input and of those that are added.
std::vector<SliceAxis> slice_axes(const OpLowering& l) {
  const auto& masks = l.options<StridedSliceOptions>();
  const std::vector<int64_t> begin = l.integers(1, "begin");
  const std::vector<int64_t> end = l.integers(2, "end");
  const std::vector<int64_t> strides = l.integers(3, "strides");
  const size_t rank = l.input().shape.size();
  const size_t count = begin.size();
  l.require(end.size() == count && strides.size() == count && count <= 31,
            "its begin, end and strides must have equally many elements, at most 31");
  size_t consumed = 0;  // input axes that the specification names
  size_t ellipses = 0;
  for (size_t i = 0; i < count; ++i) {
    if (bit(masks.ellipsis_mask, i)) {
      ++ellipses;
    } else if (!bit(masks.new_axis_mask, i)) {
      ++consumed;
    }
  }
  l.require(ellipses <= 1, "its ellipsis mask has more than one ellipsis");
  l.require(consumed <= rank,
            "it slices " + std::to_string(consumed) + " axes of a tensor with " + std::to_string(rank));

  std::vector<SliceAxis> axes;
  for (size_t i = 0; i < count; ++i) {
    if (bit(masks.ellipsis_mask, i)) {
      axes.insert(axes.end(), rank - consumed, SliceAxis{.full = true});
    } else if (bit(masks.new_axis_mask, i)) {
      axes.push_back({.new_axis = true});
    } else {
      axes.push_back({.shrink = bit(masks.shrink_axis_mask, i),
                      .begin_open = bit(masks.begin_mask, i),
                      .end_open = bit(masks.end_mask, i),
                      .begin = begin[i],
                      .end = end[i],
                      .stride = strides[i]});
    }
  }
  if (ellipses == 0) axes.insert(axes.end(), rank - consumed, SliceAxis{.full = true});
  return axes;
}

struct Range {
  int64_t first, count, stride;
};

/// The elements of an axis of `extent` that are taken.
Range range_of(const OpLowering& l, const SliceAxis& axis, int64_t extent) {
  if (axis.full) return {0, extent, 1};
  l.require(axis.stride != 0, "its strides must not be 0");
  const bool forward = axis.stride > 0;
  const int64_t lowest_index = forward ? 0 : -1;
  const int64_t highest_index = forward ? extent : extent - 1;
  const auto resolve = [&](int64_t value) {
    return std::clamp(value < 0 ? value + extent : value, lowest_index, highest_index);
  };
  int64_t first = resolve(axis.begin);
  if (axis.begin_open) first = forward ? 0 : extent - 1;
  if (axis.shrink) {
    l.require(first >= 0 && first < extent,
              "index " + std::to_string(axis.begin) + " is outside of an axis of " + std::to_string(extent));
    return {first, 1, 1};
  }
  int64_t last = resolve(axis.end);
  if (axis.end_open) last = forward ? extent : -1;
  const int64_t distance = forward ? last - first : first - last;
  l.require(distance > 0,
            "it takes nothing of an axis of " + std::to_string(extent) + "; empty tensors are not supported");
  const int64_t stride = std::clamp<int64_t>(axis.stride, -INT32_MAX, INT32_MAX);
  return {first, (distance - 1) / std::abs(stride) + 1, stride};
}

}  // namespace

void lower_strided_slice(OpLowering& l) {
  const Tensor& input = l.input();
  const std::vector<int64_t> strides = strides_of(input);
  Extents shape;
  Move::Block block;
  size_t at = 0;  // axis of the input
  for (const SliceAxis& axis : slice_axes(l)) {
    if (axis.new_axis) {
      shape.push_back(1);
      continue;
    }
    const Range range = range_of(l, axis, input.shape[at]);
    block.src_offset += range.first * strides[at];
    if (!axis.shrink) {
      shape.push_back(range.count);
      block.extents.push_back(range.count);
      block.src_strides.push_back(range.stride * strides[at]);
    }
    ++at;
  }
  l.require_shape(shape);
  block.dst_strides.assign(block.extents.size(), 0);
  int64_t stride = 1;
  for (size_t i = block.extents.size(); i-- > 0;) {
    block.dst_strides[i] = stride;
    stride *= block.extents[i];
  }
  emit_block(l, std::move(block));
}

// ---- Between space and channels.

void lower_space_to_depth(OpLowering& l) {
  const Tensor& input = l.input();
  l.require_rank(input, 4);
  const Shape& in = input.shape;
  const int64_t size = l.options<BlockOptions>().block_size;
  l.require(size >= 1 && in[1] % size == 0 && in[2] % size == 0,
            "blocks of " + std::to_string(size) + " do not divide an image of " + to_string(in));
  const Extents shape{in[0], in[1] / size, in[2] / size, in[3] * size * size};
  l.require_shape(shape);
  const std::vector<int64_t> src = strides_of(input);
  const std::vector<int64_t> dst = strides_of(l.output());
  // batch, y, x, row in block, column in block, channel
  emit_block(l, {.extents = {in[0], shape[1], shape[2], size, size, in[3]},
                 .src_strides = {src[0], size * src[1], size * src[2], src[1], src[2], 1},
                 .dst_strides = {dst[0], dst[1], dst[2], size * in[3], in[3], 1}});
}

void lower_depth_to_space(OpLowering& l) {
  const Tensor& input = l.input();
  l.require_rank(input, 4);
  const Shape& in = input.shape;
  const int64_t size = l.options<BlockOptions>().block_size;
  l.require(size >= 1 && size <= in[3] && in[3] % (size * size) == 0,
            "blocks of " + std::to_string(size) + " do not divide " + std::to_string(in[3]) + " channels");
  const int64_t channels = in[3] / (size * size);
  l.require_shape(Extents{in[0], in[1] * size, in[2] * size, channels});
  const std::vector<int64_t> src = strides_of(input);
  const std::vector<int64_t> dst = strides_of(l.output());
  emit_block(l, {.extents = {in[0], in[1], in[2], size, size, channels},
                 .src_strides = {src[0], src[1], src[2], size * channels, channels, 1},
                 .dst_strides = {dst[0], size * dst[1], size * dst[2], dst[1], dst[2], 1}});
}

// ---- GATHER.

namespace {

/// Constant indices can be checked once and for all.
void check_constant_indices(const OpLowering& l, int64_t extent) {
  if (l.input(1).data.empty()) return;
  for (const int64_t index : l.integers(1, "indices")) {
    l.require(index >= 0 && index < extent,
              "index " + std::to_string(index) + " is outside of an axis of " + std::to_string(extent));
  }
}

}  // namespace

void lower_gather(OpLowering& l) {
  const auto& options = l.options<GatherOptions>();
  const Shape& data = l.input(0).shape;
  const Shape& indices = l.input(1).shape;
  const size_t axis = l.axis(options.axis, data.size());
  const int64_t batch_dims = options.batch_dims + (options.batch_dims < 0 ? static_cast<int64_t>(indices.size()) : 0);
  l.require(batch_dims >= 0 && batch_dims <= static_cast<int64_t>(std::min(axis, indices.size())),
            "batch_dims " + std::to_string(options.batch_dims) + " must be between 0 and both its axis and the " +
                std::to_string(indices.size()) + " dimensions of the indices");
  const auto batches = static_cast<size_t>(batch_dims);

  std::vector<int64_t> shape;
  Gather op{.batch = 1, .outer = 1, .axis = data[axis], .inner = 1, .count = 1};
  for (size_t i = 0; i < axis; ++i) {
    l.require(i >= batches || data[i] == indices[i], "data of shape " + to_string(data) + " and indices of shape " +
                                                         to_string(indices) + " must agree in their first " +
                                                         std::to_string(batches) + " dimensions");
    shape.push_back(data[i]);
    (i < batches ? op.batch : op.outer) *= data[i];
  }
  for (size_t i = batches; i < indices.size(); ++i) {
    shape.push_back(indices[i]);
    op.count *= indices[i];
  }
  for (size_t i = axis + 1; i < data.size(); ++i) {
    shape.push_back(data[i]);
    op.inner *= data[i];
  }
  l.require_shape(shape);
  check_constant_indices(l, op.axis);
  l.emit(op, 2);
}

}  // namespace octet
