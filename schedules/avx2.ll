; Instructions that Halide 14 does not select for AVX2, as functions that Halide's code generator finds by name and
; number of lanes and inlines. The algorithms in generators/ call them by `instruction` (generators/halide.h).

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128"

declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)

; trunc(sum * scale + (sum < 0 ? -offset : offset)), rounded once before it is truncated; offset >= 0.
define weak_odr <8 x i32> @octet_scalex8(<8 x i32> %sum, <8 x float> %scale, <8 x float> %offset) alwaysinline {
  %value = sitofp <8 x i32> %sum to <8 x float>
  %bits = bitcast <8 x float> %value to <8 x i32>
  %sign = and <8 x i32> %bits, <i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648, i32 -2147483648>
  %magnitude = bitcast <8 x float> %offset to <8 x i32>
  %outward_bits = or <8 x i32> %sign, %magnitude
  %outward = bitcast <8 x i32> %outward_bits to <8 x float>
  %scaled = call <8 x float> @llvm.fma.v8f32(<8 x float> %value, <8 x float> %scale, <8 x float> %outward)
  %result = fptosi <8 x float> %scaled to <8 x i32>
  ret <8 x i32> %result
}

; trunc(sum * scale + offset): the same for sums >= 0; 0 or less for others, where the offset is below 1.
define weak_odr <8 x i32> @octet_scale_positivex8(<8 x i32> %sum, <8 x float> %scale, <8 x float> %offset) alwaysinline {
  %value = sitofp <8 x i32> %sum to <8 x float>
  %scaled = call <8 x float> @llvm.fma.v8f32(<8 x float> %value, <8 x float> %scale, <8 x float> %offset)
  %result = fptosi <8 x float> %scaled to <8 x i32>
  ret <8 x i32> %result
}

declare <16 x i16> @llvm.x86.avx2.packssdw(<8 x i32>, <8 x i32>)
declare <8 x i16> @llvm.x86.sse2.packssdw.128(<4 x i32>, <4 x i32>)
declare <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16>, <8 x i16>)

; int32 saturated to uint8.
define weak_odr <16 x i8> @octet_saturate_u8x16(<16 x i32> %v) alwaysinline {
  %a = shufflevector <16 x i32> %v, <16 x i32> undef, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %b = shufflevector <16 x i32> %v, <16 x i32> undef, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %words = call <16 x i16> @llvm.x86.avx2.packssdw(<8 x i32> %a, <8 x i32> %b)
  %lower = shufflevector <16 x i16> %words, <16 x i16> undef, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %upper = shufflevector <16 x i16> %words, <16 x i16> undef, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %packed = call <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16> %lower, <8 x i16> %upper)
  %dwords = bitcast <16 x i8> %packed to <4 x i32>
  %ordered = shufflevector <4 x i32> %dwords, <4 x i32> undef, <4 x i32> <i32 0, i32 2, i32 1, i32 3>
  %bytes = bitcast <4 x i32> %ordered to <16 x i8>
  ret <16 x i8> %bytes
}

define weak_odr <8 x i8> @octet_saturate_u8x8(<8 x i32> %v) alwaysinline {
  %a = shufflevector <8 x i32> %v, <8 x i32> undef, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %b = shufflevector <8 x i32> %v, <8 x i32> undef, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %words = call <8 x i16> @llvm.x86.sse2.packssdw.128(<4 x i32> %a, <4 x i32> %b)
  %packed = call <16 x i8> @llvm.x86.sse2.packuswb.128(<8 x i16> %words, <8 x i16> undef)
  %bytes = shufflevector <16 x i8> %packed, <16 x i8> undef, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  ret <8 x i8> %bytes
}

declare <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8>, <32 x i8>)
declare <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16>, <16 x i16>)
declare <16 x i16> @llvm.sadd.sat.v16i16(<16 x i16>, <16 x i16>)

; sum + a . w, bytes of 2 or 4 words, a unsigned; in lanes of 16 bits the products of all words are added. That
; saturates no sum that weights allow, but LLVM leaves it in this order, which takes fewest registers.
define weak_odr <8 x i32> @octet_dot_bytes8x8(<8 x i32> %sum, <8 x i32> %a0, <8 x i32> %w0, <8 x i32> %a1, <8 x i32> %w1) alwaysinline {
  %x0 = bitcast <8 x i32> %a0 to <32 x i8>
  %y0 = bitcast <8 x i32> %w0 to <32 x i8>
  %p0 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x0, <32 x i8> %y0)
  %x1 = bitcast <8 x i32> %a1 to <32 x i8>
  %y1 = bitcast <8 x i32> %w1 to <32 x i8>
  %p1 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x1, <32 x i8> %y1)
  %s1 = call <16 x i16> @llvm.sadd.sat.v16i16(<16 x i16> %p0, <16 x i16> %p1)
  %wide = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %s1, <16 x i16> <i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1>)
  %total = add <8 x i32> %sum, %wide
  ret <8 x i32> %total
}

define weak_odr <8 x i32> @octet_dot_bytes16x8(<8 x i32> %sum, <8 x i32> %a0, <8 x i32> %w0, <8 x i32> %a1, <8 x i32> %w1, <8 x i32> %a2, <8 x i32> %w2, <8 x i32> %a3, <8 x i32> %w3) alwaysinline {
  %x0 = bitcast <8 x i32> %a0 to <32 x i8>
  %y0 = bitcast <8 x i32> %w0 to <32 x i8>
  %p0 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x0, <32 x i8> %y0)
  %x1 = bitcast <8 x i32> %a1 to <32 x i8>
  %y1 = bitcast <8 x i32> %w1 to <32 x i8>
  %p1 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x1, <32 x i8> %y1)
  %s1 = call <16 x i16> @llvm.sadd.sat.v16i16(<16 x i16> %p0, <16 x i16> %p1)
  %x2 = bitcast <8 x i32> %a2 to <32 x i8>
  %y2 = bitcast <8 x i32> %w2 to <32 x i8>
  %p2 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x2, <32 x i8> %y2)
  %s2 = call <16 x i16> @llvm.sadd.sat.v16i16(<16 x i16> %s1, <16 x i16> %p2)
  %x3 = bitcast <8 x i32> %a3 to <32 x i8>
  %y3 = bitcast <8 x i32> %w3 to <32 x i8>
  %p3 = call <16 x i16> @llvm.x86.avx2.pmadd.ub.sw(<32 x i8> %x3, <32 x i8> %y3)
  %s3 = call <16 x i16> @llvm.sadd.sat.v16i16(<16 x i16> %s2, <16 x i16> %p3)
  %wide = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %s3, <16 x i16> <i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1, i16 1>)
  %total = add <8 x i32> %sum, %wide
  ret <8 x i32> %total
}

; Adds the products of both int16 halves of a and b.
define weak_odr <8 x i32> @octet_dot_wordsx8(<8 x i32> %sum, <8 x i32> %a, <8 x i32> %b) alwaysinline {
  %a16 = bitcast <8 x i32> %a to <16 x i16>
  %b16 = bitcast <8 x i32> %b to <16 x i16>
  %products = call <8 x i32> @llvm.x86.avx2.pmadd.wd(<16 x i16> %a16, <16 x i16> %b16)
  %added = add <8 x i32> %sum, %products
  ret <8 x i32> %added
}
