#!/bin/sh
# Every benchmark on a machine that has no cargo: run.sh OUT_FOLDER BENCH_BINARY [WGPU_BINARY]
# Writes OUT_FOLDER/results.csv, from which `cargo xtask bench --from` makes the table and `cargo xtask plot` the pictures. CUDA is
# measured where nvcc is. BENCH_OPTIONS (such as --small or --huge) goes to every program. NULL_DRIVER may name the manifest of a
# Vulkan driver that does nothing: with it the library's own time is measured apart from the driver's.
set -u
folder=${1:?a folder for the results} bench=${2:?the program bench} wgpu=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
results=$folder/results.csv errors=$folder/errors.log
: >"$results"
: >"$errors"
began=$(date +%s)
# Where a container has none of its own.
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
export XDG_RUNTIME_DIR

note() { echo "# $*" >>"$results"; }

# limit_s words...: runs a program, its lines to the results; a failure is noted and ends nothing.
measure() {
    limit=$1
    shift
    # shellcheck disable=SC2086  # the options are words
    timeout "$limit" "$@" ${BENCH_OPTIONS:-} >>"$results" 2>>"$errors" || note "FAILED: $* ended with $?"
    echo "$(($(date +%s) - began)) s: $*"
}

note "date: $(date -u '+%F %T')"
note "kernel: $(uname -sr), cores: $(nproc), $(grep -m1 'model name' /proc/cpuinfo)"
if command -v nvidia-smi >/dev/null; then
    note "gpu: $(nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.max --format=csv,noheader | head -n 1)"
fi

# The compiler works while nothing is measured yet: it would take a core from the benchmarks.
cuda=
if command -v nvcc >/dev/null; then
    cuda=$folder/cuda_peer
    nvcc -O3 -std=c++17 -arch=native "$here/cuda/peer.cu" -o "$cuda" -lcublas -lnvrtc -lcuda >"$folder/nvcc.log" 2>&1 || {
        note "FAILED: nvcc; see nvcc.log"
        cuda=
    }
    echo "$(($(date +%s) - began)) s: nvcc"
fi

chmod +x "$bench"
measure 240 "$bench"
if [ -n "${NULL_DRIVER:-}" ]; then
    # The null driver reports no timeline semaphores that work, so the library is told to use nothing optional.
    note "null driver: $NULL_DRIVER"
    VK_DRIVER_FILES=$NULL_DRIVER VK_ICD_FILENAMES=$NULL_DRIVER AVX_GPU_BASELINE=1 \
        timeout 60 "$bench" --null encode >>"$results" 2>>"$errors" || note "FAILED: the null driver"
fi
if [ -n "$wgpu" ]; then
    chmod +x "$wgpu"
    measure 120 "$wgpu"
fi
if [ -n "$cuda" ]; then
    CUDA_CACHE_PATH=$folder/cuda_cache
    export CUDA_CACHE_PATH
    for state in cold warm; do measure 30 "$cuda" --startup "$state"; done
    rm -rf "$CUDA_CACHE_PATH" # a compiled kernel is nobody's result
    measure 120 "$cuda"
    rm -f "$cuda"
fi
note "seconds in all: $(($(date +%s) - began))"
grep -E '^# (WRONG|FAILED)' "$results"
exit 0
