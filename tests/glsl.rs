//! Kernels from GLSL, each test with the system's libshaderc and without: what runs, includes and macros, how errors read.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::glsl::{by_both, text};
use common::*;

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
    by_both("saxpy_runs", |device, full| {
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
        assert_eq!(args.iter().map(|a| common::text(&a.name)).collect::<Vec<_>>(), ["X", "result", "P"]);
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
        // The same buffer twice: the variant for overlapping arguments.
        device.dispatch(kernel, [N.div_ceil(64), 1, 1], &[arg_buffer(y), arg_buffer(y), arg_bytes(&params)]);
        let want: Vec<u32> = want.iter().enumerate().map(|(i, y)| if i + 1 < N as usize { (3.5 * f32::from_bits(*y)).to_bits() } else { *y }).collect();
        let got = device.words(y, N as usize);
        assert!(got.iter().zip(&want).all(|(a, b)| (f32::from_bits(*a) - f32::from_bits(*b)).abs() <= f32::from_bits(*b) * 1e-6), "aliased");
    });
}
