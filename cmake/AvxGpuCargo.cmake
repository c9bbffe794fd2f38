# Building the library with cargo from CMake.

# Reads the version of the library and the oldest supported Rust version from Cargo.toml, the only file that contains them.
function(avx_gpu_read_manifest version_variable rust_version_variable)
    set(manifest "${CMAKE_CURRENT_SOURCE_DIR}/Cargo.toml")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
    foreach(pair IN ITEMS "version;${version_variable}" "rust-version;${rust_version_variable}")
        list(GET pair 0 key)
        list(GET pair 1 variable)
        file(STRINGS "${manifest}" lines REGEX "^${key} = \"[0-9.]+\"")
        if(NOT lines)
            message(FATAL_ERROR "avx_gpu: no line ${key} = \"...\" in ${manifest}.")
        endif()
        list(GET lines 0 line)
        string(REGEX MATCH "[0-9]+[0-9.]*" value "${line}")
        set(${variable} "${value}" PARENT_SCOPE)
    endforeach()
endfunction()

# Finds cargo and rustc with at least `rust_version`, or stops with a message that says what to do.
function(avx_gpu_find_cargo rust_version)
    set(homes "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" "$ENV{USERPROFILE}/.cargo/bin")
    find_program(AVX_GPU_CARGO cargo HINTS ${homes} DOC "cargo, Rust's build tool")
    find_program(AVX_GPU_RUSTC rustc HINTS ${homes} DOC "rustc, the Rust compiler")
    set(remedy "Install Rust from https://rustup.rs, or set AVX_GPU_CARGO and AVX_GPU_RUSTC to the programs to use.")
    if(NOT AVX_GPU_CARGO OR NOT AVX_GPU_RUSTC)
        message(FATAL_ERROR "avx_gpu: cargo and rustc are needed to build the library and were not found. ${remedy}")
    endif()
    # rustc runs in the source folder, where a rust-toolchain.toml may choose the compiler.
    execute_process(COMMAND "${AVX_GPU_RUSTC}" --version
        WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" OUTPUT_VARIABLE found ERROR_VARIABLE message RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "avx_gpu: ${AVX_GPU_RUSTC} --version failed (${result}): ${message}. ${remedy}")
    endif()
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" found "${found}")
    if(found VERSION_LESS rust_version)
        message(FATAL_ERROR "avx_gpu: Rust ${rust_version} or newer is needed and ${AVX_GPU_RUSTC} is ${found}. ${remedy}")
    endif()
    if(CMAKE_CROSSCOMPILING AND NOT AVX_GPU_RUST_TARGET)
        message(FATAL_ERROR "avx_gpu: for ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}, set AVX_GPU_RUST_TARGET to Rust's name of"
            " that platform, such as aarch64-unknown-linux-gnu.")
    endif()
    message(STATUS "avx_gpu: version ${PROJECT_VERSION}, built by Rust ${found}")
endfunction()

# The system libraries that a program needs in addition to the static library, as link flags. rustc prints them.
function(avx_gpu_native_libraries variable)
    set(scratch "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/avx_gpu_native_libraries")
    file(WRITE "${scratch}/empty.rs" "")
    set(target "")
    if(AVX_GPU_RUST_TARGET)
        set(target --target "${AVX_GPU_RUST_TARGET}")
    endif()
    execute_process(
        COMMAND "${AVX_GPU_RUSTC}" --crate-type staticlib --print native-static-libs ${target}
            -o "${scratch}/empty.a" "${scratch}/empty.rs"
        WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
    if(NOT output MATCHES "native-static-libs: ([^\n]*)")
        message(FATAL_ERROR "avx_gpu: rustc did not print the libraries that a static library needs (${result}): ${output}")
    endif()
    string(STRIP "${CMAKE_MATCH_1}" libraries)
    separate_arguments(libraries NATIVE_COMMAND "${libraries}")
    set(${variable} "${libraries}" PARENT_SCOPE)
endfunction()

# Sets these variables in the caller: the names that cargo gives the two libraries (AVX_GPU_CARGO_SHARED, AVX_GPU_CARGO_STATIC), the
# names of the finished libraries (AVX_GPU_SHARED_FILE, AVX_GPU_STATIC_FILE), the links to the shared library from the shortest name
# to the file's name (AVX_GPU_SHARED_LINKS), its SONAME (AVX_GPU_SONAME), its import library on Windows (AVX_GPU_IMPORT_FILE), and
# objcopy if it is used (AVX_GPU_OBJCOPY). Linux is tested. The names for other systems follow their conventions and are not tested.
function(avx_gpu_library_names)
    set(AVX_GPU_SHARED_LINKS "")
    set(AVX_GPU_SONAME "")
    set(AVX_GPU_IMPORT_FILE "")
    if(WIN32)
        set(AVX_GPU_CARGO_SHARED avx_gpu.dll)
        set(AVX_GPU_SHARED_FILE avx_gpu.dll)
        if(MSVC)
            set(AVX_GPU_IMPORT_FILE avx_gpu.dll.lib)
            set(AVX_GPU_CARGO_STATIC avx_gpu.lib)
        else()
            set(AVX_GPU_IMPORT_FILE libavx_gpu.dll.a)
            set(AVX_GPU_CARGO_STATIC libavx_gpu.a)
        endif()
    else()
        set(AVX_GPU_CARGO_STATIC libavx_gpu.a)
        set(AVX_GPU_CARGO_SHARED "libavx_gpu${CMAKE_SHARED_LIBRARY_SUFFIX}")
        set(AVX_GPU_SHARED_FILE "${AVX_GPU_CARGO_SHARED}")
        if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
            # build.rs gives the library this SONAME, with 0 until version 1.0 and the major version from then on.
            set(AVX_GPU_SONAME "libavx_gpu.so.${PROJECT_VERSION_MAJOR}")
            set(AVX_GPU_SHARED_FILE "libavx_gpu.so.${PROJECT_VERSION}")
            set(AVX_GPU_SHARED_LINKS libavx_gpu.so "${AVX_GPU_SONAME}")
        endif()
    endif()
    set(AVX_GPU_STATIC_FILE "${AVX_GPU_CARGO_STATIC}")
    # objcopy makes the short names in the static library weak, if the platform has weak symbols.
    set(AVX_GPU_OBJCOPY "")
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_OBJCOPY)
        set(AVX_GPU_OBJCOPY "${CMAKE_OBJCOPY}")
    endif()
    foreach(name IN ITEMS CARGO_SHARED CARGO_STATIC SHARED_FILE STATIC_FILE SHARED_LINKS SONAME IMPORT_FILE OBJCOPY)
        set(AVX_GPU_${name} "${AVX_GPU_${name}}" PARENT_SCOPE)
    endforeach()
endfunction()

# Adds the target `name`, which runs cargo at every build, because only cargo knows which files are out of date, and cargo is quick
# if none is. The target then copies the libraries into `library_dir` and, if avxc is built, avxc into `tool_dir`. An unchanged file
# keeps its time, so that nothing is linked again.
function(avx_gpu_add_cargo_build name library_dir tool_dir)
    set(target_dir "${AVX_GPU_CARGO_TARGET_DIR}")
    if(NOT target_dir)
        set(target_dir "${CMAKE_CURRENT_BINARY_DIR}/cargo")
    endif()
    if(multi_config)
        set(profile "$<IF:$<CONFIG:Debug>,dev,release>")
        set(profile_dir "$<IF:$<CONFIG:Debug>,debug,release>")
    elseif(CMAKE_BUILD_TYPE STREQUAL "Debug")
        set(profile dev)
        set(profile_dir debug)
    else()
        set(profile release)
        set(profile_dir release)
    endif()
    set(platform "")
    set(output_dir "${target_dir}/${profile_dir}")
    if(AVX_GPU_RUST_TARGET)
        set(platform --target "${AVX_GPU_RUST_TARGET}")
        set(output_dir "${target_dir}/${AVX_GPU_RUST_TARGET}/${profile_dir}")
    endif()
    separate_arguments(flags NATIVE_COMMAND "${AVX_GPU_CARGO_FLAGS}")

    set(copies COMMAND "${CMAKE_COMMAND}" -E make_directory "${library_dir}")
    set(products "")
    foreach(pair IN ITEMS "${AVX_GPU_CARGO_SHARED};${AVX_GPU_SHARED_FILE}" "${AVX_GPU_CARGO_STATIC};${AVX_GPU_STATIC_FILE}"
            "${AVX_GPU_IMPORT_FILE};${AVX_GPU_IMPORT_FILE}")
        list(GET pair 0 from)
        list(GET pair 1 to)
        if(from AND to STREQUAL AVX_GPU_STATIC_FILE AND AVX_GPU_OBJCOPY)
            # A program may have functions called avx_copy or avx_fill. The library's weak symbols give way to them. C callers use
            # the names avx_gpu_....
            list(APPEND copies
                COMMAND "${AVX_GPU_OBJCOPY}" --wildcard "--weaken-symbol=!avx_gpu_*" "--weaken-symbol=avx_*"
                    "${output_dir}/${from}" "${library_dir}/${to}.new"
                COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${library_dir}/${to}.new" "${library_dir}/${to}"
                COMMAND "${CMAKE_COMMAND}" -E rm -f "${library_dir}/${to}.new")
        elseif(from)
            list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${output_dir}/${from}" "${library_dir}/${to}")
        endif()
        if(from)
            list(APPEND products "${library_dir}/${to}")
        endif()
    endforeach()
    set(to "${AVX_GPU_SHARED_FILE}")
    set(links "${AVX_GPU_SHARED_LINKS}")
    list(REVERSE links)
    foreach(link IN LISTS links)
        list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E create_symlink "${to}" "${library_dir}/${link}")
        set(to "${link}")
    endforeach()

    set(packages --package avx_gpu --lib)
    if(AVX_GPU_BUILD_TOOL)
        list(APPEND packages --package avxc --bins)
        set(tool "avxc${CMAKE_EXECUTABLE_SUFFIX}")
        list(APPEND copies COMMAND "${CMAKE_COMMAND}" -E make_directory "${tool_dir}"
            COMMAND "${CMAKE_COMMAND}" -E copy_if_different "${output_dir}/${tool}" "${tool_dir}/${tool}")
        list(APPEND products "${tool_dir}/${tool}")
    endif()

    # make's jobserver is not passed on to cargo, and rustc warns about a MAKEFLAGS that it cannot use.
    set(all "")
    if(top_level OR AVX_GPU_INSTALL)
        set(all ALL)
    endif()
    add_custom_target(${name} ${all}
        COMMAND "${CMAKE_COMMAND}" -E env --unset=MAKEFLAGS --unset=MFLAGS --unset=CARGO_MAKEFLAGS
            "${AVX_GPU_CARGO}" build ${packages} --locked --profile ${profile} --target-dir "${target_dir}" ${platform} ${flags}
        ${copies}
        WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
        BYPRODUCTS ${products}
        COMMENT "Building libavx_gpu with cargo"
        USES_TERMINAL VERBATIM)
endfunction()
