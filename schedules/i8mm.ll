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

; Of words that come twice each: the lower half of the first, the upper half of the second.
define weak_odr <4 x i32> @octet_halvesx4(<4 x i64> %words) alwaysinline {
  %once = shufflevector <4 x i64> %words, <4 x i64> undef, <2 x i32> <i32 0, i32 2>
  %halves = bitcast <2 x i64> %once to <4 x i32>
  ret <4 x i32> %halves
}

; Of bytes, two by two in turns of a first and a second pixel: those of the first, or of the second.
define weak_odr <8 x i8> @octet_even_pairsx8(<8 x i8> %a, <8 x i8> %b) alwaysinline {
  %all = shufflevector <8 x i8> %a, <8 x i8> %b, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %pairs = bitcast <16 x i8> %all to <8 x i16>
  %picked = shufflevector <8 x i16> %pairs, <8 x i16> undef, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  %bytes = bitcast <4 x i16> %picked to <8 x i8>
  ret <8 x i8> %bytes
}
define weak_odr <8 x i8> @octet_odd_pairsx8(<8 x i8> %a, <8 x i8> %b) alwaysinline {
  %all = shufflevector <8 x i8> %a, <8 x i8> %b, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %pairs = bitcast <16 x i8> %all to <8 x i16>
  %picked = shufflevector <8 x i16> %pairs, <8 x i16> undef, <4 x i32> <i32 1, i32 3, i32 5, i32 7>
  %bytes = bitcast <4 x i16> %picked to <8 x i8>
  ret <8 x i8> %bytes
}
define weak_odr <16 x i8> @octet_even_pairsx16(<16 x i8> %a, <16 x i8> %b) alwaysinline {
  %all = shufflevector <16 x i8> %a, <16 x i8> %b, <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %pairs = bitcast <32 x i8> %all to <16 x i16>
  %picked = shufflevector <16 x i16> %pairs, <16 x i16> undef, <8 x i32> <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14>
  %bytes = bitcast <8 x i16> %picked to <16 x i8>
  ret <16 x i8> %bytes
}
define weak_odr <16 x i8> @octet_odd_pairsx16(<16 x i8> %a, <16 x i8> %b) alwaysinline {
  %all = shufflevector <16 x i8> %a, <16 x i8> %b, <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %pairs = bitcast <32 x i8> %all to <16 x i16>
  %picked = shufflevector <16 x i16> %pairs, <16 x i16> undef, <8 x i32> <i32 1, i32 3, i32 5, i32 7, i32 9, i32 11, i32 13, i32 15>
  %bytes = bitcast <8 x i16> %picked to <16 x i8>
  ret <16 x i8> %bytes
}
