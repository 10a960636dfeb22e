; Instructions of 64-bit Arm that Halide 14 does not select, as functions (see avx512vnni.ll).

target datalayout = "e-m:e-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128"

declare <4 x i16> @llvm.aarch64.neon.addhn.v4i16(<4 x i32>, <4 x i32>)

; High halves of a + b. As a mere addition, LLVM would make one chain of it and what was added up before, which begins
; with a copy.
define weak_odr <4 x i16> @octet_add_high_halvesx4(<4 x i32> %a, <4 x i32> %b) alwaysinline {
  %halves = call <4 x i16> @llvm.aarch64.neon.addhn.v4i16(<4 x i32> %a, <4 x i32> %b)
  ret <4 x i16> %halves
}
