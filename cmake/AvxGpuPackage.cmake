# The CMake package, the pkg-config file, the install rules, and the test that uses them as a user's project would.
include(CMakePackageConfigHelpers)

# Writes avx_gpuConfig.cmake into the build tree, so that find_package works with -Davx_gpu_DIR=<build tree>.
function(avx_gpu_build_tree_package)
    set(AVX_GPU_PACKAGE_INCLUDE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/include")
    set(AVX_GPU_PACKAGE_LIBRARY_DIR "${AVX_GPU_BUILD_LIBRARY_DIR}")
    set(AVX_GPU_PACKAGE_CONFIGURATIONS "${AVX_GPU_CONFIGURATIONS}")
    configure_package_config_file(cmake/avx_gpuConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/avx_gpuConfig.cmake"
        INSTALL_DESTINATION "${CMAKE_CURRENT_BINARY_DIR}"
        PATH_VARS AVX_GPU_PACKAGE_INCLUDE_DIR AVX_GPU_PACKAGE_LIBRARY_DIR)
    # Within a major version, including version 0, functions are only added to the ABI.
    write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/avx_gpuConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
endfunction()

# Install rules for the libraries in `library_dir` and for avxc in `tool_dir`. No installed file contains an absolute path, so the
# install tree may be moved, unless the install folders were configured as absolute paths.
function(avx_gpu_install library_dir tool_dir)
    set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/avx_gpu")
    set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
    set(package_files "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/install")

    set(AVX_GPU_PACKAGE_INCLUDE_DIR "${CMAKE_INSTALL_INCLUDEDIR}")
    set(AVX_GPU_PACKAGE_LIBRARY_DIR "${CMAKE_INSTALL_LIBDIR}")
    set(AVX_GPU_PACKAGE_CONFIGURATIONS "")
    configure_package_config_file(cmake/avx_gpuConfig.cmake.in "${package_files}/avx_gpuConfig.cmake"
        INSTALL_DESTINATION "${package_dir}"
        PATH_VARS AVX_GPU_PACKAGE_INCLUDE_DIR AVX_GPU_PACKAGE_LIBRARY_DIR)

    # pkg-config sets pcfiledir to the folder of the .pc file. The prefix is some folders above it.
    set(absolute_pkgconfig_dir "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig")
    file(RELATIVE_PATH up "${absolute_pkgconfig_dir}" "${CMAKE_INSTALL_PREFIX}")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(AVX_GPU_PC_PREFIX "\${pcfiledir}/${up}")
    foreach(pair IN ITEMS "AVX_GPU_PC_LIBDIR;LIBDIR" "AVX_GPU_PC_INCLUDEDIR;INCLUDEDIR")
        list(GET pair 0 variable)
        list(GET pair 1 folder)
        if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
            set(${variable} "${CMAKE_INSTALL_${folder}}")
        else()
            set(${variable} "\${prefix}/${CMAKE_INSTALL_${folder}}")
        endif()
    endforeach()
    list(JOIN AVX_GPU_NATIVE_LIBRARIES " " AVX_GPU_PC_LIBS_PRIVATE)
    configure_file(cmake/avx_gpu.pc.in "${package_files}/avx_gpu.pc" @ONLY)

    set(shared_dir "${CMAKE_INSTALL_LIBDIR}")
    if(WIN32)
        set(shared_dir "${CMAKE_INSTALL_BINDIR}")
        install(FILES "${library_dir}/${AVX_GPU_IMPORT_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
    endif()
    install(PROGRAMS "${library_dir}/${AVX_GPU_SHARED_FILE}" DESTINATION "${shared_dir}" COMPONENT runtime)
    foreach(link IN LISTS AVX_GPU_SHARED_LINKS)
        # Linkers use the name without a version, and running programs use the SONAME.
        set(component runtime)
        if(link STREQUAL "libavx_gpu.so")
            set(component development)
        endif()
        install(FILES "${library_dir}/${link}" DESTINATION "${shared_dir}" COMPONENT ${component})
    endforeach()
    if(AVX_GPU_BUILD_TOOL)
        install(PROGRAMS "${tool_dir}/avxc${CMAKE_EXECUTABLE_SUFFIX}" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
    endif()
    install(FILES "${library_dir}/${AVX_GPU_STATIC_FILE}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
    install(FILES include/avx_gpu.h include/avx_gpu.cdef include/avx_gpu.json DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
    install(FILES "${package_files}/avx_gpuConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/avx_gpuConfigVersion.cmake"
        "${CMAKE_CURRENT_BINARY_DIR}/avx_gpuTargets.cmake" DESTINATION "${package_dir}" COMPONENT development)
    install(FILES "${package_files}/avx_gpu.pc" DESTINATION "${pkgconfig_dir}" COMPONENT development)
    install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
endfunction()

# Adds the test `consumer`, which installs into the build tree and then builds and runs tests/consumer against the install tree and
# the build tree.
function(avx_gpu_add_consumer_test)
    set(work "${CMAKE_CURRENT_BINARY_DIR}/consumer")
    add_test(NAME consumer_install
        COMMAND "${CMAKE_COMMAND}" --install "${CMAKE_CURRENT_BINARY_DIR}" --config $<CONFIG> --prefix "${work}/prefix")
    add_test(NAME consumer
        COMMAND sh "${CMAKE_CURRENT_SOURCE_DIR}/tests/consumer/run.sh" "${CMAKE_CURRENT_BINARY_DIR}" "${work}/prefix" "${work}/work")
    set_tests_properties(consumer_install PROPERTIES LABELS consumer TIMEOUT 120 FIXTURES_SETUP avx_gpu_installed)
    set_tests_properties(consumer PROPERTIES LABELS consumer TIMEOUT 300 FIXTURES_REQUIRED avx_gpu_installed
        ENVIRONMENT "CC=${CMAKE_C_COMPILER};CXX=${CMAKE_CXX_COMPILER};CMAKE_GENERATOR=${CMAKE_GENERATOR};AVXC=${AVX_GPU_BUILD_TOOL}"
        FAIL_REGULAR_EXPRESSION "validation:")
endfunction()
