; Instructions that Halide 14 does not select for AVX-512, as functions that Halide's code generator finds by name and
; number of lanes (a call of "octet_f" on 16 lanes becomes octet_fx16) and inlines. The algorithms in generators/ call
; them by `instruction` (generators/halide.h).

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"

declare <32 x i16> @llvm.x86.avx512.packssdw.512(<16 x i32>, <16 x i32>)
declare <64 x i8> @llvm.x86.avx512.packuswb.512(<32 x i16>, <32 x i16>)

; High halves of the 64-bit products a b. Even lanes of b come first, odd lanes of b lie in the even lanes of b_odd: so
; that vpmuldq takes both from memory.
define weak_odr <16 x i32> @octet_mulhsx16(<16 x i32> %a, <16 x i32> %b, <16 x i32> %b_odd) alwaysinline {
  %a64 = bitcast <16 x i32> %a to <8 x i64>
  %b64 = bitcast <16 x i32> %b to <8 x i64>
  %c64 = bitcast <16 x i32> %b_odd to <8 x i64>
  %a_up = shl <8 x i64> %a64, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %b_up = shl <8 x i64> %b64, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %c_up = shl <8 x i64> %c64, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %a_even = ashr <8 x i64> %a_up, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %a_odd = ashr <8 x i64> %a64, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %b_even = ashr <8 x i64> %b_up, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %b_odds = ashr <8 x i64> %c_up, <i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32, i64 32>
  %even = mul <8 x i64> %a_even, %b_even
  %odd = mul <8 x i64> %a_odd, %b_odds
  %even32 = bitcast <8 x i64> %even to <16 x i32>
  %odd32 = bitcast <8 x i64> %odd to <16 x i32>
  %high = shufflevector <16 x i32> %even32, <16 x i32> %odd32, <16 x i32> <i32 1, i32 17, i32 3, i32 19, i32 5, i32 21, i32 7, i32 23, i32 9, i32 25, i32 11, i32 27, i32 13, i32 29, i32 15, i32 31>
  ret <16 x i32> %high
}

declare <16 x i32> @llvm.x86.avx512.vpdpwssd.512(<16 x i32>, <16 x i32>, <16 x i32>)

; Adds the products of both int16 halves of a and b.
define weak_odr <16 x i32> @octet_dot_wordsx16(<16 x i32> %sum, <16 x i32> %a, <16 x i32> %b) alwaysinline {
  %added = call <16 x i32> @llvm.x86.avx512.vpdpwssd.512(<16 x i32> %sum, <16 x i32> %a, <16 x i32> %b)
  ret <16 x i32> %added
}

; Of each 4 bytes the upper three, and a 0 behind them.
define weak_odr <64 x i8> @octet_next_in_wordx64(<64 x i8> %bytes) alwaysinline {
  %words = bitcast <64 x i8> %bytes to <16 x i32>
  %shifted = lshr <16 x i32> %words, <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %next = bitcast <16 x i32> %shifted to <64 x i8>
  ret <64 x i8> %next
}

; int32 saturated to uint8. The packs work within lanes of 128 bits: of each lane the bytes of all four vectors come out
; side by side.
define weak_odr <64 x i8> @octet_saturate_u8_within_lanesx64(<64 x i32> %v) alwaysinline {
  %a = shufflevector <64 x i32> %v, <64 x i32> undef, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %b = shufflevector <64 x i32> %v, <64 x i32> undef, <16 x i32> <i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %c = shufflevector <64 x i32> %v, <64 x i32> undef, <16 x i32> <i32 32, i32 33, i32 34, i32 35, i32 36, i32 37, i32 38, i32 39, i32 40, i32 41, i32 42, i32 43, i32 44, i32 45, i32 46, i32 47>
  %d = shufflevector <64 x i32> %v, <64 x i32> undef, <16 x i32> <i32 48, i32 49, i32 50, i32 51, i32 52, i32 53, i32 54, i32 55, i32 56, i32 57, i32 58, i32 59, i32 60, i32 61, i32 62, i32 63>
  %ab = call <32 x i16> @llvm.x86.avx512.packssdw.512(<16 x i32> %a, <16 x i32> %b)
  %cd = call <32 x i16> @llvm.x86.avx512.packssdw.512(<16 x i32> %c, <16 x i32> %d)
  %packed = call <64 x i8> @llvm.x86.avx512.packuswb.512(<32 x i16> %ab, <32 x i16> %cd)
  ret <64 x i8> %packed
}

; The same in order: one permutation of dwords puts that right.
define weak_odr <64 x i8> @octet_saturate_u8x64(<64 x i32> %v) alwaysinline {
  %packed = call <64 x i8> @octet_saturate_u8_within_lanesx64(<64 x i32> %v)
  %dwords = bitcast <64 x i8> %packed to <16 x i32>
  %ordered = shufflevector <16 x i32> %dwords, <16 x i32> undef, <16 x i32> <i32 0, i32 4, i32 8, i32 12, i32 1, i32 5, i32 9, i32 13, i32 2, i32 6, i32 10, i32 14, i32 3, i32 7, i32 11, i32 15>
  %bytes = bitcast <16 x i32> %ordered to <64 x i8>
  ret <64 x i8> %bytes
}

define weak_odr <32 x i8> @octet_saturate_u8x32(<32 x i32> %v) alwaysinline {
  %a = shufflevector <32 x i32> %v, <32 x i32> undef, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %b = shufflevector <32 x i32> %v, <32 x i32> undef, <16 x i32> <i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %ab = call <32 x i16> @llvm.x86.avx512.packssdw.512(<16 x i32> %a, <16 x i32> %b)
  %packed = call <64 x i8> @llvm.x86.avx512.packuswb.512(<32 x i16> %ab, <32 x i16> %ab)
  %dwords = bitcast <64 x i8> %packed to <16 x i32>
  %ordered = shufflevector <16 x i32> %dwords, <16 x i32> undef, <8 x i32> <i32 0, i32 4, i32 8, i32 12, i32 1, i32 5, i32 9, i32 13>
  %bytes = bitcast <8 x i32> %ordered to <32 x i8>
  ret <32 x i8> %bytes
}

; Bytes of each lane's lower or upper half, those of a and b in turn.
define private <64 x i8> @unpack_low(<64 x i8> %a, <64 x i8> %b) alwaysinline {
  %bytes = shufflevector <64 x i8> %a, <64 x i8> %b, <64 x i32> <i32 0, i32 64, i32 1, i32 65, i32 2, i32 66, i32 3, i32 67, i32 4, i32 68, i32 5, i32 69, i32 6, i32 70, i32 7, i32 71, i32 16, i32 80, i32 17, i32 81, i32 18, i32 82, i32 19, i32 83, i32 20, i32 84, i32 21, i32 85, i32 22, i32 86, i32 23, i32 87, i32 32, i32 96, i32 33, i32 97, i32 34, i32 98, i32 35, i32 99, i32 36, i32 100, i32 37, i32 101, i32 38, i32 102, i32 39, i32 103, i32 48, i32 112, i32 49, i32 113, i32 50, i32 114, i32 51, i32 115, i32 52, i32 116, i32 53, i32 117, i32 54, i32 118, i32 55, i32 119>
  ret <64 x i8> %bytes
}

define private <64 x i8> @unpack_high(<64 x i8> %a, <64 x i8> %b) alwaysinline {
  %bytes = shufflevector <64 x i8> %a, <64 x i8> %b, <64 x i32> <i32 8, i32 72, i32 9, i32 73, i32 10, i32 74, i32 11, i32 75, i32 12, i32 76, i32 13, i32 77, i32 14, i32 78, i32 15, i32 79, i32 24, i32 88, i32 25, i32 89, i32 26, i32 90, i32 27, i32 91, i32 28, i32 92, i32 29, i32 93, i32 30, i32 94, i32 31, i32 95, i32 40, i32 104, i32 41, i32 105, i32 42, i32 106, i32 43, i32 107, i32 44, i32 108, i32 45, i32 109, i32 46, i32 110, i32 47, i32 111, i32 56, i32 120, i32 57, i32 121, i32 58, i32 122, i32 59, i32 123, i32 60, i32 124, i32 61, i32 125, i32 62, i32 126, i32 63, i32 127>
  ret <64 x i8> %bytes
}

; uint8 a and b as the int16 halves of a word, in the order that octet_saturate_u8_within_lanes puts right.
define weak_odr <64 x i32> @octet_pair_within_lanesx64(<64 x i8> %a, <64 x i8> %b) alwaysinline {
  %low = call <64 x i8> @unpack_low(<64 x i8> %a, <64 x i8> %b)
  %high = call <64 x i8> @unpack_high(<64 x i8> %a, <64 x i8> %b)
  %low_low = call <64 x i8> @unpack_low(<64 x i8> %low, <64 x i8> zeroinitializer)
  %low_high = call <64 x i8> @unpack_high(<64 x i8> %low, <64 x i8> zeroinitializer)
  %high_low = call <64 x i8> @unpack_low(<64 x i8> %high, <64 x i8> zeroinitializer)
  %high_high = call <64 x i8> @unpack_high(<64 x i8> %high, <64 x i8> zeroinitializer)
  %a0 = bitcast <64 x i8> %low_low to <16 x i32>
  %a1 = bitcast <64 x i8> %low_high to <16 x i32>
  %a2 = bitcast <64 x i8> %high_low to <16 x i32>
  %a3 = bitcast <64 x i8> %high_high to <16 x i32>
  %lower = shufflevector <16 x i32> %a0, <16 x i32> %a1, <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %upper = shufflevector <16 x i32> %a2, <16 x i32> %a3, <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %words = shufflevector <32 x i32> %lower, <32 x i32> %upper, <64 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31, i32 32, i32 33, i32 34, i32 35, i32 36, i32 37, i32 38, i32 39, i32 40, i32 41, i32 42, i32 43, i32 44, i32 45, i32 46, i32 47, i32 48, i32 49, i32 50, i32 51, i32 52, i32 53, i32 54, i32 55, i32 56, i32 57, i32 58, i32 59, i32 60, i32 61, i32 62, i32 63>
  ret <64 x i32> %words
}

declare <16 x i32> @llvm.smax.v16i32(<16 x i32>, <16 x i32>)
declare <16 x i32> @llvm.smin.v16i32(<16 x i32>, <16 x i32>)

define weak_odr <16 x i8> @octet_saturate_u8x16(<16 x i32> %v) alwaysinline {
  %least = call <16 x i32> @llvm.smax.v16i32(<16 x i32> %v, <16 x i32> zeroinitializer)
  %most = call <16 x i32> @llvm.smin.v16i32(<16 x i32> %least, <16 x i32> <i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255, i32 255>)
  %bytes = trunc <16 x i32> %most to <16 x i8>
  ret <16 x i8> %bytes
}

declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)

; trunc(sum * scale + (sum < 0 ? -offset : offset)), rounded once before it is truncated; offset >= 0.
define weak_odr <16 x i32> @octet_scalex16(<16 x i32> %sum, <16 x float> %scale, <16 x float> %offset) alwaysinline {
  %value = sitofp <16 x i32> %sum to <16 x float>
  %bits = bitcast <16 x float> %value to <16 x i32>
  %sign = and <16 x i32> %bits, <i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648>
  %magnitude = bitcast <16 x float> %offset to <16 x i32>
  %outward_bits = or <16 x i32> %sign, %magnitude
  %outward = bitcast <16 x i32> %outward_bits to <16 x float>
  %scaled = call <16 x float> @llvm.fma.v16f32(<16 x float> %value, <16 x float> %scale, <16 x float> %outward)
  %result = fptosi <16 x float> %scaled to <16 x i32>
  ret <16 x i32> %result
}

; trunc(sum * scale + offset): the same for sums >= 0; 0 or less for others, where the offset is below 1.
define weak_odr <16 x i32> @octet_scale_positivex16(<16 x i32> %sum, <16 x float> %scale, <16 x float> %offset) alwaysinline {
  %value = sitofp <16 x i32> %sum to <16 x float>
  %scaled = call <16 x float> @llvm.fma.v16f32(<16 x float> %value, <16 x float> %scale, <16 x float> %offset)
  %result = fptosi <16 x float> %scaled to <16 x i32>
  ret <16 x i32> %result
}

; Its argument. What it keeps on the stack makes LLVM align that to 64 bytes, before it knows whether it will spill
; vectors: across two cache lines each would take twice as long.
define weak_odr i32 @octet_align_stack(i32 %value) alwaysinline {
  %place = alloca i32, align 64
  store volatile i32 %value, i32* %place
  %same = load volatile i32, i32* %place
  ret i32 %same
}

declare void @llvm.prefetch(i8*, i32, i32, i32)

; To the first-level cache: the line of byte `begin` + `place` / 2^`halvings`; `place` is not negative.
define weak_odr i32 @octet_prefetch(i8* %bytes, i32 %begin, i32 %place, i32 %halvings) alwaysinline {
  %from = sext i32 %begin to i64
  %part = lshr i32 %place, %halvings
  %distance = zext i32 %part to i64
  %here = getelementptr i8, i8* %bytes, i64 %from
  %there = getelementptr i8, i8* %here, i64 %distance
  call void @llvm.prefetch(i8* %there, i32 0, i32 3, i32 1)
  ret i32 0
}
