#!/bin/sh
# run.sh BUILD_TREE INSTALL_PREFIX WORK_DIR: builds and runs the consumer project as a user would: with CMake against the install
# tree and the build tree, with pkg-config, and then everything again from a copy of the install tree in another place. WORK_DIR is
# emptied first. The environment variables CC, CXX and CMAKE_GENERATOR choose compilers and generator. AVXC=ON means that the tool
# is installed too.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: $0 BUILD_TREE INSTALL_PREFIX WORK_DIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
prefix=$(cd "$2" && pwd)
rm -rf "$3"
mkdir -p "$3"
work=$(cd "$3" && pwd)
cc=${CC:-cc}
passed=0
failed=0

# check NAME COMMAND...: counts a pass if the command succeeds, and prints the command's output if it fails.
check() {
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "consumer: ok: $name"
        grep 'validation:' "$work/log" || true
    else
        failed=$((failed + 1))
        echo "consumer: FAILED: $name: $*"
        sed 's/^/    /' "$work/log"
    fi
}

# Checks that a program succeeds and prints OK.
says_ok() {
    said=$("$@") && [ "$said" = OK ]
}

# Prints the path of the program $2 in the tree $1, also for a generator of several configurations.
program_of() {
    if [ -x "$work/$1/$2" ]; then echo "$work/$1/$2"; else echo "$work/$1/Release/$2"; fi
}

# by_cmake NAME ARGUMENTS...: configures with ARGUMENTS, builds, runs the three programs.
by_cmake() {
    tree=$1
    shift
    check "$tree: configure" cmake -S "$here" -B "$work/$tree" -DCMAKE_BUILD_TYPE=Release "$@"
    check "$tree: build" cmake --build "$work/$tree" --config Release
    programs="consumer_shared consumer_static consumer_cpp"
    if ! grep -q '^CMAKE_CXX_COMPILER:[A-Z]*=/' "$work/$tree/CMakeCache.txt"; then
        programs="consumer_shared consumer_static"
        echo "consumer: left out: $tree: consumer_cpp, as there is no C++ compiler"
    fi
    for program in $programs; do
        check "$tree: $program" says_ok "$(program_of "$tree" "$program")"
    done
}

# The flags are separate words, so they are not quoted.
# shellcheck disable=SC2046,SC2086
compile_by_pkg_config() {
    "$cc" -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror -o "$1" "$here/main.c" $(pkg-config --cflags --libs avx_gpu)
}

# shellcheck disable=SC2046
compile_static_by_pkg_config() {
    "$cc" -std=c99 -o "$1" "$here/main.c" \
        $(pkg-config --static --cflags --libs avx_gpu | sed 's/-lavx_gpu/-l:libavx_gpu.a/')
}

# by_pkg_config NAME INSTALL_TREE
by_pkg_config() {
    file=$(find "$2" -name avx_gpu.pc | head -n 1)
    PKG_CONFIG_PATH=$(dirname "$file")
    export PKG_CONFIG_PATH
    libdir=$(pkg-config --variable=libdir avx_gpu)
    check "$1: found in its own tree" test "$(cd "$libdir" && pwd)" = "$(cd "$PKG_CONFIG_PATH/.." && pwd)"
    check "$1: compile" compile_by_pkg_config "$work/$1"
    check "$1: run" says_ok env LD_LIBRARY_PATH="$libdir" "$work/$1"
    check "$1: compile with the static library" compile_static_by_pkg_config "$work/$1_static"
    check "$1: run with the static library" says_ok "$work/$1_static"
}

refuses() {
    ! "$@"
}

# No file for CMake or pkg-config may contain the path of the install tree or the build tree.
names_no_place() {
    ! find "$1" \( -name '*.cmake' -o -name '*.pc' \) -path '*avx_gpu*' -exec grep -n -e "$prefix" -e "$build" {} +
}

by_cmake install_tree "-DCMAKE_PREFIX_PATH=$prefix"
by_cmake build_tree "-Davx_gpu_DIR=$build"
by_pkg_config pkg_config "$prefix"

cp -a "$prefix" "$work/moved"
check "moved: names no other place" names_no_place "$work/moved"
by_cmake moved_tree "-DCMAKE_PREFIX_PATH=$work/moved"
by_pkg_config moved_pkg_config "$work/moved"

version=$(pkg-config --modversion avx_gpu)
major=${version%%.*}
patch=${version##*.}
minor=${version#*.}
minor=${minor%%.*}
# The CMake package and the loader find the same library.
runs_with() {
    ldd "$1" | grep "libavx_gpu.so.$major => $2/"
}
check "moved: runs with its own library" runs_with "$(program_of moved_tree consumer_shared)" "$work/moved"
for version in "$major.$minor.$((patch + 1))" "$major.$((minor + 1))" "$((major + 1)).0"; do
    check "version $version is refused" \
        refuses cmake -S "$here" -B "$work/version" "-DCMAKE_PREFIX_PATH=$prefix" "-DCONSUMER_WANTS=$version"
    rm -rf "$work/version"
done

# Within a major version the ABI only grows, so a project that asks for an older minor version is served.
check "version $major.0 is served" cmake -S "$here" -B "$work/version" "-DCMAKE_PREFIX_PATH=$prefix" "-DCONSUMER_WANTS=$major.0"
rm -rf "$work/version"

# The tool runs from its place and from the copy of the tree.
runs_tool() {
    tool=$(find "$1" -name avxc -path '*bin/*')
    [ "$("$tool" --version)" = "avxc $(pkg-config --modversion avx_gpu)" ] && "$tool" check --vulkan 1.1 "$here/../../avxc/examples/blur.wgsl"
}
if [ "${AVXC:-OFF}" = ON ]; then
    check "avxc" runs_tool "$prefix"
    check "moved: avxc" runs_tool "$work/moved"
fi

echo "consumer: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
