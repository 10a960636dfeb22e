// AVERAGE_POOL_2D, MAX_POOL_2D.
#include <algorithm>

#include "runtime/steps/call.h"
#include "runtime/steps/steps.h"

namespace octet {

namespace {

/// Some output rows, some channels of one image. `in`, `out`: its first byte.
void call_kernel(const PoolStep& op, Range rows, Range channels, const uint8_t* in, uint8_t* out,
                 const RunContext& context) {
  const halide_type_t type = op.activation;
  const int64_t c = op.channels;
  const BufferArgument input(in + channels.begin, type, {{channels.size(), 1}, {op.in_w, c}, {op.in_h, op.in_w * c}});
  const BufferArgument output(out + rows.begin * op.out_w * c + channels.begin, type,
                              {{channels.size(), 1}, {op.out_w, c}, {rows.size(), op.out_w * c}});
  const auto pad_top = static_cast<int32_t>(op.top - rows.begin * op.stride_h);
  if (op.average != 0) {
    const BufferArgument divisors(context.constant(op.divisors), halide_type_t(halide_type_uint, 32),
                                  {{2, 1}, {op.most_taps + 1, 2}});
    call(context.kernels[op.kernel], input, divisors, op.k_w, op.k_h, op.stride_w, op.stride_h, op.left, pad_top,
         op.offset, op.clamp.lo, op.clamp.hi, output);
  } else {
    call(context.kernels[op.kernel], input, op.k_w, op.k_h, op.stride_w, op.stride_h, op.left, pad_top, op.clamp.lo,
         op.clamp.hi, output);
  }
}

}  // namespace

/// Threads share the rows of an image, or, where these are few, its channels.
void run(const PoolStep& op, const RunContext& context) {
  constexpr int64_t kBlock = 64;
  const int64_t in_image = int64_t{op.in_h} * op.in_w * op.channels,
                out_image = int64_t{op.out_h} * op.out_w * op.channels;
  const int64_t blocks = (op.channels + kBlock - 1) / kBlock;
  for (int64_t b = 0; b < op.batch; b++) {
    const uint8_t* in = context.data<uint8_t>(op.input) + b * in_image;
    uint8_t* out = context.data<uint8_t>(op.output) + b * out_image;
    if (op.out_h >= blocks || op.out_h >= 4 * context.pool.threads()) {
      context.pool.parallel_for(op.out_h, 1, [&](int64_t begin, int64_t end) {
        call_kernel(op, {begin, end}, {0, op.channels}, in, out, context);
      });
    } else {
      context.pool.parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
        const Range channels{begin * kBlock, std::min<int64_t>(end * kBlock, op.channels)};
        call_kernel(op, {0, op.out_h}, channels, in, out, context);
      });
    }
  }
}

}  // namespace octet
