; Instructions of 64-bit Arm that Halide 14 does not select, as functions (see avx512vnni.ll).

target datalayout = "e-m:e-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128"

declare <4 x i16> @llvm.aarch64.neon.addhn.v4i16(<4 x i32>, <4 x i32>)

; High halves of a + b. As a mere addition, LLVM would make one chain of it and what was added up before, which begins
; with a copy.
define weak_odr <4 x i16> @octet_add_high_halvesx4(<4 x i32> %a, <4 x i32> %b) alwaysinline {
  %halves = call <4 x i16> @llvm.aarch64.neon.addhn.v4i16(<4 x i32> %a, <4 x i32> %b)
  ret <4 x i16> %halves
}

; The lower halves of words that fit in them: two vectors by one instruction, where saturating takes one each.
define weak_odr <4 x i16> @octet_lower_halvesx4(<4 x i32> %words) alwaysinline {
  %halves = bitcast <4 x i32> %words to <8 x i16>
  %lower = shufflevector <8 x i16> %halves, <8 x i16> undef, <4 x i32> <i32 0, i32 2, i32 4, i32 6>
  ret <4 x i16> %lower
}
define weak_odr <8 x i16> @octet_lower_halvesx8(<8 x i32> %words) alwaysinline {
  %halves = bitcast <8 x i32> %words to <16 x i16>
  %lower = shufflevector <16 x i16> %halves, <16 x i16> undef, <8 x i32> <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14>
  ret <8 x i16> %lower
}
define weak_odr <16 x i16> @octet_lower_halvesx16(<16 x i32> %words) alwaysinline {
  %halves = bitcast <16 x i32> %words to <32 x i16>
  %lower = shufflevector <32 x i16> %halves, <32 x i16> undef, <16 x i32> <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14, i32 16, i32 18, i32 20, i32 22, i32 24, i32 26, i32 28, i32 30>
  ret <16 x i16> %lower
}
define weak_odr <32 x i16> @octet_lower_halvesx32(<32 x i32> %words) alwaysinline {
  %halves = bitcast <32 x i32> %words to <64 x i16>
  %lower = shufflevector <64 x i16> %halves, <64 x i16> undef, <32 x i32> <i32 0, i32 2, i32 4, i32 6, i32 8, i32 10, i32 12, i32 14, i32 16, i32 18, i32 20, i32 22, i32 24, i32 26, i32 28, i32 30, i32 32, i32 34, i32 36, i32 38, i32 40, i32 42, i32 44, i32 46, i32 48, i32 50, i32 52, i32 54, i32 56, i32 58, i32 60, i32 62>
  ret <32 x i16> %lower
}
