/* kernel.c: compiling, and the properties of kernels and their arguments. */
#include "check.h"

static const char saxpy[] =
    "struct Params { a: f32, n: u32 }\n"
    "@group(0) @binding(0) var<storage, read>       x: array<f32>;\n"
    "@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n"
    "@group(0) @binding(2) var<uniform>             p: Params;\n"
    "@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {\n"
    "    if (id.x < p.n) { y[id.x] = p.a * x[id.x] + y[id.x]; }\n"
    "}\n";

static const char two[] =
    "@group(0) @binding(0) var<storage, read_write> a: array<u32>;\n"
    "@compute @workgroup_size(1) fn first() { a[0] = 1u; }\n"
    "@compute @workgroup_size(2, 3, 4) fn second() { a[0] = 2u; }\n";

static void check_interface(avx_device device) {
    static const char *const names[] = {"x", "y", "p"};
    static const uint32_t accesses[] = {AVX_ACCESS_READ, AVX_ACCESS_READ | AVX_ACCESS_WRITE, AVX_ACCESS_READ};
    ZEROED(avx_kernel_properties, properties);
    ZEROED(avx_kernel_arg_properties, argument);
    avx_kernel kernel = NULL;
    uint32_t i;
    OK(avx_kernel_from_wgsl(device, saxpy, NULL, &kernel));
    OK(avx_kernel_info(kernel, &properties));
    CHECK(properties.arg_count == 3 && properties.workgroup_size[0] == 64 && properties.workgroup_size[1] == 1);
    CHECK(strcmp(properties.entry_point, "main") == 0 && properties.language == AVX_LANGUAGE_WGSL && properties.bounds != AVX_BOUNDS_NONE);
    for (i = 0; i < 3; ++i) {
        OK(avx_kernel_arg_info(kernel, i, &argument));
        CHECK(strcmp(argument.name, names[i]) == 0 && argument.group == 0 && argument.binding == i);
        CHECK(argument.access == accesses[i] && argument.min_size == (i < 2 ? 4u : 8u) && argument.stride == (i < 2 ? 4u : 0u));
        CHECK(argument.kind == (i < 2 ? (uint32_t)AVX_BINDING_STORAGE : (uint32_t)AVX_BINDING_UNIFORM));
        CHECK(argument.alignment >= 1 && argument.alignment <= 256);
    }
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_kernel_arg_info(kernel, 3, &argument));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_arg_info(kernel, 0, NULL));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_info(kernel, NULL));
    OK(avx_kernel_free(kernel));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_free(kernel));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_info(kernel, &properties));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_arg_info(kernel, 0, &argument));
    OK(avx_kernel_free(NULL));
}

static void check_entry_points(avx_device device) {
    ZEROED(avx_kernel_properties, properties);
    avx_kernel kernel = NULL;
    STATUS(AVX_ERROR_ENTRY_POINT, avx_kernel_from_wgsl(device, two, NULL, &kernel));
    TELLS("first");
    TELLS("second");
    STATUS(AVX_ERROR_ENTRY_POINT, avx_kernel_from_wgsl(device, two, "third", &kernel));
    TELLS("third");
    OK(avx_kernel_from_wgsl(device, two, "second", &kernel));
    OK(avx_kernel_info(kernel, &properties));
    CHECK(properties.workgroup_size[0] == 2 && properties.workgroup_size[1] == 3 && properties.workgroup_size[2] == 4);
    OK(avx_kernel_free(kernel));
}

static void check_constants(avx_device device) {
    static const char text[] =
        "override TILE: u32; @id(3) override SCALE: f32 = 1.0; @group(0) @binding(0) var<storage, read_write> a: array<f32>;\n"
        "@compute @workgroup_size(TILE) fn main() { a[0] = SCALE; }\n";
    avx_constant constants[2];
    avx_kernel_options options = AVX_KERNEL_OPTIONS_INIT;
    ZEROED(avx_kernel_properties, properties);
    avx_kernel kernel = NULL;
    memset(constants, 0, sizeof constants);
    constants[0].name = "TILE";
    constants[0].value = 16;
    constants[1].id = 3;
    constants[1].value = 0.5;
    options.code = text;
    options.constants = constants;
    options.constant_count = 2;
    OK(avx_kernel_create(device, &options, &kernel));
    OK(avx_kernel_info(kernel, &properties));
    CHECK(properties.workgroup_size[0] == 16 && properties.subgroup_size >= 1);
    CHECK(properties.registers == AVX_UNKNOWN || properties.registers < 65536);
    OK(avx_kernel_free(kernel));
    constants[0].name = "TILES";
    STATUS(AVX_ERROR_ARGUMENTS, avx_kernel_create(device, &options, &kernel));
    TELLS("did you mean \"TILE\"");
}

static void check_errors(avx_device device) {
    avx_kernel_options options = AVX_KERNEL_OPTIONS_INIT;
    avx_kernel kernel = NULL;
    uint32_t words[5] = {0x07230203u, 0x00010300u, 0, 100, 0};
    const char *defines[1] = {"SIZE=32"};
    avx_constant constant;
    memset(&constant, 0, sizeof constant);
    STATUS(AVX_ERROR_COMPILE, avx_kernel_from_wgsl(device, "@compute @workgroup_size(1)\nfn main() { let x = nothing; }", NULL, &kernel));
    TELLS("2:21");
    STATUS(AVX_ERROR_LIMIT, avx_kernel_from_wgsl(device, "@compute @workgroup_size(16000) fn main() {}", NULL, &kernel));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_from_wgsl(device, NULL, NULL, &kernel));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_from_wgsl(device, saxpy, NULL, NULL));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_from_wgsl(device, saxpy, "\xff", &kernel));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_from_wgsl(FORGED(avx_device), saxpy, NULL, &kernel));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, NULL, &kernel));
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, &options, &kernel));

    options.code = words;
    options.code_size = sizeof words;
    options.language = AVX_LANGUAGE_SPIRV;
    STATUS(AVX_ERROR_INVALID_SPIRV, avx_kernel_create(device, &options, &kernel));
    options.code_size = 7;
    STATUS(AVX_ERROR_INVALID_SPIRV, avx_kernel_create(device, &options, &kernel));
    options.code = saxpy;
    options.code_size = 0;
    options.language = AVX_LANGUAGE_GLSL;
    STATUS(AVX_ERROR_COMPILE, avx_kernel_create(device, &options, &kernel));
    TELLS("not allowed in GLSL");
    options.language = AVX_LANGUAGE_WGSL;
    options.defines = defines;
    options.define_count = 1;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, &options, &kernel));
    options.language = AVX_LANGUAGE_GLSL;
    options.code = "#version 450\nlayout(local_size_x = SIZE) in;\nvoid main() { }\n";
    OK(avx_kernel_create(device, &options, &kernel));
    OK(avx_kernel_free(kernel));
    kernel = NULL;
    options.code = saxpy;
    options.defines = NULL;
    options.define_count = 0;
    options.language = 17;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, &options, &kernel));
    options.language = AVX_LANGUAGE_WGSL;
    options.flags = 1u << 20;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, &options, &kernel));
    options.flags = 0;
    options.subgroup_size = 3;
    STATUS(AVX_ERROR_UNSUPPORTED, avx_kernel_create(device, &options, &kernel));
    TELLS("subgroup size of 3");
    options.subgroup_size = 0;
    options.constants = &constant;
    options.constant_count = 1;
    STATUS(AVX_ERROR_ARGUMENTS, avx_kernel_create(device, &options, &kernel));
    TELLS("has none that can be set");
    options.constants = NULL;
    options.constant_count = 0;
    options.reserved = 1;
    STATUS(AVX_ERROR_INVALID_ARGUMENT, avx_kernel_create(device, &options, &kernel));
    options.reserved = 0;
    CHECK(kernel == NULL);
    options.label = "axpy";
    OK(avx_kernel_create(device, &options, &kernel));
    STATUS(AVX_ERROR_ARGUMENTS, avx_dispatch(NULL, kernel, 1, 1, 1, NULL, 0));
    TELLS("axpy");
    OK(avx_kernel_free(kernel));
}

/* The members of a block and the code of a kernel. */
static void check_members_and_code(avx_device device) {
    static const char *const source = "struct P { a: f32, m: mat4x4<f32>, n: array<vec4<u32>, 3> }\n"
                                      "@group(0) @binding(0) var<uniform> p: P;\n"
                                      "@group(0) @binding(1) var<storage, read_write> x: array<f32>;\n"
                                      "@compute @workgroup_size(1) fn main() { x[0] = p.a + p.m[1][2] + f32(p.n[2].y); }\n";
    ZEROED(avx_kernel_member_properties, member);
    avx_kernel kernel = NULL;
    uint32_t *words;
    uint64_t size = 0;

    OK(avx_kernel_from_wgsl(device, source, NULL, &kernel));
    OK(avx_kernel_member_info(kernel, 0, 0, &member));
    CHECK(strcmp(member.name, "a") == 0 && member.scalar == AVX_SCALAR_FLOAT && member.bits == 32 && member.offset == 0);
    OK(avx_kernel_member_info(kernel, 0, 1, &member));
    CHECK(member.rows == 4 && member.columns == 4 && member.matrix_stride == 16 && member.offset == 16 && member.flags == 0);
    OK(avx_kernel_member_info(kernel, 0, 2, &member));
    CHECK(member.array_count == 1 && member.array_lengths[0] == 3 && member.array_strides[0] == 16 && member.scalar == AVX_SCALAR_UINT);
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_kernel_member_info(kernel, 0, 3, &member));
    STATUS(AVX_ERROR_OUT_OF_RANGE, avx_kernel_member_info(kernel, 2, 0, &member));
    OK(avx_kernel_code(kernel, NULL, 0, &size));
    CHECK(size > 20 && size % 4 == 0);
    words = (uint32_t *)malloc((size_t)size);
    if (words != NULL) {
        OK(avx_kernel_code(kernel, words, size, &size));
        CHECK(words[0] == 0x07230203u);
        STATUS(AVX_ERROR_OUT_OF_RANGE, avx_kernel_code(kernel, words, 4, &size));
        free(words);
    }
    OK(avx_kernel_free(kernel));
    STATUS(AVX_ERROR_INVALID_HANDLE, avx_kernel_code(kernel, NULL, 0, &size));
}

int main(void) {
    avx_device device = open_device();
    check_members_and_code(device);
    check_interface(device);
    check_entry_points(device);
    check_constants(device);
    check_errors(device);
    OK(avx_destroy(device));
    return finish();
}
