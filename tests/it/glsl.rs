//! Kernels from GLSL. Each test runs with the system's libshaderc and without: execution, includes and macros, and error messages.

use crate::common::glsl::{Text, VARIABLE, by_both, text};
use crate::common::process::{Folder, is_child, rerun};
use crate::common::*;

const SAXPY: &str = "#version 450
layout(local_size_x = 64) in;
layout(std430, set = 0, binding = 0) readonly buffer X { float x[]; };
layout(std430, set = 0, binding = 1) buffer Y { float y[]; } result;
layout(std140, set = 0, binding = 2) uniform P { float a; uint n; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < n) { result.y[i] = a * x[i] + result.y[i]; }
}
";

#[test]
fn saxpy_runs() {
    by_both("glsl::saxpy_runs", |device, full| {
        let kernel = text(SAXPY).kernel(device);
        let info = kernel_info(kernel);
        assert_eq!((info.language, info.workgroup_size, info.arg_count), (AVX_LANGUAGE_GLSL, [64, 1, 1], 3));
        if full {
            let hardware = device.info().features & AVX_FEATURE_ROBUST_ACCESS != 0;
            assert_eq!(info.bounds, if hardware { AVX_BOUNDS_HARDWARE } else { AVX_BOUNDS_NONE });
        } else {
            assert_eq!(info.bounds, AVX_BOUNDS_CHECKED);
        }
        let args: Vec<_> = (0..3).map(|i| arg_info(kernel, i)).collect();
        assert_eq!(args.iter().map(|a| a.kind).collect::<Vec<_>>(), [AVX_BINDING_STORAGE, AVX_BINDING_STORAGE, AVX_BINDING_UNIFORM]);
        assert_eq!(args.iter().map(|a| (a.binding, a.min_size, a.stride)).collect::<Vec<_>>(), [(0, 4, 4), (1, 4, 4), (2, 8, 0)]);
        assert_eq!([args[0].access, args[1].access], [AVX_ACCESS_READ, AVX_ACCESS_READ | AVX_ACCESS_WRITE]);
        assert_eq!(args.iter().map(|a| crate::common::text(&a.name)).collect::<Vec<_>>(), ["X", "result", "P"]);
        if device.is_mock() {
            return;
        }
        const N: u32 = 1000;
        let floats = |f: &dyn Fn(u32) -> f32| (0..N).map(|i| f(i).to_bits()).collect::<Vec<u32>>();
        let (x, y) = (device.buffer_of_words(&floats(&|i| i as f32)), device.buffer_of_words(&floats(&|_| 1.0)));
        let params = bytes_of(&[2.5f32.to_bits(), N - 1]);
        device.dispatch(kernel, [N.div_ceil(64), 1, 1], &[arg_buffer(x), arg_buffer(y), arg_bytes(&params)]);
        let want = floats(&|i| if i < N - 1 { 2.5 * i as f32 + 1.0 } else { 1.0 });
        assert_eq!(device.words(y, N as usize), want);
        // The same buffer is bound twice, which selects the variant for overlapping arguments.
        device.dispatch(kernel, [N.div_ceil(64), 1, 1], &[arg_buffer(y), arg_buffer(y), arg_bytes(&params)]);
        let want: Vec<u32> =
            want.iter().enumerate().map(|(i, y)| if i + 1 < N as usize { (3.5 * f32::from_bits(*y)).to_bits() } else { *y }).collect();
        let got = device.words(y, N as usize);
        assert!(
            got.iter().zip(&want).all(|(a, b)| (f32::from_bits(*a) - f32::from_bits(*b)).abs() <= f32::from_bits(*b) * 1e-6),
            "aliased"
        );
    });
}

/// Runs a kernel with one buffer of four words, and returns the contents of the buffer.
fn four_words(device: &Device, kernel: avx_kernel) -> Option<Vec<u32>> {
    if device.is_mock() {
        return None;
    }
    let out = device.buffer_of_words(&[0; 4]);
    device.dispatch(kernel, [1, 1, 1], &[arg_buffer(out)]);
    Some(device.words(out, 4))
}

const FOUR: &str = "#version 450
layout(local_size_x = 1) in;
layout(std430, binding = 0) buffer Out { uint o[4]; };
";

#[test]
fn defines_apply() {
    by_both("glsl::defines_apply", |device, _| {
        let code = format!(
            "{FOUR}#if defined(FAST) && FAST == 1\n#define MODE 7u\n#else\n#define MODE 8u\n#endif\nvoid main() {{ o[0] = MODE; o[1] = SIZE; o[2] = TWICE(5u); }}\n"
        );
        let fast = Text { defines: &["FAST", "SIZE=2u+1u", "TWICE(x)=(x * 2u)"], ..text(&code) };
        let slow = Text { defines: &["SIZE=4u", "TWICE(x)=x"], ..text(&code) };
        // Kernels with the same text and different defines are different kernels.
        for (options, want) in [(&fast, [7, 3, 10, 0]), (&slow, [8, 4, 5, 0]), (&fast, [7, 3, 10, 0])] {
            let got = four_words(device, options.kernel(device));
            assert!(got.is_none_or(|got| got == want), "{:?}", options.defines);
        }
        text(&code).refused(device, AVX_ERROR_COMPILE, &["SIZE", "kernel:9:35", "9 | void main"]);
        Text { defines: &["1=2"], ..text(&code) }.refused(device, AVX_ERROR_COMPILE, &["defines[0]"]);
        Text { defines: &["A=1\n#define B"], ..text(&code) }.refused(device, AVX_ERROR_COMPILE, &["defines[0]", "one line"]);
    });
}

#[test]
fn includes_are_found_and_mapped() {
    by_both("glsl::includes_are_found_and_mapped", |device, _| {
        let folder = Folder::new("glsl_includes");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
            std::fs::write(path, text).expect("write a file");
        };
        write("a/one.glsl", "#include \"sub/two.glsl\"\nuint one() { return two() + ONE; }\n");
        write("a/sub/two.glsl", "#pragma once\n#include \"../three.glsl\"\nuint two() { return 10u * three(); }\n");
        write("a/three.glsl", "#ifndef THREE\n#define THREE\nuint three() { return 3u; }\n#endif\n");
        write("b/other.glsl", "#define ONE 2u\n");
        write("b/one.glsl", "#error the wrong one\n");
        write("a/cycle.glsl", "#include \"cycle.glsl\"\n");
        write("a/wrong.glsl", "uint fine() { return 1u; }\n\nuint wrong() {\n    return missing + 1u;\n}\n");
        write("a/open.glsl", "#if 1\n");
        write("secret.glsl", "#error not to be read\n");
        let (a, b) = (format!("{}/a", folder.text()), format!("{}/b/", folder.text()));
        let folders = [a.as_str(), b.as_str()];
        let with = |lines: &str, body: &str| {
            format!(
                "#version 450\n#extension GL_GOOGLE_include_directive : require\n{lines}\n{}void main() {{ {body} }}\n",
                FOUR.split_once('\n').expect("lines").1
            )
        };

        let code = with(
            "#include <other.glsl>\n#include \"three.glsl\"\n#include \"one.glsl\"\n#include \"sub/two.glsl\"",
            "o[0] = one(); o[1] = __LINE__;",
        );
        let got = four_words(device, Text { folders: &folders, ..text(&code) }.kernel(device));
        assert!(got.as_ref().is_none_or(|got| got[..2] == [32, 9]), "{got:?}");
        // The contents of an included file are part of the kernel's cache key.
        write("b/other.glsl", "#define ONE 5u\n");
        let got = four_words(device, Text { folders: &folders, ..text(&code) }.kernel(device));
        assert!(got.is_none_or(|got| got[0] == 35));

        let wrong = with("#include \"wrong.glsl\"", "o[0] = wrong();");
        let message = Text { folders: &folders, label: Some("blur.comp"), ..text(&wrong) }.refused(device, AVX_ERROR_COMPILE, &["missing"]);
        tells(&message, &[&format!("{a}/wrong.glsl:4:12"), "4 |     return missing + 1u;\n  |            ^^^^^^^"]);
        let refused = |line: &str, words: &[&str]| {
            Text { folders: &folders, label: Some("blur.comp"), ..text(&with(line, "")) }.refused(device, AVX_ERROR_COMPILE, words)
        };
        refused(
            "#include \"nowhere.glsl\"",
            &["nowhere.glsl was not found", &format!("{a}/nowhere.glsl"), &format!("{b}nowhere.glsl"), "blur.comp:3:10"],
        );
        refused("#include \"cycle.glsl\"", &["include each other", "cycle.glsl:1:10"]);
        refused("#include \"open.glsl\"", &["no #endif", "open.glsl:1:1"]);
        for name in ["../secret.glsl", "sub/../../secret.glsl", "/etc/passwd", &format!("{}/secret.glsl", folder.text())] {
            let message = refused(&format!("#include \"{name}\""), &["not found"]);
            assert!(!message.contains("not to be read"), "{message}");
        }
        text(&code).refused(device, AVX_ERROR_COMPILE, &["no include directories"]);
    });
}

#[test]
fn errors_show_all_mistakes_in_their_lines() {
    by_both("glsl::errors_show_all_mistakes_in_their_lines", |device, full| {
        let code = format!("{FOUR}void main() {{\n    uint a = first;\n    uint b = 1u;\n    o[0] = a + second;\n}}\n");
        let message = Text { label: Some("two.comp"), ..text(&code) }.refused(device, AVX_ERROR_COMPILE, &["first"]);
        tells(
            &message,
            &["avx_kernel_create: AVX_ERROR_COMPILE: error: ", "two.comp:5:14", "5 |     uint a = first;\n  |              ^^^^^"],
        );
        if full {
            tells(&message, &["two.comp:7:16", "7 |     o[0] = a + second;\n  |                ^^^^^^", "libshaderc"]);
        } else {
            tells(&message, &["naga", "libshaderc1", "AVX_GPU_SHADERC"]);
        }
        let code = format!("{FOUR}void main() {{\n    uint a = 1u\n    o[0] = a;\n}}\n");
        text(&code).refused(device, AVX_ERROR_COMPILE, &["syntax error, unexpected", "kernel:6:5"]);
        let code = format!("{FOUR}#define SUM(x) (x + nothing)\nvoid main() {{\n    o[0] = SUM(1u);\n}}\n");
        text(&code).refused(device, AVX_ERROR_COMPILE, &["nothing", "kernel:6:12", "o[0] = SUM(1u);"]);
        text("void main() { }").refused(device, AVX_ERROR_COMPILE, &["#version 450", "kernel:1:1"]);
        text(" ").refused(device, AVX_ERROR_COMPILE, &["#version 450"]);
        text("#version 450\n").refused(device, AVX_ERROR_COMPILE, &["main"]);
        Text { entry: Some("other"), ..text(SAXPY) }.refused(device, AVX_ERROR_ENTRY_POINT, &["other", "main"]);
        Text { code: b"#version 450\nvoid main() { } // \xff", ..Text::default() }.refused(device, AVX_ERROR_COMPILE, &["UTF-8", "line 2"]);
        Text { code: b"#version 450\nvoid \0main() { }", ..Text::default() }.refused(
            device,
            AVX_ERROR_COMPILE,
            &["kernel:2:6", "character"],
        );
        let large = format!("{FOUR}{}", "\n".repeat(1 << 20));
        text(&large).refused(device, AVX_ERROR_COMPILE, &["1 MiB"]);
    });
}

#[test]
fn constants_have_their_defaults_or_what_is_given() {
    by_both("glsl::constants_have_their_defaults_or_what_is_given", |device, _| {
        let code = format!(
            "{FOUR}layout(constant_id = 3) const uint N = 5u;\nlayout(constant_id = 4) const float X = 1.5;\nvoid main() {{ o[0] = N; o[1] = uint(X * 2.0); }}\n"
        );
        let got = four_words(device, text(&code).kernel(device));
        assert!(got.is_none_or(|got| got == [5, 3, 0, 0]));
        let (name, scale) = (c("N"), c("SCALE"));
        let by = |name: *const std::ffi::c_char, id, value| avx_constant { name, id, kind: AVX_CONSTANT_NUMBER, value, bits: 0 };
        let constants = [by(name.as_ptr(), 0, 7.0), by(std::ptr::null(), 4, 20.5)];
        let got = four_words(device, Text { constants: &constants, ..text(&code) }.kernel(device));
        assert!(got.is_none_or(|got| got == [7, 41, 0, 0]));
        let constants = [by(scale.as_ptr(), 0, 7.0)];
        Text { constants: &constants, ..text(&code) }.refused(device, AVX_ERROR_ARGUMENTS, &["SCALE", "N (id 3), X (id 4)"]);
    });
}

#[test]
fn barriers_are_for_the_whole_workgroup() {
    by_both("glsl::barriers_are_for_the_whole_workgroup", |device, _| {
        // Sums with growing steps in workgroup memory. A subgroup reads what another one wrote, so a barrier for the subgroup alone gives
        // wrong results.
        let code = "#version 450\nlayout(local_size_x = 128) in;\nlayout(std430, binding = 0) buffer X { uint x[]; };\nshared uint s[128];
void main() {\n    uint i = gl_LocalInvocationIndex, at = gl_WorkGroupID.x * 128u + i;\n    s[i] = x[at];\n    barrier();
    for (uint step = 1u; step < 128u; step *= 2u) {\n        uint add = s[(i + 128u - step) % 128u];\n        barrier();\n        s[i] += add;\n        barrier();\n    }
    x[at] = s[i];\n}\n";
        let kernel = text(code).kernel(device);
        let start: Vec<u32> = (0..128 * 1000u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
        let buffer = device.buffer_of_words(&start);
        device.dispatch(kernel, [1000, 1, 1], &[arg_buffer(buffer)]);
        let sums = start.chunks(128).map(|group| group.iter().fold(0u32, |sum, x| sum.wrapping_add(*x)));
        let want: Vec<u32> = sums.flat_map(|sum| [sum; 128]).collect();
        assert!(device.is_mock() || device.words(buffer, start.len()) == want);
    });
}

#[test]
fn all_of_glsl_needs_libshaderc() {
    by_both("glsl::all_of_glsl_needs_libshaderc", |device, full| {
        let code = "#version 460\n#extension GL_KHR_shader_subgroup_basic : require\n#ifndef GL_KHR_shader_subgroup_basic\n#define NAIVE\n#endif
layout(local_size_x = 8) in;\nlayout(std430, binding = 0) buffer Out { uint o[4]; };\nshared uint sum;
void main() {\n    if (gl_LocalInvocationIndex == 0u) sum = gl_SubgroupSize > 0u ? 0u : 1u;\n    barrier();\n    atomicAdd(sum, gl_LocalInvocationIndex);\n    barrier();
#ifdef NAIVE\n    o[1] = 1u;\n#endif\n    o[0] = sum;\n}\n";
        if !full {
            text(code).refused(device, AVX_ERROR_COMPILE, &["naga", "libshaderc1", "AVX_GPU_SHADERC=none"]);
            return;
        }
        if device.info().features & AVX_FEATURE_SUBGROUP_BASIC == 0 {
            text(code).refused(device, AVX_ERROR_UNSUPPORTED, &["subgroup"]);
            return skip("the device has no subgroups");
        }
        let got = four_words(device, text(code).kernel(device));
        // The compiler defines the macro, so a kernel that tests for it selects the fast path.
        assert!(got.is_none_or(|got| got == [28, 0, 0, 0]));
    });
}

#[test]
fn a_file_that_is_no_library_leaves_naga() {
    if !is_child() {
        rerun("glsl::a_file_that_is_no_library_leaves_naga", &[(VARIABLE, Some("/dev/null"))]);
        return;
    }
    let Some(device) = Device::open() else { return };
    ok(avx_kernel_free(text(SAXPY).kernel(&device)));
    text("#version 450\nvoid main() { wrong }\n").refused(&device, AVX_ERROR_COMPILE, &["naga", "/dev/null"]);
}

#[test]
fn kernels_are_made_by_many_threads_at_once() {
    by_both("glsl::kernels_are_made_by_many_threads_at_once", |device, _| {
        let handle = Shared(device.handle);
        std::thread::scope(|scope| {
            for thread in 0..8_u32 {
                scope.spawn(move || {
                    for round in 0..20_u32 {
                        let number = thread * 100 + round % 15;
                        let code = format!("{FOUR}#define N {number}u\nvoid main() {{ o[0] = N; }}\n");
                        let wrong = format!("{FOUR}void main() {{ o[0] = wrong_{number}; }}\n");
                        let made = text(&code).make_on(handle.get());
                        ok(avx_kernel_free(made.unwrap_or_else(|(status, message)| panic!("{}: {message}", name(status)))));
                        let (_, message) = text(&wrong).make_on(handle.get()).expect_err("wrong");
                        tells(&message, &[&format!("wrong_{number}")]);
                    }
                });
            }
        });
        let code = format!("{FOUR}#define N 714u\nvoid main() {{ o[0] = N; }}\n");
        let got = four_words(device, text(&code).kernel(device));
        assert!(got.is_none_or(|got| got[0] == 714));
    });
}

#[test]
fn lists_are_checked() {
    let Some(device) = Device::open() else { return };
    let wgsl = b"@compute @workgroup_size(1) fn main() { }";
    let list = [c("X")];
    let (pointers, nothing) = ([list[0].as_ptr()], [std::ptr::null()]);
    let base = avx_kernel_options { code: wgsl.as_ptr().cast(), code_size: wgsl.len() as u64, ..avx_kernel_options::zeroed() };
    let mut kernel = std::ptr::null_mut();
    let mut refused = |options: avx_kernel_options, words: &[&str]| {
        tells(&fails(abi::kernel_create(device.handle, &options, &mut kernel), AVX_ERROR_INVALID_ARGUMENT), words);
    };
    for language in [AVX_LANGUAGE_WGSL, AVX_LANGUAGE_SPIRV] {
        let base = avx_kernel_options { language, ..base };
        refused(avx_kernel_options { defines: pointers.as_ptr(), define_count: 1, ..base }, &["AVX_LANGUAGE_GLSL alone"]);
        refused(avx_kernel_options { include_dirs: pointers.as_ptr(), include_dir_count: 1, ..base }, &["AVX_LANGUAGE_GLSL alone"]);
    }
    let base = avx_kernel_options { language: AVX_LANGUAGE_GLSL, ..base };
    refused(avx_kernel_options { define_count: 1, ..base }, &["defines", "NULL"]);
    refused(avx_kernel_options { include_dir_count: 1, ..base }, &["include_dirs", "NULL"]);
    refused(avx_kernel_options { defines: nothing.as_ptr(), define_count: 1, ..base }, &["defines[0]", "NULL"]);
    refused(avx_kernel_options { defines: pointers.as_ptr(), define_count: 1 << 20, ..base }, &["1048576", "1024"]);
}
