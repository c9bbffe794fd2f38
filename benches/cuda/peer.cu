// The same benchmarks with CUDA: peer.cu [--small] [--huge], compiled on the machine that is measured:
//   nvcc -O3 -std=c++17 -arch=native benches/cuda/peer.cu -o peer -lcublas -lnvrtc -lcuda
// The program prints lines `peer,bench,param,value,unit` as the Rust programs do (see ../src/lib.rs), under the peer name `cuda`.
#include <cublas_v2.h>
#include <cuda.h>
#include <cuda_runtime.h>
#include <nvrtc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using Work = std::function<void()>;
using Values = std::vector<double>;

static bool small_run = false, huge_run = false, wrong = false;

// A call that must succeed. If it fails, the error is printed as a remark in the output.
template <class Status>
static void must(Status status, const char *call, int line) {
    if (status == 0) return;
    std::printf("# cuda: %s failed with %d at line %d\n", call, int(status), line);
    std::fflush(stdout);
    std::exit(1);
}
#define MUST(call) must((call), #call, __LINE__)

// ---- output and timing

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static double seconds(const Work &work) {
    double start = now();
    work();
    return now() - start;
}

static void value(const std::string &bench, const std::string &param, double number, const char *unit) {
    std::printf("cuda,%s,%s,%.6f,%s\n", bench.c_str(), param.c_str(), number, unit);
    std::fflush(stdout);
}

static double at(const Values &sorted, double share) { return sorted[size_t(std::lround((sorted.size() - 1) * share))]; }

static void spread(const std::string &bench, const std::string &param, Values values, const char *unit) {
    std::sort(values.begin(), values.end());
    value(bench, param, at(values, 0.5), unit);
    const std::pair<const char *, double> shares[] = {{"_min", 0}, {"_p10", 0.1}, {"_p90", 0.9}, {"_p99", 0.99}, {"_max", 1}};
    for (auto &[name, share] : shares) value(bench + name, param, at(values, share), unit);
}

static void check(const std::string &what, bool right) {
    if (right) return;
    wrong = true;
    std::printf("# WRONG: cuda: %s\n", what.c_str());
}

// Takes samples. `sample` returns seconds. Unmeasured samples run for `warm` seconds first.
static Values samples(double warm, int count, const std::function<double()> &sample) {
    double start = now();
    do sample();
    while (now() - start < warm);
    Values values;
    for (int i = 0; i < count; i++) values.push_back(sample());
    return values;
}

static Values map(Values values, const std::function<double(double)> &change) {
    for (double &v : values) v = change(v);
    return values;
}

static double warm_s() { return small_run ? 0.02 : 0.4; }

static void rate(const std::string &bench, const std::string &param, double amount, const char *unit, double warm, int count, const Work &work) {
    spread(bench, param, map(samples(warm, count, [&] { return seconds(work); }), [&](double s) { return amount / s; }), unit);
}

static std::string size_name(size_t n) {
    if (n >= size_t(1) << 30) return std::to_string(n >> 30) + "GiB";
    if (n >= 1 << 20) return std::to_string(n >> 20) + "MiB";
    if (n >= 1 << 10) return std::to_string(n >> 10) + "KiB";
    return std::to_string(n) + "B";
}

// ---- random data (splitmix64)

static uint64_t state = 0;

static uint64_t bits() {
    uint64_t x = state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static float unit_float() { return float(bits() >> 40) / float(1 << 24); }

// ---- kernels

__global__ void step(uint32_t *numbers) {
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    numbers[i] = numbers[i] * 1664525u + 1013904223u;
}

static uint32_t stepped(uint32_t x, int times) {
    for (int i = 0; i < times; i++) x = x * 1664525u + 1013904223u;
    return x;
}

__device__ float4 scaled_sum(float4 a, float4 b) {
    return make_float4(fmaf(2.5f, a.x, b.x), fmaf(2.5f, a.y, b.y), fmaf(2.5f, a.z, b.z), fmaf(2.5f, a.w, b.w));
}

__global__ void copy4(const float4 *__restrict__ a, float4 *__restrict__ b) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    b[i] = a[i];
}

__global__ void saxpy4(const float4 *__restrict__ a, float4 *__restrict__ b) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    b[i] = scaled_sum(a[i], b[i]);
}

__global__ void triad4(const float4 *__restrict__ a, const float4 *__restrict__ b, float4 *__restrict__ c) {
    size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
    c[i] = scaled_sum(b[i], a[i]);
}

// Work that raises the clock of an idle GPU.
static void heat() {
    static float4 *memory = nullptr;
    const size_t bytes = 64 << 20;
    if (!memory) MUST(cudaMalloc(&memory, 2 * bytes));
    double start = now();
    while (!small_run && now() - start < warm_s()) {
        for (int i = 0; i < 20; i++) copy4<<<bytes / 16 / 256, 256>>>(memory, memory + bytes / 16);
        MUST(cudaDeviceSynchronize());
    }
}

// ---- groups

static void latency_line(const char *name, const Work &work) {
    heat();
    int count = small_run ? 400 : 3000;
    Values values = map(samples(warm_s() / 2, count, [&] { return seconds(work); }), [](double s) { return s * 1e6; });
    spread("latency", name, values, "us");
    std::sort(values.begin(), values.end());
    for (double percent : {0.5, 1., 2., 5., 10., 20., 30., 40., 50., 60., 70., 80., 90., 95., 98., 99., 99.5, 99.9}) {
        char text[16];
        std::snprintf(text, sizeof text, "%g", percent);
        value(std::string("latency_") + name + "_share", text, at(values, percent / 100), "us");
    }
}

static void latency() {
    cudaStream_t stream;
    MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    std::vector<uint32_t> data(1024), got(1024);
    for (auto &x : data) x = uint32_t(bits());
    uint32_t *memory;
    MUST(cudaMalloc(&memory, 4096));
    latency_line("submit_wait", [&] {
        step<<<1, 64, 0, stream>>>(memory);
        while (cudaStreamQuery(stream) == cudaErrorNotReady) {
        }
    });
    latency_line("write_4KiB", [&] {
        MUST(cudaMemcpy(memory, data.data(), 4096, cudaMemcpyHostToDevice));
        MUST(cudaDeviceSynchronize());
    });
    latency_line("read_4KiB", [&] { MUST(cudaMemcpy(got.data(), memory, 4096, cudaMemcpyDeviceToHost)); });
    check("write and read of 4 KiB", got == data);
    latency_line("round_trip_4KiB", [&] {
        MUST(cudaMemcpyAsync(memory, data.data(), 4096, cudaMemcpyHostToDevice, stream));
        step<<<16, 64, 0, stream>>>(memory);
        MUST(cudaMemcpyAsync(got.data(), memory, 4096, cudaMemcpyDeviceToHost, stream));
        MUST(cudaStreamSynchronize(stream));
    });
    bool right = true;
    for (size_t i = 0; i < data.size(); i++) right &= got[i] == stepped(data[i], 1);
    check("write, run, read", right);
    MUST(cudaFree(memory));
}

static cudaGraphExec_t steps_graph(uint32_t *memory, int count, bool dependent) {
    cudaGraph_t graph;
    cudaGraphExec_t ready;
    cudaGraphNode_t before{}, node;
    MUST(cudaGraphCreate(&graph, 0));
    for (int i = 0; i < count; i++) {
        uint32_t *piece = dependent ? memory : memory + size_t(i) * 64;
        void *args[] = {&piece};
        cudaKernelNodeParams params{};
        params.func = (void *)step;
        params.gridDim = dim3(1);
        params.blockDim = dim3(64);
        params.kernelParams = args;
        MUST(cudaGraphAddKernelNode(&node, graph, &before, dependent && i ? 1 : 0, &params));
        before = node;
    }
    MUST(cudaGraphInstantiate(&ready, graph, 0));
    MUST(cudaGraphDestroy(graph));
    return ready;
}

static void dispatches() {
    cudaStream_t stream, eight[8];
    MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    for (auto &s : eight) MUST(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
    for (int count : {1, 10, 100, 1000, 10000}) {
        if (small_run && count > 1000) break;
        uint32_t *memory, start[64], got[64];
        MUST(cudaMalloc(&memory, size_t(count) * 256));
        MUST(cudaMemset(memory, 0, size_t(count) * 256));
        for (auto &x : start) x = uint32_t(bits());
        for (bool dependent : {true, false}) {
            std::string name = dependent ? "dependent" : "independent", n = std::to_string(count);
            auto queue = [&] {
                for (int i = 0; i < count; i++)
                    if (dependent) step<<<1, 64, 0, stream>>>(memory);
                    else step<<<1, 64, 0, eight[i % 8]>>>(memory + size_t(i) * 64);
            };
            auto each = [&](double s) { return s * 1e6 / count; };
            auto right = [&] {
                MUST(cudaMemcpy(got, memory, 256, cudaMemcpyDeviceToHost));
                for (int i = 0; i < 64; i++)
                    if (got[i] != stepped(start[i], dependent ? count : 1)) return false;
                return true;
            };
            MUST(cudaMemcpy(memory, start, 256, cudaMemcpyHostToDevice));
            queue();
            MUST(cudaDeviceSynchronize());
            check(n + " " + name, right());
            heat();
            int rounds = count <= 100 ? 300 : 20;
            spread("dispatch_" + name, n, map(samples(warm_s() / 2, rounds, [&] {
                return seconds([&] { queue(); MUST(cudaDeviceSynchronize()); });
            }), each), "us");
            if (count == 1000) {
                Values encode = samples(0, 60, [&] {
                    double spent = seconds(queue);
                    MUST(cudaDeviceSynchronize());
                    return spent;
                });
                spread("encode", name, map(encode, [&](double s) { return s * 1e9 / count; }), "ns");
            }
            cudaGraphExec_t graph = steps_graph(memory, count, dependent);
            auto launch = [&] {
                MUST(cudaGraphLaunch(graph, stream));
                MUST(cudaStreamSynchronize(stream));
            };
            MUST(cudaMemcpy(memory, start, 256, cudaMemcpyHostToDevice));
            launch();
            check(n + " " + name + ", a graph", right());
            spread("replay_" + name, n, map(samples(warm_s() / 2, rounds, [&] { return seconds(launch); }), each), "us");
            MUST(cudaGraphExecDestroy(graph));
        }
        MUST(cudaFree(memory));
    }
}

static void transfers() {
    std::vector<size_t> sizes = {4, 64, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 16 << 20};
    if (small_run) sizes.push_back(64 << 20);
    else sizes.insert(sizes.end(), {size_t(256) << 20, size_t(1) << 30});
    if (huge_run) sizes.push_back(size_t(4) << 30);
    for (size_t n : sizes) {
        int count = n <= 65536 ? 300 : n <= 1 << 20 ? 80 : n <= 16 << 20 ? 16 : n <= size_t(256) << 20 ? 7 : 4;
        char *from = (char *)std::malloc(n), *to = (char *)std::malloc(n), *pinned, *memory;
        for (size_t i = 0; i < n; i++) from[i] = char(i * 2654435761u >> 13);
        std::memset(to, 0, n);
        MUST(cudaMalloc(&memory, n));
        MUST(cudaMallocHost(&pinned, n));
        auto line = [&](const char *bench, const Work &work) { rate(bench, size_name(n), n / 1e9, "GB/s", 0.05, count, work); };
        heat();
        // A copy from ordinary memory may return before the copy is done.
        line("write", [&] {
            MUST(cudaMemcpy(memory, from, n, cudaMemcpyHostToDevice));
            MUST(cudaDeviceSynchronize());
        });
        line("read", [&] { MUST(cudaMemcpy(to, memory, n, cudaMemcpyDeviceToHost)); });
        check("transfers of " + size_name(n), !std::memcmp(from, to, n));
        if (n >= 64 << 10) {
            std::memcpy(pinned, from, n);
            line("pinned_write", [&] {
                MUST(cudaMemcpyAsync(memory, pinned, n, cudaMemcpyHostToDevice, 0));
                MUST(cudaDeviceSynchronize());
            });
            line("pinned_read", [&] {
                MUST(cudaMemcpyAsync(pinned, memory, n, cudaMemcpyDeviceToHost, 0));
                MUST(cudaDeviceSynchronize());
            });
            double start = now();
            if (cudaHostRegister(from, n, 0) == cudaSuccess) {
                value("register", size_name(n), (now() - start) * 1e3, "ms");
                line("registered_write", [&] {
                    MUST(cudaMemcpy(memory, from, n, cudaMemcpyHostToDevice));
                    MUST(cudaDeviceSynchronize());
                });
                line("registered_read", [&] { MUST(cudaMemcpy(from, memory, n, cudaMemcpyDeviceToHost)); });
                MUST(cudaHostUnregister(from));
            }
        }
        std::free(from);
        std::free(to);
        MUST(cudaFree(memory));
        MUST(cudaFreeHost(pinned));
    }
}

static void memory_bound() {
    const size_t bytes = small_run ? 32 << 20 : 1 << 30, n = bytes / 4;
    const int times = 20, count = small_run ? 5 : 15;
    std::vector<float> a(n), b(n), got(n);
    for (auto &x : a) x = unit_float();
    for (auto &x : b) x = unit_float();
    float4 *m[3];
    for (auto &p : m) MUST(cudaMalloc(&p, bytes));
    MUST(cudaMemcpy(m[0], a.data(), bytes, cudaMemcpyHostToDevice));
    auto line = [&](const char *bench, size_t size, double passes, const Work &one) {
        heat();
        rate(bench, size_name(size), passes * size * times / 1e9, "GB/s", warm_s(), count, [&] {
            for (int i = 0; i < times; i++) one();
            MUST(cudaDeviceSynchronize());
        });
    };
    for (size_t size : {size_t(64) << 10, size_t(1) << 20, size_t(16) << 20, bytes}) {
        line("copy", size, 2, [&] { MUST(cudaMemcpyAsync(m[1], m[0], size, cudaMemcpyDeviceToDevice, 0)); });
        line("fill", size, 1, [&] { MUST(cudaMemsetAsync(m[1], 1, size, 0)); });
    }
    const int grid = int(bytes / 16 / 256);
    for (bool triad : {false, true}) {
        auto one = [&] {
            if (triad) triad4<<<grid, 256>>>(m[0], m[1], m[2]);
            else saxpy4<<<grid, 256>>>(m[0], m[1]);
        };
        MUST(cudaMemcpy(m[1], b.data(), bytes, cudaMemcpyHostToDevice));
        one();
        MUST(cudaMemcpy(got.data(), m[triad ? 2 : 1], bytes, cudaMemcpyDeviceToHost));
        bool right = true;
        for (size_t i = 0; i < n; i++) {
            float expected = triad ? a[i] + 2.5f * b[i] : 2.5f * a[i] + b[i];
            right &= std::fabs(got[i] - expected) <= 1e-6f * std::max(1.0f, std::fabs(expected));
        }
        check(triad ? "triad" : "saxpy", right);
        line(triad ? "triad" : "saxpy", bytes, 3, one);
    }
    for (auto &p : m) MUST(cudaFree(p));
}

// NVIDIA's own matrix product, for comparison. It is not one of the tiled kernels of this suite.
static void gemm() {
    const int n = small_run ? 256 : 4096;
    const size_t elements = size_t(n) * n;
    std::vector<float> a(elements), b(elements), c(elements);
    for (auto &x : a) x = unit_float();
    for (auto &x : b) x = unit_float();
    float *m[3], one = 1, zero = 0;
    for (auto &p : m) MUST(cudaMalloc(&p, elements * 4));
    MUST(cudaMemcpy(m[0], a.data(), elements * 4, cudaMemcpyHostToDevice));
    MUST(cudaMemcpy(m[1], b.data(), elements * 4, cudaMemcpyHostToDevice));
    cublasHandle_t handle;
    MUST(cublasCreate(&handle));
    auto run = [&] {
        MUST(cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, m[0], n, m[1], n, &zero, m[2], n));
        MUST(cudaDeviceSynchronize());
    };
    run();
    MUST(cudaMemcpy(c.data(), m[2], elements * 4, cudaMemcpyDeviceToHost));
    bool right = true;
    for (int k = 0; k < 300; k++) {
        size_t row = bits() % n, column = bits() % n;
        double exact = 0;
        for (int i = 0; i < n; i++) exact += double(a[row + size_t(i) * n]) * b[i + column * n];
        right &= std::fabs(c[row + column * n] - exact) <= 1e-4 * std::fabs(exact);
    }
    check("matrix product", right);
    heat();
    rate("gemm_cublas", std::to_string(n), 2.0 * n * n * n / 1e12, "TFLOP/s", warm_s(), 15, run);
    MUST(cublasDestroy(handle));
    for (auto &p : m) MUST(cudaFree(p));
}

static void alloc() {
    // The same sizes as mixed_sizes in ../src/data.rs.
    state = 7;
    std::vector<size_t> sizes;
    for (int i = 0; i < 1000; i++) sizes.push_back((size_t(std::exp2(6.0 + 18.0 * unit_float())) + 3) / 4 * 4);
    if (small_run) sizes.resize(200);
    cudaMemPool_t pool;
    uint64_t keep = UINT64_MAX;
    MUST(cudaDeviceGetDefaultMemPool(&pool, 0));
    MUST(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
    auto each = [&](double s) { return s * 1e6 / sizes.size(); };
    std::vector<void *> all(sizes.size());
    spread("alloc_pair", "mixed", map(samples(0, 5, [&] {
        return seconds([&] {
            for (size_t size : sizes) {
                void *p;
                MUST(cudaMallocAsync(&p, size, 0));
                MUST(cudaFreeAsync(p, 0));
            }
            MUST(cudaStreamSynchronize(0));
        });
    }), each), "us");
    spread("alloc_live", std::to_string(sizes.size()), map(samples(0, 5, [&] {
        double spent = seconds([&] {
            for (size_t i = 0; i < sizes.size(); i++) MUST(cudaMallocAsync(&all[i], sizes[i], 0));
            MUST(cudaStreamSynchronize(0));
        });
        for (void *p : all) MUST(cudaFreeAsync(p, 0));
        MUST(cudaStreamSynchronize(0));
        return spent;
    }), each), "us");
}

static void threads() {
    const int threads = 16, jobs = small_run ? 250 : 2000;
    std::vector<cudaStream_t> streams(threads);
    uint32_t *memory;
    MUST(cudaMalloc(&memory, threads * 256));
    for (auto &s : streams) MUST(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
    auto together = [&](const std::function<void(int)> &work) {
        std::atomic<bool> go{false};
        std::vector<std::thread> all;
        for (int i = 0; i < threads; i++)
            all.emplace_back([&, i] {
                while (!go) std::this_thread::yield();
                work(i);
            });
        double start = now();
        go = true;
        for (auto &t : all) t.join();
        MUST(cudaDeviceSynchronize());
        return now() - start;
    };
    heat();
    auto thousands = [&](int count) { return [=](double s) { return threads * count / s / 1e3; }; };
    spread("threads_queue", "16", map(samples(0, 10, [&] {
        return together([&](int i) { for (int k = 0; k < jobs; k++) step<<<1, 64, 0, streams[i]>>>(memory + i * 64); });
    }), thousands(jobs)), "k/s");
    const int waits = small_run ? 20 : 200;
    spread("threads_wait", "16", map(samples(0, 10, [&] {
        return together([&](int i) {
            uint32_t result[64];
            for (int k = 0; k < waits; k++) {
                step<<<1, 64, 0, streams[i]>>>(memory + i * 64);
                MUST(cudaMemcpyAsync(result, memory + i * 64, 256, cudaMemcpyDeviceToHost, streams[i]));
                MUST(cudaStreamSynchronize(streams[i]));
            }
        });
    }), thousands(waits)), "k/s");
    MUST(cudaFree(memory));
}

static double resident_mib() {
    char line[256];
    double kib = 0;
    FILE *file = std::fopen("/proc/self/status", "r");
    while (file && std::fgets(line, sizeof line, file))
        if (!std::strncmp(line, "VmRSS:", 6)) kib = std::atof(line + 6);
    if (file) std::fclose(file);
    return kib / 1024;
}

// The first use of CUDA in the process: the context, a kernel from source text, and its first run.
static void startup(const char *state_name) {
    double begin = now();
    MUST(cudaFree(0));
    value("create", state_name, (now() - begin) * 1e3, "ms");
    double start = now();
    const char *text = "extern \"C\" __global__ void saxpy(const float *x, float *y) {"
                       " unsigned i = blockIdx.x * blockDim.x + threadIdx.x; y[i] = 2.5f * x[i] + y[i]; }";
    int major = 0, minor = 0;
    MUST(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    MUST(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
    std::string arch = "--gpu-architecture=sm_" + std::to_string(major * 10 + minor);
    const char *option = arch.c_str();
    nvrtcProgram program;
    size_t size = 0;
    MUST(nvrtcCreateProgram(&program, text, "saxpy.cu", 0, nullptr, nullptr));
    MUST(nvrtcCompileProgram(program, 1, &option));
    MUST(nvrtcGetCUBINSize(program, &size));
    std::vector<char> code(size);
    MUST(nvrtcGetCUBIN(program, code.data()));
    CUmodule module;
    CUfunction function;
    MUST(cuModuleLoadData(&module, code.data()));
    MUST(cuModuleGetFunction(&function, module, "saxpy"));
    value("compile", std::string("saxpy_") + state_name, (now() - start) * 1e3, "ms");
    float *x, *y;
    MUST(cudaMalloc(&x, 1 << 20));
    MUST(cudaMalloc(&y, 1 << 20));
    MUST(cudaMemset(x, 0, 1 << 20));
    MUST(cudaMemset(y, 0, 1 << 20));
    void *args[] = {&x, &y};
    MUST(cuLaunchKernel(function, (1 << 18) / 256, 1, 1, 256, 1, 1, 0, nullptr, args, nullptr));
    MUST(cudaDeviceSynchronize());
    value("first_result", state_name, (now() - begin) * 1e3, "ms");
    value("resident", state_name, resident_mib(), "MiB");
}

int main(int count, char **words) {
    const char *startup_state = nullptr;
    for (int i = 1; i < count; i++) {
        if (!std::strcmp(words[i], "--small")) small_run = true;
        else if (!std::strcmp(words[i], "--huge")) huge_run = true;
        else if (!std::strcmp(words[i], "--startup") && i + 1 < count) startup_state = words[++i];
    }
    if (startup_state) {
        startup(startup_state);
        return 0;
    }
    state = uint64_t(std::chrono::system_clock::now().time_since_epoch().count());
    MUST(cudaFree(0));
    latency();
    dispatches();
    transfers();
    memory_bound();
    gemm();
    alloc();
    threads();
    return wrong;
}
