# octet_add_model(<target> MODEL <file.tflite> [NAME <name>] [TARGETS <instruction set>...] [FUSE_BLOCKS <bytes>])
#
# Compiles a network as part of the build (octet compile) and links it into <target>, an executable or library, in C or C++. The
# code then includes <name>.h, which says all there is to know; <name> is the file's own where it is a C identifier. The network is
# compiled again where the file, Octet or what follows has changed. For several networks call it several times; of one network, whose
# name and file are the same, further targets share the library.
#
# TARGETS: of sse41, avx2, avx512vnni; neon, dotprod, i8mm; by default those in OCTET_MODEL_TARGETS, or all of the machine that
# CMake builds for. Which of them the CPU has is found out at run time. Kernels are kept in the user's cache folder
# (~/.cache/octet, or $XDG_CACHE_HOME/octet).
#
# FUSE_BLOCKS: computes blocks of layers in bands of rows where their intermediates do not fit into a cache of so many bytes (262144,
# 256K, 1M; octet compile --fuse-blocks); by default as OCTET_MODEL_FUSE_BLOCKS says, else OFF.
function(octet_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MODEL;NAME;FUSE_BLOCKS" "TARGETS")
  if(NOT TARGET ${target})
    message(FATAL_ERROR "octet_add_model(${target} ...): ${target} is no target of this build")
  elseif(NOT arg_MODEL)
    message(FATAL_ERROR "octet_add_model(${target} ...): MODEL <file.tflite> is missing")
  elseif(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "octet_add_model(${target} ...): not understood: ${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  cmake_path(ABSOLUTE_PATH arg_MODEL NORMALIZE OUTPUT_VARIABLE model)
  _octet_is_made(is_made ${model})
  if(NOT is_made AND NOT EXISTS ${model})
    message(FATAL_ERROR "octet_add_model(${target} ...): ${model}: no such file")
  endif()
  if(NOT arg_NAME)
    cmake_path(GET model STEM LAST_ONLY arg_NAME)
  endif()
  if(NOT arg_NAME MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    string(MAKE_C_IDENTIFIER ${arg_NAME} proposal)
    message(FATAL_ERROR "octet_add_model(${target} ...): '${arg_NAME}' is no name in C: say NAME ${proposal}")
  endif()
  if(NOT arg_TARGETS)
    set(arg_TARGETS ${OCTET_MODEL_TARGETS})
  endif()
  list(JOIN arg_TARGETS "," features)
  if(NOT features)
    set(features auto)
  endif()
  set(options --features ${features})
  if(NOT DEFINED arg_FUSE_BLOCKS)
    set(arg_FUSE_BLOCKS ${OCTET_MODEL_FUSE_BLOCKS})
  endif()
  if(arg_FUSE_BLOCKS)
    if(NOT arg_FUSE_BLOCKS MATCHES "^[1-9][0-9]*[KM]?$")
      message(FATAL_ERROR "octet_add_model(${target} ...): FUSE_BLOCKS ${arg_FUSE_BLOCKS}: must be a cache's size in bytes, such as 256K")
    endif()
    list(APPEND options --fuse-blocks=${arg_FUSE_BLOCKS})
  endif()

  set(library octet_model_${arg_NAME})
  list(JOIN options " " what)
  string(PREPEND what "${model} ")
  if(TARGET ${library})
    get_target_property(other ${library} OCTET_MODEL)
    if(NOT other STREQUAL what)
      message(FATAL_ERROR "octet_add_model(${target} ...): ${arg_NAME} is there already, of ${other}: say another NAME")
    endif()
  else()
    _octet_compile_model(${library} ${arg_NAME} ${model} ${options})
    set_target_properties(${library} PROPERTIES OCTET_MODEL "${what}")
  endif()
  target_link_libraries(${target} PRIVATE ${library})
endfunction()

# Whether a rule of this directory, or of one above it, makes the file: CMake tells of a directory's own rules only.
function(_octet_is_made result file)
  set(made FALSE)
  set(directory ${CMAKE_CURRENT_SOURCE_DIR})
  while(directory AND NOT made)
    get_source_file_property(made ${file} DIRECTORY ${directory} GENERATED)
    get_directory_property(directory DIRECTORY ${directory} PARENT_DIRECTORY)
  endwhile()
  set(${result} ${made} PARENT_SCOPE)
endfunction()

# The imported library of a compiled network; what follows are options of octet compile.
function(_octet_compile_model library name model)
  list(JOIN ARGN " " options)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    set(machine arm-64)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(machine x86-64)
  endif()
  set(environment)
  set(compiler)
  if(machine STREQUAL arm-64 AND CMAKE_SYSTEM_NAME STREQUAL Android)
    set(platform arm-64-android)
    set(environment ANDROID_NDK=${CMAKE_ANDROID_NDK})
  elseif(machine AND CMAKE_SYSTEM_NAME STREQUAL Linux)
    set(platform ${machine}-linux)
    if(CMAKE_CXX_COMPILER)
      set(compiler --cxx ${CMAKE_CXX_COMPILER})
    endif()
  else()
    message(FATAL_ERROR "octet_add_model: networks are compiled for 64-bit Arm and x86-64, Linux and Android, not for "
      "${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/octet/${name})
  # A folder that is there when CMake looks at what uses it.
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${folder}/lib${name}.a ${folder}/${name}.h
    COMMAND ${CMAKE_COMMAND} -E env ${environment} $<TARGET_FILE:Octet::octet> compile ${model} -o ${folder} --name ${name}
      --target ${platform} ${ARGN} ${compiler}
    DEPENDS ${model} Octet::octet $<TARGET_FILE:Octet::octet-kernels>
    COMMENT "Compiling ${name} for ${platform} (${options})"
    VERBATIM)
  add_custom_target(${library}_compiled DEPENDS ${folder}/lib${name}.a ${folder}/${name}.h)
  find_package(Threads REQUIRED)
  add_library(${library} STATIC IMPORTED GLOBAL)
  add_dependencies(${library} ${library}_compiled)
  set_target_properties(${library} PROPERTIES
    IMPORTED_LOCATION ${folder}/lib${name}.a
    INTERFACE_INCLUDE_DIRECTORIES ${folder}
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endfunction()
