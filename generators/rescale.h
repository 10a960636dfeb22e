// Fixed-point rescaling of int32 sums to 8 bits: out = clamp(Z + RDBP(SRDHM(sum << left, m), s)), docs/numerics.md. One
// value, several forms, equal to the bit within the range that each states; the runtime checks the range when it
// prepares a layer.
#pragma once

#include "generators/halide.h"
#include "schedules/manifest.h"

namespace octet {

/// Any multiplier in [0, 2^31), left and right shifts in [0, 31], any sum (the left shift wraps). All in 64 bits:
/// SRDHM(y, m) = (y m + 2^30) >> 31 with a floor shift, and the two roundings merge, because nested floors do:
/// RDBP(v, s) = (v + 2^(s-1) - (v < 0)) >> s for s >= 1. Where y < 0 but SRDHM rounds to 0, the -1 changes nothing.
Halide::Expr rescale_exact(const Halide::Expr& sum, const Halide::Expr& multiplier, const Halide::Expr& left,
                           const Halide::Expr& right, const Halide::Expr& zero_point);

/// x86, from `high` = floor(4 sum m / 2^32): |sum| < 2^29, no left shift, 2 |sum| + round < 2^31. `high` is SRDHM's
/// product before rounding with one bit more than its result; both roundings, the tie away from zero and the zero point
/// are one addend (`round` for sums >= 0, `round_below` for sums < 0):
///   round = 1 + (s >= 1 ? 2^s : 0) + (Z << (s + 1)), round_below = round - (s >= 1 ? 2 : 0), shift = s + 1.
/// Not yet clamped. `ties_away` false leaves `round_below` out: right where results below the zero point are clamped to
/// it anyway.
Halide::Expr rescale_mulhs(const Halide::Expr& high, const Halide::Expr& sum, const Halide::Expr& shift,
                           const Halide::Expr& round, const Halide::Expr& round_below, const Halide::Expr& ties_away);

/// x86: Z + trunc(fl(sum) scale + (sum < 0 ? -offset : offset)), not yet clamped, in floating point: a third of the
/// instructions. Both this and the exact rescale grow with the sum, in steps of whole numbers; so they are equal for
/// all sums if the outputs' steps, at most 255, are at the same sums. For nearly every channel there are numbers next
/// to scale = m 2^-(31 + s) and offset = 1/2 + 2^-(s + 1) of which that is true (the offset is both roundings': that of
/// SRDHM comes on top of half an output). runtime/ops/float_rescale.h looks for them, channel by channel. The product
/// is rounded together with the sum where the target has such an instruction, not on SSE4.1. Where no output is below
/// the zero point (has_zero_lowest, of which schedules make a case of its own) negative sums all come to 0 or less, and
/// nothing need be known of their sign.
Halide::Expr rescale_float(const Halide::Expr& sum, const Halide::Expr& scale, const Halide::Expr& offset,
                           const Halide::Expr& zero_point);

/// x86: the output's zero point is the least value, as of a ReLU's.
Halide::Expr has_zero_lowest(const Halide::Expr& zero_point);

/// Arm: RDBP(SRDHM(sum, m), s), any sum; `down` is -s, 0 >= down >= -31. SQRDMULH is SRDHM. SRSHL rounds ties up, so
/// that a value below 0 first loses 1, but not where s = 0. (SRDHM by a multiplier below 2^31 is above INT32_MIN: there
/// is 1 to lose.) `ties_away` false leaves that out: right where results below the zero point are clamped to it anyway.
Halide::Expr rescale_sqrdmulh(const Halide::Expr& sum, const Halide::Expr& multiplier, const Halide::Expr& down,
                              const Halide::Expr& ties_away);

/// Arm: int16 value + zero_point, saturated to int8. That `value` may have been saturated to 16 bits changes nothing:
/// what is beyond 16 bits stays beyond 8 bits, on its side, whichever zero point in [-128, 127] is added.
Halide::Expr narrowed(const Halide::Expr& value, const Halide::Expr& zero_point);

/// Arm: whether all of a call's rescaled sums, no zero point added yet, fit in 16 bits, as an argument of kernels: 0 or
/// 1. Two vectors are then narrowed by one instruction; saturated, each takes one.
Halide::Expr are_int16(const Halide::Expr& fits_int16);

/// Arm: the output is a ReLU's whose zero point is the least value. Then one narrowing clamps, and adds nothing.
Halide::Expr clamps_below_at_zero(const Halide::Expr& zero_point, const Halide::Expr& lo);

/// The target's activation of a convolution's sum, by the fast form and its table of channels: int32 [channel,
/// ChannelField, pixel], the last dimension's stride being 0. A multiplier that seems to depend on the pixel is not
/// hoisted out of the loop over pixels: hoisted on x86, its sign extension would hide the high-half multiply from LLVM.
/// `in_float`: by rescale_float; else, on AVX-512, the high half is a function of schedules/avx512vnni.ll. `fits_int16`
/// counts on Arm.
Halide::Expr rescaled(Target target, bool in_float, const Halide::Expr& sum, const Halide::ImageParam& channels,
                      const Halide::Var& channel, const Halide::Var& pixel, const Halide::Expr& fits_int16,
                      const Halide::Expr& zero_point, const Halide::Expr& lo, const Halide::Expr& hi);

/// x86: the same, not yet narrowed.
Halide::Expr rescaled_wide(Target target, bool in_float, const Halide::Expr& sum, const Halide::ImageParam& channels,
                           const Halide::Var& channel, const Halide::Expr& pixel, const Halide::Expr& zero_point,
                           const Halide::Expr& lo);

/// x86: clamp(value) as uint8, for schedules that keep within lanes (schedules/x86_lanes.h).
Halide::Expr narrowed_clamped(Target target, const Halide::Expr& value, const Halide::Expr& lo, const Halide::Expr& hi);

/// The target's activation clamp(zero_point + MBQM(sum, m, left - right)), within the bounds of rescale_exact.
Halide::Expr requantized(Target target, const Halide::Expr& sum, const Halide::Expr& multiplier,
                         const Halide::Expr& left, const Halide::Expr& right, const Halide::Expr& zero_point,
                         const Halide::Expr& lo, const Halide::Expr& hi);

/// mbqm(d << 20, m) for |d| <= 255, m in [0, 2^31), right shift s in [0, 31], in 32 bits. With m = hi 2^16 + lo,
/// SRDHM(d 2^20, m) = floor((d m + 2^10) / 2^11) = 2^5 d hi + floor((d lo + 2^10) / 2^11), since the first part is
/// whole.
Halide::Expr rescale_shifted_byte(const Halide::Expr& difference, const Halide::Expr& multiplier,
                                  const Halide::Expr& right);

}  // namespace octet
