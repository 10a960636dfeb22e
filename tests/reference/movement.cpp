// Operators that move bytes: each output element is an input element, or a fill value. They work for every type whose
// elements have a fixed size. (CONCATENATION of UINT8 with unequal parameters is the one that computes.)
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/reference/kernels.h"

namespace octet::reference {
namespace {

int64_t dot(const Shape& index, const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < index.size(); ++axis) offset += index[axis] * strides[axis];
  return offset;
}

void erase_at(Shape& shape, size_t axis) { shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis)); }
void insert_at(Shape& shape, size_t axis, int32_t value) {
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), value);
}

constexpr int64_t max_extent = std::numeric_limits<int32_t>::max();
int32_t extent_of(const Context& context, int64_t extent) {
  context.require(extent <= max_extent, "has a result that is too large");
  return static_cast<int32_t>(extent);
}

bool same_parameters(const Tensor& a, const Tensor& b) {
  return a.quantization.scale == b.quantization.scale && a.quantization.zero_point == b.quantization.zero_point;
}

}  // namespace

void concatenation(Context& context) {
  const auto& options = context.options<ConcatenationOptions>();
  context.require_one_type();
  context.require(options.activation == Activation::None, "has a fused activation");
  Shape expected = context.shape(0);
  const size_t axis = context.axis(options.axis, expected.size());
  expected[axis] = 0;
  std::vector<int32_t> starts;  // of each input along the axis
  for (size_t k = 0; k < context.input_count(); ++k) {
    starts.push_back(expected[axis]);
    Shape others = context.shape(k);
    context.require_rank(context.input(k), expected.size());
    expected[axis] += others[axis];
    others[axis] = expected[axis];
    context.require(others == expected, "has inputs that differ in other axes than the one joined");
  }
  context.require_output_shape(0, expected);
  std::vector<std::vector<int64_t>> strides;
  for (size_t k = 0; k < context.input_count(); ++k) strides.push_back(strides_of(context.shape(k)));
  const auto source = [&](Shape index) -> Source {
    const auto after = std::upper_bound(starts.begin(), starts.end(), index[axis]);
    const auto k = static_cast<size_t>(after - starts.begin()) - 1;
    index[axis] -= starts[k];
    return {k, dot(index, strides[k])};
  };
  const Tensor& out = context.output();
  bool all_same = true;
  for (size_t k = 0; k < context.input_count(); ++k) all_same &= same_parameters(context.input(k), out);
  if (!is_8_bit(out.type) || all_same) return context.move(0, source);

  context.require(out.type == DataType::UInt8, "wants equal scales and zero points for INT8");
  std::vector<std::vector<int32_t>> values;  // of each input, on the output's scale
  for (size_t k = 0; k < context.input_count(); ++k) {
    values.push_back(context.read_8_bit(k));
    const Tensor& in = context.input(k);
    if (same_parameters(in, out)) continue;
    // round(q (S / S_out) - Z (S / S_out)) + Z_out in float, the quotient by multiplying with 1 / S_out.
    const float scale = context.scale(in) * (1.0f / context.scale(out));
    const float bias = static_cast<float>(-context.zero_point(in)) * scale;
    for (int32_t& q : values.back()) {
      const float rounded = std::round(static_cast<float>(q) * scale + bias);
      q = range_of(out.type).clamp(static_cast<int32_t>(std::clamp(rounded, -1e6f, 1e6f)) + context.zero_point(out));
    }
  }
  std::vector<int32_t> result;
  for_each_index(expected, [&](const Shape& index) {
    const Source from = source(index);
    result.push_back(values[from.input][static_cast<size_t>(from.element)]);
  });
  context.write_quantized(0, result);
}

void split(Context& context) {
  constexpr size_t data = 1;  // inputs are (axis, data)
  context.require_same_type(data);
  const Shape& shape = context.shape(data);
  const size_t axis = context.axis(context.read_integer(0), shape.size());
  const auto parts = static_cast<int32_t>(context.output_count());
  context.require(parts == context.options<SplitOptions>().num_splits, "has another number of outputs than of splits");
  context.require(shape[axis] % parts == 0, "splits an axis that does not divide");
  Shape part = shape;
  part[axis] /= parts;
  const std::vector<int64_t> strides = strides_of(shape);
  for (size_t i = 0; i < context.output_count(); ++i) {
    context.require(context.output(i).type == context.output().type, "has outputs of different types");
    context.require_output_shape(i, part);
    context.move(i, [&](const Shape& index) -> Source {
      return {data, dot(index, strides) + static_cast<int64_t>(i) * part[axis] * strides[axis]};
    });
  }
}

void pad(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const std::vector<int64_t> amounts = context.read_integers(1);  // [rank, 2]: before, after
  context.require(amounts.size() == 2 * shape.size(), "wants two amounts of padding an axis");
  Shape expected = shape;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t before = amounts[2 * axis], after = amounts[2 * axis + 1];
    context.require(before >= 0 && after >= 0, "has a negative amount of padding");
    expected[axis] = extent_of(context, std::min(before, max_extent) + std::min(after, max_extent) + shape[axis]);
  }
  context.require_output_shape(0, expected);

  // The value that stands for 0, or the given one, as it is stored.
  const Tensor& out = context.output();
  std::vector<std::byte> fill(size_of(out.type), std::byte{0});
  if (is_8_bit(out.type) && !out.quantization.zero_point.empty()) {
    fill[0] = static_cast<std::byte>(context.zero_point(out));
  }
  if (context.has_input(2)) {
    context.require_same_type(2);
    context.require(element_count(context.shape(2)) == 1, "wants one padding value");
    context.require(!is_8_bit(out.type) || same_parameters(context.input(2), out),
                    "has a padding value of another scale or zero point");
    const std::span<const std::byte> value = context.input_bytes(2);
    fill.assign(value.begin(), value.end());
  }
  const std::vector<int64_t> strides = strides_of(shape);
  context.move(
      0,
      [&](const Shape& index) -> Source {
        int64_t offset = 0;
        for (size_t axis = 0; axis < shape.size(); ++axis) {
          const int64_t at = index[axis] - amounts[2 * axis];
          if (at < 0 || at >= shape[axis]) return {};
          offset += at * strides[axis];
        }
        return {0, offset};
      },
      fill);
}

void reshape(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  if (context.code() == OpCode::Squeeze) {
    const std::vector<int32_t>& named = context.options<SqueezeOptions>().squeeze_dims;
    std::vector<bool> drop(shape.size());
    for (size_t axis = 0; axis < shape.size(); ++axis) drop[axis] = named.empty() && shape[axis] == 1;
    for (const int32_t name : named) {
      const size_t axis = context.axis(name, shape.size());
      context.require(shape[axis] == 1, "squeezes an axis whose extent is not 1");
      drop[axis] = true;
    }
    Shape expected;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (!drop[axis]) expected.push_back(shape[axis]);
    }
    context.require_output_shape(0, expected);
  } else if (context.code() == OpCode::ExpandDims) {
    Shape expected = shape;
    insert_at(expected, context.axis(context.read_integer(1), shape.size() + 1), 1);
    context.require_output_shape(0, expected);
  }
  const std::span<const std::byte> bytes = context.input_bytes(0);
  context.write(0, std::vector<std::byte>(bytes.begin(), bytes.end()));
}

void transpose(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const std::vector<int64_t> order = context.read_integers(1);
  context.require(order.size() == shape.size(), "wants one entry an axis in its permutation");
  const std::vector<int64_t> in_strides = strides_of(shape);
  Shape expected;
  std::vector<int64_t> strides;
  std::vector<bool> seen(shape.size());
  for (const int64_t from : order) {
    const size_t axis = context.axis(from, shape.size());
    context.require(!seen[axis], "names an axis twice in its permutation");
    seen[axis] = true;
    expected.push_back(shape[axis]);
    strides.push_back(in_strides[axis]);
  }
  context.require_output_shape(0, expected);
  context.move(0, [&](const Shape& index) -> Source { return {0, dot(index, strides)}; });
}

void slice(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const std::vector<int64_t> begin = context.read_integers(1), size = context.read_integers(2);
  context.require(begin.size() == shape.size() && size.size() == shape.size(), "wants a begin and a size an axis");
  Shape expected;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t extent = size[axis] == -1 ? shape[axis] - begin[axis] : size[axis];
    context.require(begin[axis] >= 0 && begin[axis] < shape[axis] && extent > 0 && extent <= shape[axis] - begin[axis],
                    "reaches outside its input");
    expected.push_back(static_cast<int32_t>(extent));
  }
  context.require_output_shape(0, expected);
  const std::vector<int64_t> strides = strides_of(shape);
  int64_t first = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) first += begin[axis] * strides[axis];
  context.move(0, [&](const Shape& index) -> Source { return {0, first + dot(index, strides)}; });
}

void strided_slice(Context& context) {
  const auto& options = context.options<StridedSliceOptions>();
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const std::vector<int64_t> in_strides = strides_of(shape);
  const std::vector<int64_t> begin = context.read_integers(1), end = context.read_integers(2),
                             step = context.read_integers(3);
  const size_t entries = begin.size();
  context.require(entries < 31 && end.size() == entries && step.size() == entries,
                  "wants begin, end and strides of one length");
  const auto bit = [](int32_t mask, size_t i) { return ((mask >> i) & 1) != 0; };

  // Entries other than the ellipsis and new axes consume one input axis each; the ellipsis, written or understood at
  // the end, takes all the others whole. Precedence: ellipsis, new axis, shrink.
  size_t consumed = 0, ellipses = 0;
  for (size_t i = 0; i < entries; ++i) {
    if (bit(options.ellipsis_mask, i)) {
      ++ellipses;
    } else if (!bit(options.new_axis_mask, i)) {
      ++consumed;
    }
  }
  context.require(ellipses <= 1, "has two ellipses");
  context.require(consumed <= shape.size(), "names more axes than its input has");

  Shape expected;
  std::vector<int64_t> strides;  // of the input, one an output axis
  int64_t first = 0;
  size_t axis = 0;  // of the input
  const auto take_whole = [&] {
    expected.push_back(shape[axis]);
    strides.push_back(in_strides[axis]);
    ++axis;
  };
  for (size_t i = 0; i < entries; ++i) {
    if (bit(options.ellipsis_mask, i)) {
      for (size_t left = shape.size() - consumed; left > 0; --left) take_whole();
      continue;
    }
    if (bit(options.new_axis_mask, i)) {
      expected.push_back(1);
      strides.push_back(0);
      continue;
    }
    const int64_t extent = shape[axis];
    context.require(step[i] != 0, "has a stride of 0");
    // Positions count from the end where negative, and stay inside [0, extent] going up, [-1, extent - 1] going down.
    const int64_t lowest = step[i] > 0 ? 0 : -1, highest = step[i] > 0 ? extent : extent - 1;
    const auto position = [&](int64_t at) { return std::clamp(at < 0 ? at + extent : at, lowest, highest); };
    const int64_t from = bit(options.begin_mask, i) ? (step[i] > 0 ? 0 : extent - 1) : position(begin[i]);
    const int64_t to = bit(options.end_mask, i) ? (step[i] > 0 ? extent : -1) : position(end[i]);
    if (bit(options.shrink_axis_mask, i)) {
      context.require(from >= 0 && from < extent, "picks a position outside its input");
    } else {
      const int64_t count = step[i] > 0 ? (to - from + step[i] - 1) / step[i] : (from - to - step[i] - 1) / -step[i];
      context.require(count > 0, "has an empty result");
      expected.push_back(static_cast<int32_t>(count));
      strides.push_back(step[i] * in_strides[axis]);
    }
    first += from * in_strides[axis];
    ++axis;
  }
  while (axis < shape.size()) take_whole();
  context.require_output_shape(0, expected);
  context.move(0, [&](const Shape& index) -> Source { return {0, first + dot(index, strides)}; });
}

void space_to_depth(Context& context) {
  context.require_same_type(0);
  context.require_rank(context.input(0), 4);
  const int32_t block = context.options<BlockOptions>().block_size;
  const Shape& in = context.shape(0);
  context.require(block > 0 && in[1] % block == 0 && in[2] % block == 0, "has a block that does not divide its input");
  context.require_output_shape(0, {in[0], in[1] / block, in[2] / block, in[3] * block * block});
  const std::vector<int64_t> strides = strides_of(in);
  context.move(0, [&](const Shape& index) -> Source {
    const int32_t channel = index[3] % in[3], tap = index[3] / in[3];
    return {0, dot({index[0], index[1] * block + tap / block, index[2] * block + tap % block, channel}, strides)};
  });
}

void depth_to_space(Context& context) {
  context.require_same_type(0);
  context.require_rank(context.input(0), 4);
  const int32_t block = context.options<BlockOptions>().block_size;
  const Shape& in = context.shape(0);
  context.require(block > 0 && in[3] % (block * block) == 0, "has a block that does not divide its input's channels");
  const int32_t channels = in[3] / (block * block);
  context.require_output_shape(0, {in[0], in[1] * block, in[2] * block, channels});
  const std::vector<int64_t> strides = strides_of(in);
  context.move(0, [&](const Shape& index) -> Source {
    const int32_t tap = index[1] % block * block + index[2] % block;
    return {0, dot({index[0], index[1] / block, index[2] / block, tap * channels + index[3]}, strides)};
  });
}

void tile(Context& context) {
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const std::vector<int64_t> times = context.read_integers(1);
  context.require(times.size() == shape.size(), "wants one multiple an axis");
  Shape expected;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    context.require(times[axis] > 0, "has a multiple below 1");
    expected.push_back(extent_of(context, shape[axis] * std::min(times[axis], max_extent)));
  }
  context.require_output_shape(0, expected);
  const std::vector<int64_t> strides = strides_of(shape);
  context.move(0, [&](Shape index) -> Source {
    for (size_t axis = 0; axis < shape.size(); ++axis) index[axis] %= shape[axis];
    return {0, dot(index, strides)};
  });
}

void pack(Context& context) {
  const auto& options = context.options<PackOptions>();
  context.require_one_type();
  const Shape& shape = context.shape(0);
  context.require(options.values_count == static_cast<int32_t>(context.input_count()),
                  "has another number of inputs than of values");
  for (size_t k = 0; k < context.input_count(); ++k) {
    context.require(context.shape(k) == shape, "has inputs of different shapes");
    context.require(!is_8_bit(context.output().type) || same_parameters(context.input(k), context.output()),
                    "has inputs of another scale or zero point than its output");
  }
  const size_t axis = context.axis(options.axis, shape.size() + 1);
  Shape expected = shape;
  insert_at(expected, axis, options.values_count);
  context.require_output_shape(0, expected);
  const std::vector<int64_t> strides = strides_of(shape);
  context.move(0, [&](Shape index) -> Source {
    const auto k = static_cast<size_t>(index[axis]);
    erase_at(index, axis);
    return {k, dot(index, strides)};
  });
}

void unpack(Context& context) {
  const auto& options = context.options<UnpackOptions>();
  context.require_one_type();
  const Shape& shape = context.shape(0);
  const size_t axis = context.axis(options.axis, shape.size());
  context.require(shape[axis] == options.num && context.output_count() == static_cast<size_t>(options.num),
                  "has another number of outputs than of positions along its axis");
  Shape expected = shape;
  erase_at(expected, axis);
  const std::vector<int64_t> strides = strides_of(shape);
  for (size_t i = 0; i < context.output_count(); ++i) {
    context.require(context.output(i).type == context.output().type, "has outputs of different types");
    context.require_output_shape(i, expected);
    context.move(i, [&](Shape index) -> Source {
      insert_at(index, axis, static_cast<int32_t>(i));
      return {0, dot(index, strides)};
    });
  }
}

void gather(Context& context) {
  const auto& options = context.options<GatherOptions>();
  context.require_same_type(0);
  const Shape& shape = context.shape(0);
  const Shape& positions_shape = context.shape(1);
  const size_t axis = context.axis(options.axis, shape.size());
  const int32_t named = options.batch_dims;
  const auto batch = static_cast<size_t>(named < 0 ? named + static_cast<int32_t>(positions_shape.size()) : named);
  context.require(batch <= axis && batch <= positions_shape.size(),
                  "has more batch dimensions than axes to gather from");
  context.require(
      std::equal(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(batch), positions_shape.begin()),
      "has positions of another batch than its input");
  // The axis is replaced by the positions' axes after the batch.
  const size_t inserted = positions_shape.size() - batch;
  Shape expected(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  expected.insert(expected.end(), positions_shape.begin() + static_cast<std::ptrdiff_t>(batch), positions_shape.end());
  expected.insert(expected.end(), shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end());
  context.require_output_shape(0, expected);

  const std::vector<int64_t> positions = context.read_integers(1);
  const std::vector<int64_t> strides = strides_of(shape), position_strides = strides_of(positions_shape);
  context.move(0, [&](const Shape& index) -> Source {
    int64_t which = 0;
    for (size_t i = 0; i < positions_shape.size(); ++i) {
      which += index[i < batch ? i : axis + i - batch] * position_strides[i];
    }
    const int64_t position = positions[static_cast<size_t>(which)];
    context.require(position >= 0 && position < shape[axis], "gathers a position outside its input");
    int64_t offset = position * strides[axis];
    for (size_t i = 0; i < shape.size(); ++i) {
      if (i != axis) offset += index[i < axis ? i : i + inserted - 1] * strides[i];
    }
    return {0, offset};
  });
}

}  // namespace octet::reference
