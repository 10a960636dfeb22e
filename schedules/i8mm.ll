; Instructions of i8mm, which Halide 14 does not know, as functions that its code generator finds by name and number of
; lanes and inlines (see avx512vnni.ll). llc is told that the target has them (compile_kernels.cpp).

target datalayout = "e-m:e-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128"

declare <4 x i32> @llvm.aarch64.neon.smmla.v4i32.v16i8(<4 x i32>, <16 x i8>, <16 x i8>)

; Adds the products of two pixels and two output channels, eight input channels each: a has a pixel in each lane, b an
; output channel, sums in each lane those of a pixel, its two channels side by side.
define weak_odr <2 x i64> @octet_smmlax2(<2 x i64> %sums, <2 x i64> %a, <2 x i64> %b) alwaysinline {
  %sums32 = bitcast <2 x i64> %sums to <4 x i32>
  %a8 = bitcast <2 x i64> %a to <16 x i8>
  %b8 = bitcast <2 x i64> %b to <16 x i8>
  %added = call <4 x i32> @llvm.aarch64.neon.smmla.v4i32.v16i8(<4 x i32> %sums32, <16 x i8> %a8, <16 x i8> %b8)
  %added64 = bitcast <4 x i32> %added to <2 x i64>
  ret <2 x i64> %added64
}

; The first and the second lanes.
define weak_odr <2 x i64> @octet_zip1x2(<2 x i64> %a, <2 x i64> %b) alwaysinline {
  %zip = shufflevector <2 x i64> %a, <2 x i64> %b, <2 x i32> <i32 0, i32 2>
  ret <2 x i64> %zip
}
define weak_odr <2 x i64> @octet_zip2x2(<2 x i64> %a, <2 x i64> %b) alwaysinline {
  %zip = shufflevector <2 x i64> %a, <2 x i64> %b, <2 x i32> <i32 1, i32 3>
  ret <2 x i64> %zip
}

; Of words that come twice each: the lower half of the first, the upper half of the second.
define weak_odr <4 x i32> @octet_halvesx4(<4 x i64> %words) alwaysinline {
  %once = shufflevector <4 x i64> %words, <4 x i64> undef, <2 x i32> <i32 0, i32 2>
  %halves = bitcast <2 x i64> %once to <4 x i32>
  ret <4 x i32> %halves
}
