// Every operator that only moves elements, as strided copies over a fill. A block's dimensions are merged where both
// sides run on without a gap, so that what is left is few long runs; where one side has no runs (a transpose), elements
// are copied one by one in square tiles, so that both sides use each cache line that they touch.
#include <algorithm>

#include "runtime/ops/ops.h"

namespace octet {
namespace {

using Copy = MoveStep::Copy;
using Dim = MoveStep::Dim;

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

Copy copy_of(const Move::Block& block, const Node& node, int64_t element_bytes, PlanBuilder& builder) {
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
  copy.outer = builder.keep_array<Dim>(dims);
  for (const Dim& dim : dims) copy.outer_count *= dim.extent;
  return copy;
}

int64_t bytes_of(const Tensor& tensor) {
  return element_count(tensor.shape) * static_cast<int64_t>(size_of(tensor.type));
}

/// Whether the move is all of one tensor in order to all of another.
bool is_whole(const std::vector<Copy>& copies, const Node& node, const PlanBuilder& builder) {
  if (copies.size() != 1 || copies[0].outer.count > 0) return false;
  return copies[0].run_bytes == bytes_of(builder.tensor(node.inputs[0])) &&
         copies[0].run_bytes == bytes_of(builder.tensor(node.outputs[0]));
}

}  // namespace

void plan(const Move& op, const Node& node, PlanBuilder& builder) {
  const Tensor& output = builder.tensor(node.outputs[0]);
  const auto element_bytes = static_cast<int64_t>(size_of(output.type));
  std::vector<Copy> copies;
  for (const Move::Block& block : op.blocks) copies.push_back(copy_of(block, node, element_bytes, builder));
  const bool whole = is_whole(copies, node, builder);
  Step step = builder.step_for(node, whole ? "copy" : "copy_nd");
  step.in_place = whole;
  MoveStep work{.output = node.outputs[0],
                .whole = whole,
                .fills = op.fill.has_value() && !whole,
                .fill = {},
                .element_bytes = element_bytes,
                .bytes = bytes_of(output),
                .copies = builder.keep_array<Copy>(copies)};
  if (op.fill) std::ranges::copy(*op.fill, work.fill);
  step.work = work;
  builder.add(std::move(step));
}

}  // namespace octet
