# cmake --install: the runtime's libraries and headers, find_package(Octet), pkg-config's octet.pc, the command line and the
# kernel compiler. Nothing installed knows where it was built.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(octet_include ${CMAKE_INSTALL_INCLUDEDIR}/octet)
set(octet_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/Octet)

# What runtime/octet.h, runtime/session.h and the readers, writers and builders of networks include, all told.
set(octet_headers
  models/builder.h models/data_type.h models/model.h models/tflite_reader.h models/tflite_writer.h models/zoo.h
  runtime/core_kind.h runtime/graph.h runtime/kernels.h runtime/octet.h runtime/passes.h runtime/peak.h runtime/plan.h runtime/session.h runtime/target.h
  runtime/thread_pool.h
  schedules/layouts.h schedules/manifest.h)
file(GLOB octet_step_headers RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/runtime/steps/*.h)
foreach(header ${octet_headers} ${octet_step_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${CMAKE_SOURCE_DIR}/${header} DESTINATION ${octet_include}/${folder})
endforeach()
install(FILES ${HALIDE_INCLUDE_DIR}/HalideRuntime.h DESTINATION ${octet_include})

install(TARGETS octet_runtime octet_models octet_steps octet_kernels EXPORT OctetTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${octet_include})
install(EXPORT OctetTargets NAMESPACE Octet:: DESTINATION ${octet_cmake})

# What C programs must link besides, as C compilers do not by themselves: the C++ library that this build was compiled for.
if(ANDROID)
  set(OCTET_CXX_LIBRARIES c++_static c++abi)
elseif(CMAKE_CXX_COMPILER_ID MATCHES Clang AND CMAKE_CXX_FLAGS MATCHES -stdlib=libc\\+\\+)
  set(OCTET_CXX_LIBRARIES c++)
else()
  set(OCTET_CXX_LIBRARIES stdc++)
endif()
configure_package_config_file(cmake/OctetConfig.cmake.in ${CMAKE_BINARY_DIR}/package/OctetConfig.cmake
  INSTALL_DESTINATION ${octet_cmake} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Whether the libraries are of the right architecture is for OctetConfig.cmake to say: the rest of the package is not of any.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/OctetConfigVersion.cmake COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES ${CMAKE_BINARY_DIR}/package/OctetConfig.cmake ${CMAKE_BINARY_DIR}/package/OctetConfigVersion.cmake
  DESTINATION ${octet_cmake})

# Relative to where octet.pc lies, so that the prefix can be moved.
file(RELATIVE_PATH OCTET_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
list(TRANSFORM OCTET_CXX_LIBRARIES PREPEND -l OUTPUT_VARIABLE OCTET_PC_CXX_LIBRARIES)
list(JOIN OCTET_PC_CXX_LIBRARIES " " OCTET_PC_CXX_LIBRARIES)
if(ANDROID)
  set(OCTET_PC_SYSTEM_LIBRARIES "-llog -ldl -lm")
else()
  set(OCTET_PC_SYSTEM_LIBRARIES "-pthread -ldl -lm")
endif()
configure_file(cmake/octet.pc.in ${CMAKE_BINARY_DIR}/package/octet.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/octet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What octet compile compiles into libraries (compiler/toolchain.cpp).
file(GLOB octet_sources RELATIVE ${CMAKE_SOURCE_DIR} CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/compiler/library/*.h ${CMAKE_SOURCE_DIR}/compiler/library/*.cpp
  ${CMAKE_SOURCE_DIR}/runtime/steps/*.h ${CMAKE_SOURCE_DIR}/runtime/steps/*.cpp)
foreach(source ${octet_sources} models/data_type.h models/model.h runtime/cpu_supports.cpp runtime/target.h
    schedules/layouts.h schedules/manifest.h)
  get_filename_component(folder ${source} DIRECTORY)
  install(FILES ${CMAKE_SOURCE_DIR}/${source} DESTINATION ${CMAKE_INSTALL_DATADIR}/octet/${folder})
endforeach()
install(FILES ${HALIDE_INCLUDE_DIR}/HalideRuntime.h DESTINATION ${CMAKE_INSTALL_DATADIR}/octet)

if(CMAKE_CROSSCOMPILING)
  install(TARGETS octet RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
else()
  install(TARGETS octet octet-kernels EXPORT OctetTools RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT OctetTools NAMESPACE Octet:: DESTINATION ${octet_cmake})
  install(FILES cmake/OctetAddModel.cmake DESTINATION ${octet_cmake})
  # What the command line loads; it looks in ../lib/octet.
  install(TARGETS octet_count LIBRARY DESTINATION lib/octet)
endif()
