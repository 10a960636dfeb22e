; Instructions that Halide 14 does not select for SSE4.1, as functions that Halide's code generator finds by name and
; number of lanes and inlines. The algorithms in generators/ call them by `instruction` (generators/halide.h).

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"

; trunc(sum * scale + (sum < 0 ? -offset : offset)), the product rounded, then the sum; offset >= 0.
define weak_odr <4 x i32> @octet_scalex4(<4 x i32> %sum, <4 x float> %scale, <4 x float> %offset) alwaysinline {
  %value = sitofp <4 x i32> %sum to <4 x float>
  %bits = bitcast <4 x float> %value to <4 x i32>
  %sign = and <4 x i32> %bits, <i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648>
  %magnitude = bitcast <4 x float> %offset to <4 x i32>
  %outward_bits = or <4 x i32> %sign, %magnitude
  %outward = bitcast <4 x i32> %outward_bits to <4 x float>
  %product = fmul <4 x float> %value, %scale
  %scaled = fadd <4 x float> %product, %outward
  %result = fptosi <4 x float> %scaled to <4 x i32>
  ret <4 x i32> %result
}

; trunc(sum * scale + offset): the same for sums >= 0; 0 or less for others, where the offset is below 1.
define weak_odr <4 x i32> @octet_scale_positivex4(<4 x i32> %sum, <4 x float> %scale, <4 x float> %offset) alwaysinline {
  %value = sitofp <4 x i32> %sum to <4 x float>
  %product = fmul <4 x float> %value, %scale
  %scaled = fadd <4 x float> %product, %offset
  %result = fptosi <4 x float> %scaled to <4 x i32>
  ret <4 x i32> %result
}

declare <8 x i16> @llvm.x86.sse2.packssdw.128(<4 x i32>, <4 x i32>)
declare <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16>, <8 x i16>)

; int32 saturated to uint8.
define weak_odr <8 x i8> @octet_saturate_u8x8(<8 x i32> %v) alwaysinline {
  %a = shufflevector <8 x i32> %v, <8 x i32> undef, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %b = shufflevector <8 x i32> %v, <8 x i32> undef, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %words = call <8 x i16> @llvm.x86.sse2.packssdw.128(<4 x i32> %a, <4 x i32> %b)
  %packed = call <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16> %words, <8 x i16> undef)
  %bytes = shufflevector <16 x i8> %packed, <16 x i8> undef, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  ret <8 x i8> %bytes
}

define weak_odr <4 x i8> @octet_saturate_u8x4(<4 x i32> %v) alwaysinline {
  %words = call <8 x i16> @llvm.x86.sse2.packssdw.128(<4 x i32> %v, <4 x i32> undef)
  %packed = call <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16> %words, <8 x i16> undef)
  %bytes = shufflevector <16 x i8> %packed, <16 x i8> undef, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  ret <4 x i8> %bytes
}

declare <4 x i32> @llvm.x86.sse2.pmadd.wd(<8 x i16>, <8 x i16>)

; Adds the products of both int16 halves of a and b.
define weak_odr <4 x i32> @octet_dot_wordsx4(<4 x i32> %sum, <4 x i32> %a, <4 x i32> %b) alwaysinline {
  %a16 = bitcast <4 x i32> %a to <8 x i16>
  %b16 = bitcast <4 x i32> %b to <8 x i16>
  %products = call <4 x i32> @llvm.x86.sse2.pmadd.wd(<8 x i16> %a16, <8 x i16> %b16)
  %added = add <4 x i32> %sum, %products
  ret <4 x i32> %added
}
