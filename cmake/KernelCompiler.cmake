# octet-kernels: the program that compiles the kernels. Built for the building machine, never sanitized (Halide is not).
find_path(HALIDE_DIR Halide.h PATH_SUFFIXES halide14 halide REQUIRED)
find_library(HALIDE_LIBRARY NAMES Halide14 Halide REQUIRED)
set(octet_root ${CMAKE_CURRENT_LIST_DIR}/..)
add_executable(octet-kernels
  ${octet_root}/generators/convolution.cpp
  ${octet_root}/generators/depthwise.cpp
  ${octet_root}/generators/elementwise.cpp
  ${octet_root}/generators/mean.cpp
  ${octet_root}/generators/pool.cpp
  ${octet_root}/generators/requantize.cpp
  ${octet_root}/generators/rescale.cpp
  ${octet_root}/schedules/arm.cpp
  ${octet_root}/schedules/arm_depthwise.cpp
  ${octet_root}/schedules/compile_kernels.cpp
  ${octet_root}/schedules/elementwise.cpp
  ${octet_root}/schedules/fixed.cpp
  ${octet_root}/schedules/make_pipeline.cpp
  ${octet_root}/schedules/promise_layout.cpp
  ${octet_root}/schedules/request.cpp
  ${octet_root}/schedules/x86.cpp
  ${octet_root}/schedules/x86_depthwise.cpp
  ${octet_root}/schedules/overlap_tiles.cpp
  ${octet_root}/schedules/two_loops.cpp
  ${octet_root}/schedules/prefetch.cpp
  ${octet_root}/schedules/x86_lanes.cpp
  ${octet_root}/runtime/cpu_supports.cpp
  ${octet_root}/runtime/target.cpp)
target_compile_options(octet-kernels PRIVATE -Wall -Wextra -Werror -O1)
target_include_directories(octet-kernels PRIVATE ${octet_root})
target_include_directories(octet-kernels SYSTEM PRIVATE ${HALIDE_DIR})
target_link_libraries(octet-kernels PRIVATE ${HALIDE_LIBRARY})
target_precompile_headers(octet-kernels PRIVATE <Halide.h>)

# Instructions that Halide does not select: schedules/<target>.ll and arm.ll, as bitcode within the program. Bitcode keeps
# its source's path as it was given.
find_program(LLVM_AS NAMES llvm-as-14 llvm-as REQUIRED)
find_program(LLC NAMES llc-14 llc REQUIRED)
# GNU's: LLVM's makes no objects of bytes alone.
find_program(GNU_LD NAMES ld.bfd ld REQUIRED)
set(instructions ${CMAKE_CURRENT_BINARY_DIR}/instructions)
file(MAKE_DIRECTORY ${instructions})
foreach(target sse41 avx2 avx512vnni arm i8mm)
  add_custom_command(
    OUTPUT ${instructions}/${target}.o
    COMMAND ${CMAKE_COMMAND} -E chdir ${octet_root}/schedules ${LLVM_AS} ${target}.ll -o ${instructions}/${target}.bc
    COMMAND ${GNU_LD} -r -b binary -o ${target}.o ${target}.bc
    DEPENDS ${octet_root}/schedules/${target}.ll
    WORKING_DIRECTORY ${instructions}
    VERBATIM)
  target_sources(octet-kernels PRIVATE ${instructions}/${target}.o)
endforeach()
# Objects that the linker makes of bytes do not say that they need no executable stack.
target_link_options(octet-kernels PRIVATE -Wl,-z,noexecstack)
target_compile_definitions(octet-kernels PRIVATE OCTET_LLC="${LLC}")
