// Every operator that only moves elements, as strided copies over a fill. A block's dimensions are merged where both
// sides run on without a gap, so that what is left is few long runs; where one side has no runs (a transpose), elements
// are copied one by one in square tiles, so that both sides use each cache line that they touch.
#include <algorithm>
#include <cstring>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

/// A dimension of a block; strides in bytes.
struct Dim {
  int64_t extent, src, dst;
};

/// A block made ready: `outer` dimensions, each of whose positions is one call of the inner copy.
struct Copy {
  int32_t input = 0, output = 0;  // tensors
  int64_t src_offset = 0, dst_offset = 0;
  std::vector<Dim> outer;
  int64_t outer_count = 1;
  int64_t run_bytes = 0;             // > 0: the inner copy is a run of bytes
  Dim tall{1, 0, 0}, wide{1, 0, 0};  // else a tile of elements
  int64_t element_bytes = 1;

  int64_t inner_bytes() const { return run_bytes > 0 ? run_bytes : tall.extent * wide.extent * element_bytes; }
};

std::vector<Dim> merged_dims(const Move::Block& block, int64_t element_bytes) {
  std::vector<Dim> dims;
  for (size_t i = 0; i < block.extents.size(); ++i) {
    const Dim dim{block.extents[i], block.src_strides[i] * element_bytes, block.dst_strides[i] * element_bytes};
    if (dim.extent == 1) continue;
    const bool goes_on =
        !dims.empty() && dims.back().src == dim.extent * dim.src && dims.back().dst == dim.extent * dim.dst;
    if (goes_on) {
      dims.back() = {dims.back().extent * dim.extent, dim.src, dim.dst};
    } else {
      dims.push_back(dim);
    }
  }
  return dims;
}

Dim take(std::vector<Dim>& dims, std::vector<Dim>::iterator at) {
  const Dim dim = *at;
  dims.erase(at);
  return dim;
}

Copy copy_of(const Move::Block& block, const Node& node, int64_t element_bytes) {
  Copy copy;
  copy.input = node.inputs[static_cast<size_t>(block.input)];
  copy.output = node.outputs[static_cast<size_t>(block.output)];
  copy.src_offset = block.src_offset * element_bytes;
  copy.dst_offset = block.dst_offset * element_bytes;
  copy.element_bytes = element_bytes;
  std::vector<Dim> dims = merged_dims(block, element_bytes);
  const auto has_run = [&](const Dim& d) { return d.src == element_bytes && d.dst == element_bytes; };
  if (dims.empty()) {
    copy.run_bytes = element_bytes;
  } else if (const auto run = std::ranges::find_if(dims, has_run); run != dims.end()) {
    copy.run_bytes = take(dims, run).extent * element_bytes;
  } else {
    copy.wide = take(dims, std::ranges::min_element(dims, {}, &Dim::dst));
    const auto distance = [](const Dim& d) { return std::abs(d.src); };
    if (!dims.empty()) copy.tall = take(dims, std::ranges::min_element(dims, {}, distance));
  }
  copy.outer = std::move(dims);
  for (const Dim& dim : copy.outer) copy.outer_count *= dim.extent;
  return copy;
}

template <typename T>
void copy_tile(const std::byte* src, std::byte* dst, const Dim& tall, const Dim& wide) {
  constexpr int64_t kTile = 16;
  for (int64_t y0 = 0; y0 < tall.extent; y0 += kTile) {
    const int64_t y1 = std::min(y0 + kTile, tall.extent);
    for (int64_t x0 = 0; x0 < wide.extent; x0 += kTile) {
      const int64_t x1 = std::min(x0 + kTile, wide.extent);
      for (int64_t y = y0; y < y1; ++y) {
        for (int64_t x = x0; x < x1; ++x) {
          std::memcpy(dst + y * tall.dst + x * wide.dst, src + y * tall.src + x * wide.src, sizeof(T));
        }
      }
    }
  }
}

void copy_inner(const Copy& copy, const std::byte* src, std::byte* dst) {
  if (copy.run_bytes > 0) {
    std::memcpy(dst, src, static_cast<size_t>(copy.run_bytes));
    return;
  }
  switch (copy.element_bytes) {
    case 1:
      return copy_tile<uint8_t>(src, dst, copy.tall, copy.wide);
    case 2:
      return copy_tile<uint16_t>(src, dst, copy.tall, copy.wide);
    case 4:
      return copy_tile<uint32_t>(src, dst, copy.tall, copy.wide);
    default:
      return copy_tile<uint64_t>(src, dst, copy.tall, copy.wide);
  }
}

/// Positions [begin, end) of the outer dimensions, the last one fastest.
void copy_range(const Copy& copy, const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
  std::vector<int64_t> at(copy.outer.size());
  int64_t rest = begin;
  for (size_t i = copy.outer.size(); i-- > 0;) {
    at[i] = rest % copy.outer[i].extent;
    rest /= copy.outer[i].extent;
    src += at[i] * copy.outer[i].src;
    dst += at[i] * copy.outer[i].dst;
  }
  for (int64_t position = begin; position < end; ++position) {
    copy_inner(copy, src, dst);
    for (size_t i = copy.outer.size(); i-- > 0;) {
      const Dim& dim = copy.outer[i];
      src += dim.src;
      dst += dim.dst;
      if (++at[i] < dim.extent) break;
      at[i] = 0;
      src -= dim.extent * dim.src;
      dst -= dim.extent * dim.dst;
    }
  }
}

void copy_bytes(const std::byte* src, std::byte* dst, int64_t bytes, ThreadPool& pool) {
  pool.parallel_for(bytes, kGrainBytes, [&](int64_t begin, int64_t end) {
    std::memcpy(dst + begin, src + begin, static_cast<size_t>(end - begin));
  });
}

void run_copy(const Copy& copy, const RunContext& context) {
  const std::byte* const src = context.tensors[copy.input] + copy.src_offset;
  std::byte* const dst = context.tensors[copy.output] + copy.dst_offset;
  if (copy.outer.empty() && copy.run_bytes > 0) {
    copy_bytes(src, dst, copy.run_bytes, context.pool);
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / copy.inner_bytes());
  context.pool.parallel_for(copy.outer_count, grain,
                            [&](int64_t begin, int64_t end) { copy_range(copy, src, dst, begin, end); });
}

/// Repeats one element over [0, bytes).
void fill_bytes(std::byte* dst, int64_t bytes, const std::array<std::byte, 8>& element, int64_t element_bytes) {
  if (element_bytes == 1) {
    std::memset(dst, std::to_integer<int>(element[0]), static_cast<size_t>(bytes));
    return;
  }
  for (int64_t i = 0; i < bytes; i += element_bytes) {
    std::memcpy(dst + i, element.data(), static_cast<size_t>(element_bytes));
  }
}

int64_t bytes_of(const Tensor& tensor) {
  return element_count(tensor.shape) * static_cast<int64_t>(size_of(tensor.type));
}

/// Whether the move is all of one tensor in order to all of another.
bool is_whole(const std::vector<Copy>& copies, const Node& node, const PlanBuilder& builder) {
  if (copies.size() != 1 || !copies[0].outer.empty()) return false;
  return copies[0].run_bytes == bytes_of(builder.tensor(node.inputs[0])) &&
         copies[0].run_bytes == bytes_of(builder.tensor(node.outputs[0]));
}

void plan_whole(const Copy& copy, const Node& node, PlanBuilder& builder) {
  Step step = builder.step_for(node, "copy");
  step.in_place = true;
  step.run = [copy](const RunContext& context) {
    if (context.tensors[copy.input] != context.tensors[copy.output]) run_copy(copy, context);
  };
  builder.add(std::move(step));
}

}  // namespace

void plan(const Move& op, const Node& node, PlanBuilder& builder) {
  const Tensor& output = builder.tensor(node.outputs[0]);
  const auto element_bytes = static_cast<int64_t>(size_of(output.type));
  std::vector<Copy> copies;
  for (const Move::Block& block : op.blocks) copies.push_back(copy_of(block, node, element_bytes));
  if (is_whole(copies, node, builder)) {
    plan_whole(copies[0], node, builder);
    return;
  }
  Step step = builder.step_for(node, "copy_nd");
  step.run = [copies, fill = op.fill, element_bytes, bytes = bytes_of(output),
              out = node.outputs[0]](const RunContext& context) {
    if (fill) {
      const int64_t elements = bytes / element_bytes;
      context.pool.parallel_for(elements, kGrainBytes / element_bytes, [&](int64_t begin, int64_t end) {
        fill_bytes(context.tensors[out] + begin * element_bytes, (end - begin) * element_bytes, *fill, element_bytes);
      });
    }
    for (const Copy& copy : copies) run_copy(copy, context);
  };
  builder.add(std::move(step));
}

}  // namespace octet
