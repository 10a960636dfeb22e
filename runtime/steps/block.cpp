#include "runtime/steps/block.h"

#include <algorithm>
#include <cstring>

namespace octet {

namespace {

/// Part of the depthwise convolution's image: what was made of it last, and is needed still or again.
class Image {
 public:
  Image(const BlockStep& block, const RunContext& context)
      : block_(block), context_(context), buffers_(block.buffers()), zero_(static_cast<uint8_t>(layer().input_zero)) {
    const PadCopy& s = shape();
    rows_ = {context.scratch + buffers_.image, 0, 0};
    if (block.makes_image()) return;
    rows_ = {context.data<std::byte>(layer().input), 0, s.height};
    if (layer().image.bordered) fill_border(s, zero_, reinterpret_cast<uint8_t*>(rows_.bytes));
  }

  /// Has these rows, which begin and end no earlier than those before.
  const ImageRows& make(Range rows) {
    if (!block_.makes_image()) return rows_;
    const int64_t row = layer().image.row(), made = std::max(rows.begin, rows_.first + rows_.count);
    std::memmove(rows_.bytes, rows_.bytes + (rows.begin - rows_.first) * row,
                 static_cast<size_t>(std::max<int64_t>(0, made - rows.begin) * row));
    rows_ = {rows_.bytes, rows.begin, rows.size()};
    add({made, rows.end});
    return rows_;
  }

 private:
  const DepthwiseStep& layer() const { return block_.depthwise; }
  const PadCopy& shape() const { return layer().image.shape; }

  void add(Range rows) {
    const PadCopy part = shape().part(rows);
    const Range inside = shape().inside(rows);
    auto* const to = reinterpret_cast<uint8_t*>(rows_.bytes + (rows.begin - rows_.first) * layer().image.row());
    const bool copies = layer().image.copied;
    std::byte* const expanded = context_.scratch + buffers_.expanded;
    if (block_.expands != 0) {
      RunContext context = context_;
      context.scratch += buffers_.copies;
      const ImageRows in{context.data<std::byte>(block_.expand.input), 0, shape().in_h};
      const ImageRows out = copies ? ImageRows{expanded, inside.begin, inside.size()} : rows_;
      if (inside.size() > 0) run_rows(block_.expand, inside, in, out, context);
    }
    if (copies) {
      const int64_t row = shape().in_w * shape().channels;
      const std::byte* const from =
          block_.expands != 0 ? expanded : context_.data<std::byte>(layer().input) + inside.begin * row;
      pad_copy(part, reinterpret_cast<const uint8_t*>(from), zero_, to, context_.pool);
    } else if (layer().image.bordered) {
      fill_border(part, zero_, to);
    }
  }

  const BlockStep& block_;
  const RunContext& context_;
  const BlockStep::Buffers buffers_;
  const uint8_t zero_;
  ImageRows rows_;
};

}  // namespace

BlockStep::Buffers BlockStep::buffers() const {
  constexpr int64_t kLine = 64;
  const PadCopy& s = depthwise.image.shape;
  const int64_t rows = makes_image() ? image_rows({0, band_rows}).size() : 0;
  const int64_t expanded_pixels = expands != 0 ? std::min(rows, s.in_h) * s.in_w : 0;
  const int64_t pixels = band_rows * depthwise.out_w;
  // Whole tiles are read, past the last pixel.
  const int64_t past = std::max(project.copy_bytes(project.tile.pixels * project.in_channels),
                                project.tile.pixels * project.in_channels + kSlackBytes);
  Buffers b{};
  b.expanded = round_up(rows * depthwise.image.row(), kLine);
  b.filtered = b.expanded + (depthwise.image.copied ? round_up(expanded_pixels * s.channels, kLine) : 0);
  b.copies = b.filtered + round_up(pixels * depthwise.out_c, kLine);
  b.total = b.copies + past +
            std::max(expands != 0 ? expand.copy_bytes((expanded_pixels + expand.tile.pixels) * expand.in_channels) : 0,
                     project.copy_bytes(pixels * project.in_channels));
  return b;
}

void run(const BlockStep& block, const RunContext& context) {
  const BlockStep::Buffers buffers = block.buffers();
  const ConvolutionStep& project = block.project;
  const int64_t height = block.depthwise.out_h, at_once = block.depthwise.rows_at_once;
  const int64_t copied_row =
      project.source.copied ? block.depthwise.out_w * project.in_channels * project.source.element_bytes() : 0;
  const ImageRows out{context.data<std::byte>(project.output), 0, height};
  Image image(block, context);
  for (int64_t first = 0; first < height; first += block.band_rows) {
    const Range band{first, std::min(first + block.band_rows, height)};
    const ImageRows& made = image.make(block.image_rows(band));
    const ImageRows filtered{context.scratch + buffers.filtered, band.begin, band.size()};
    const auto compute = [&](Range rows, const Parallel& pool) {
      const RunContext part{.tensors = context.tensors,
                            .constants = context.constants,
                            .kernels = context.kernels,
                            .scratch = context.scratch + buffers.copies + (rows.begin - band.begin) * copied_row,
                            .pool = pool,
                            .bad_index = context.bad_index};
      run_rows(block.depthwise, rows, made, filtered, part);
      run_rows(project, rows, filtered, out, part);
    };
    // A thread that has rows of its own need not wait between the two, where rows can be shared out about evenly.
    const int64_t groups = ceil_div(band.size(), at_once), threads = context.pool.threads();
    if (8 * ceil_div(groups, threads) * threads > 9 * groups) {
      compute(band, context.pool);
      continue;
    }
    context.pool.parallel_for(groups, 1, [&](int64_t begin, int64_t end) {
      compute({band.begin + begin * at_once, std::min(band.begin + end * at_once, band.end)}, Parallel());
    });
  }
}

}  // namespace octet
