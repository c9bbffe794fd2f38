#!/bin/sh
# Runs every benchmark on a machine that has no cargo: run.sh OUT_FOLDER BENCH_BINARY [WGPU_BINARY]
# The script writes OUT_FOLDER/results.csv. `cargo xtask bench --from` makes the table from this file, and `cargo xtask plot` the charts.
# CUDA is measured if nvcc is installed. BENCH_OPTIONS (such as --small or --huge) is passed to every program. NULL_DRIVER may name the
# manifest of a Vulkan driver that does nothing; the library's own time is then measured without a real driver's time.
set -u
folder=${1:?a folder for the results} bench=${2:?the program bench} wgpu=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
results=$folder/results.csv errors=$folder/errors.log
: >"$results"
: >"$errors"
began=$(date +%s)
# A container may not set this variable.
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp}
export XDG_RUNTIME_DIR

note() { echo "# $*" >>"$results"; }

# measure LIMIT_S WORDS...: runs a program and appends its lines to the results. A failure is noted, and the script goes on.
measure() {
    limit=$1
    shift
    # shellcheck disable=SC2086  # BENCH_OPTIONS holds several words
    timeout "$limit" "$@" ${BENCH_OPTIONS:-} >>"$results" 2>>"$errors" || note "FAILED: $* ended with $?"
    echo "$(($(date +%s) - began)) s: $*"
}

note "date: $(date -u '+%F %T')"
note "kernel: $(uname -sr), cores: $(nproc), $(grep -m1 'model name' /proc/cpuinfo)"
if command -v nvidia-smi >/dev/null; then
    note "gpu: $(nvidia-smi --query-gpu=name,driver_version,memory.total,pcie.link.gen.max --format=csv,noheader | head -n 1)"
fi

# nvcc runs before the first measurement, because it would take a core from the benchmarks.
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
    # The null driver has no working timeline semaphores, so AVX_GPU_BASELINE makes the library use no optional features.
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
    rm -rf "$CUDA_CACHE_PATH" # the compiled kernels are not results
    measure 120 "$cuda"
    rm -f "$cuda"
fi
note "seconds in all: $(($(date +%s) - began))"
grep -E '^# (WRONG|FAILED)' "$results"
exit 0
