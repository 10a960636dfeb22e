# What every target of the project shares: warnings, sanitizers, include root.

# Not -O3: g++ 12 then warns of overlapping copies inside std::string where there are none (GCC bug 105651). The kernels are
# Halide's; the plain loops that want more ask for it (runtime/CMakeLists.txt).
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

add_library(octet_options INTERFACE)
target_compile_options(octet_options INTERFACE -Wall -Wextra -Werror)
target_include_directories(octet_options INTERFACE ${CMAKE_SOURCE_DIR})
if(OCTET_SANITIZE)
  target_compile_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE})
endif()
if(OCTET_BUILD_FUZZERS)
  # Coverage counters everywhere, so that the fuzzers see which branches an input takes.
  target_compile_options(octet_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# octet_library(NAME sources...): a static library octet_NAME, alias Octet::NAME. The options are of this build, not of what
# links the installed library.
function(octet_library name)
  add_library(octet_${name} STATIC ${ARGN})
  add_library(Octet::${name} ALIAS octet_${name})
  set_target_properties(octet_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(octet_${name} PUBLIC $<BUILD_INTERFACE:octet_options>)
endfunction()
