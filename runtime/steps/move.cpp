// Strided copies over a fill.
#include <algorithm>
#include <cstring>

#include "runtime/steps/steps.h"

namespace octet {

namespace {

using Copy = MoveStep::Copy;
using Dim = MoveStep::Dim;

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
void copy_range(const Copy& copy, const Dim* outer, const std::byte* src, std::byte* dst, int64_t begin, int64_t end) {
  int64_t rest = begin;
  for (int64_t i = copy.outer.count; i-- > 0;) {
    const int64_t at = rest % outer[i].extent;
    rest /= outer[i].extent;
    src += at * outer[i].src;
    dst += at * outer[i].dst;
  }
  for (int64_t position = begin; position < end; ++position) {
    copy_inner(copy, src, dst);
    // A dimension goes back to its start where those inside of it have all done so.
    int64_t next = position + 1;
    for (int64_t i = copy.outer.count; i-- > 0;) {
      const Dim& dim = outer[i];
      src += dim.src;
      dst += dim.dst;
      if (next % dim.extent != 0) break;
      next /= dim.extent;
      src -= dim.extent * dim.src;
      dst -= dim.extent * dim.dst;
    }
  }
}

void copy_bytes(const std::byte* src, std::byte* dst, int64_t bytes, const Parallel& pool) {
  pool.parallel_for(bytes, kGrainBytes, [&](int64_t begin, int64_t end) {
    std::memcpy(dst + begin, src + begin, static_cast<size_t>(end - begin));
  });
}

void run_copy(const Copy& copy, const RunContext& context) {
  const std::byte* const src = context.tensors[copy.input] + copy.src_offset;
  std::byte* const dst = context.tensors[copy.output] + copy.dst_offset;
  if (copy.outer.count == 0 && copy.run_bytes > 0) {
    copy_bytes(src, dst, copy.run_bytes, context.pool);
    return;
  }
  const Dim* const outer = context.constant(copy.outer);
  const int64_t grain = std::max<int64_t>(1, kGrainBytes / copy.inner_bytes());
  context.pool.parallel_for(copy.outer_count, grain,
                            [&](int64_t begin, int64_t end) { copy_range(copy, outer, src, dst, begin, end); });
}

/// Repeats one element over [0, bytes).
void fill_bytes(std::byte* dst, int64_t bytes, const std::byte* element, int64_t element_bytes) {
  if (element_bytes == 1) {
    std::memset(dst, std::to_integer<int>(element[0]), static_cast<size_t>(bytes));
    return;
  }
  for (int64_t i = 0; i < bytes; i += element_bytes) {
    std::memcpy(dst + i, element, static_cast<size_t>(element_bytes));
  }
}

}  // namespace

void run(const MoveStep& step, const RunContext& context) {
  const Copy* const copies = context.constant(step.copies);
  if (step.whole != 0 && context.tensors[copies[0].input] == context.tensors[copies[0].output]) return;
  if (step.fills != 0) {
    const int64_t elements = step.bytes / step.element_bytes;
    context.pool.parallel_for(elements, kGrainBytes / step.element_bytes, [&](int64_t begin, int64_t end) {
      fill_bytes(context.tensors[step.output] + begin * step.element_bytes, (end - begin) * step.element_bytes,
                 step.fill, step.element_bytes);
    });
  }
  for (int64_t i = 0; i < step.copies.count; i++) run_copy(copies[i], context);
}

}  // namespace octet
