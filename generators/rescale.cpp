#include "generators/rescale.h"

namespace octet {

using namespace Halide;
using Halide::Internal::const_true;
using Halide::Internal::rounding_mul_shift_right;
using Halide::Internal::rounding_shift_left;
using Halide::Internal::saturating_add;

Expr rescale_exact(const Expr& sum, const Expr& multiplier, const Expr& left, const Expr& right,
                   const Expr& zero_point) {
  Expr y = sum << cast<uint32_t>(left);
  Expr product = cast<int64_t>(y) * cast<int64_t>(multiplier);
  Expr s = cast<uint64_t>(right);
  Expr half = select(right == 0, cast<int64_t>(0), (cast<int64_t>(1) << s) << 30);
  Expr tie = select(right != 0 && y < 0, Expr(int64_t{1} << 31), cast<int64_t>(0));
  Expr rounded = (product + Expr(int64_t{1} << 30) + half - tie) >> (s + cast<uint64_t>(31));
  return cast<int32_t>(rounded) + zero_point;
}

Expr rescale_mulhs(const Expr& high, const Expr& sum, const Expr& shift, const Expr& round, const Expr& round_below,
                   const Expr& ties_away) {
  Expr addend = select(ties_away, select(sum < 0, round_below, round), round);
  // An unsigned amount: a signed one would make Halide allow for shifts to the left.
  return (high + addend) >> cast<uint32_t>(shift);
}

Expr rescale_float(const Expr& sum, const Expr& scale, const Expr& offset, const Expr& zero_point) {
  return select(has_zero_lowest(zero_point), instruction(Int(32), "octet_scale_positive", {sum, scale, offset}),
                instruction(Int(32), "octet_scale", {sum, scale, offset}) + zero_point);
}

Expr has_zero_lowest(const Expr& zero_point) { return zero_point == 0; }

Expr rescale_sqrdmulh(const Expr& sum, const Expr& multiplier, const Expr& down, const Expr& ties_away) {
  Expr v = rounding_mul_shift_right(sum, multiplier, 31);
  // Both signs are set: v < 0 and s > 0.
  Expr away = v + ((v & down) >> 31);
  return rounding_shift_left(select(ties_away, away, v), down);
}

Expr narrowed(const Expr& value, const Expr& zero_point) {
  return saturating_cast<int8_t>(saturating_add(value, cast<int16_t>(zero_point)));
}

Expr are_int16(const Expr& fits_int16) { return fits_int16 == 1; }

Expr clamps_below_at_zero(const Expr& zero_point, const Expr& lo) { return zero_point == -128 && lo == -128; }

Expr rescaled_wide(Target target, bool in_float, const Expr& sum, const ImageParam& channels, const Var& channel,
                   const Expr& pixel, const Expr& zero_point, const Expr& lo) {
  if (in_float)
    return rescale_float(sum, reinterpret<float>(channels(channel, kScale, 0)),
                         reinterpret<float>(channels(channel, kOffset, 0)), zero_point);
  Expr m = channels(channel, kMultiplier, pixel), quadruple = sum << 2;
  Expr high = target == Target::Avx512Vnni
                  ? instruction(Int(32), "octet_mulhs", {quadruple, m, channels(channel, kMultiplierOdd, pixel)})
                  : cast<int32_t>((cast<int64_t>(quadruple) * cast<int64_t>(m)) >> 32);
  return rescale_mulhs(high, sum, channels(channel, kShift, 0), channels(channel, kRound, 0),
                       channels(channel, kRoundBelow, 0), /*ties_away=*/lo < zero_point);
}

Expr rescaled(Target target, bool in_float, const Expr& sum, const ImageParam& channels, const Var& channel,
              const Var& pixel, const Expr& fits_int16, const Expr& zero_point, const Expr& lo, const Expr& hi) {
  if (activation_of(target).is_uint()) {
    Expr value = rescaled_wide(target, in_float, sum, channels, channel, pixel, zero_point, lo);
    // Bytes are clamped four times as fast as sums.
    return clamp(instruction(UInt(8), "octet_saturate_u8", {value}), cast<uint8_t>(lo), cast<uint8_t>(hi));
  }
  Expr wide = rescale_sqrdmulh(sum, channels(channel, kMultiplier, 0), channels(channel, kShift, 0),
                               /*ties_away=*/lo < zero_point);
  Expr value =
      select(are_int16(fits_int16), instruction(Int(16), "octet_lower_halves", {wide}), saturating_cast<int16_t>(wide));
  Expr from_zero = reinterpret<int8_t>(saturating_cast<uint8_t>(value) ^ cast<uint8_t>(0x80));
  Expr byte = select(clamps_below_at_zero(zero_point, lo), from_zero, narrowed(value, zero_point));
  return clamp(byte, cast<int8_t>(lo), cast<int8_t>(hi));
}

Expr narrowed_clamped(Target target, const Expr& value, const Expr& lo, const Expr& hi) {
  Expr byte = target == Target::Avx512Vnni ? instruction(UInt(8), "octet_saturate_u8_within_lanes", {value})
                                           : cast<uint8_t>(clamp(value, 0, 255));
  // Bytes are clamped four times as fast as sums.
  return clamp(byte, cast<uint8_t>(lo), cast<uint8_t>(hi));
}

Expr requantized(Target target, const Expr& sum, const Expr& multiplier, const Expr& left, const Expr& right,
                 const Expr& zero_point, const Expr& lo, const Expr& hi) {
  if (activation_of(target).is_uint())
    return cast<uint8_t>(clamp(rescale_exact(sum, multiplier, left, right, zero_point), lo, hi));
  Expr value = rescale_sqrdmulh(sum << cast<uint32_t>(left), multiplier, -right, /*ties_away=*/const_true());
  return clamp(narrowed(saturating_cast<int16_t>(value), zero_point), cast<int8_t>(lo), cast<int8_t>(hi));
}

Expr rescale_shifted_byte(const Expr& difference, const Expr& multiplier, const Expr& right) {
  Expr hi = multiplier >> 16, lo = multiplier & 0xffff;
  Expr high = ((difference * hi) << 5) + ((difference * lo + 1024) >> 11);
  // RDBP, in one expression for right == 0 too: nothing to add then.
  Expr half = cast<int32_t>((cast<uint32_t>(1) << cast<uint32_t>(right)) >> 1);
  Expr below = select(high < 0 && right != 0, 1, 0);
  return (high + half - below) >> cast<uint32_t>(right);
}

}  // namespace octet
