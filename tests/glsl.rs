//! Kernels from GLSL, each test with the system's libshaderc and without: what runs, includes and macros, how errors read.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, is_child, rerun};
use common::*;
use std::ffi::CString;
use std::ptr::null_mut;

const VARIABLE: &str = "AVX_GPU_SHADERC";

/// A kernel to be made.
#[derive(Default)]
struct Text<'a> {
    code: &'a str,
    label: Option<&'a str>,
    folders: &'a [&'a str],
    defines: &'a [&'a str],
    entry: Option<&'a str>,
}

impl Text<'_> {
    fn make(&self, device: &Device) -> Result<avx_kernel, (avx_status, String)> {
        let list = |texts: &[&str]| texts.iter().map(|text| c(text)).collect::<Vec<CString>>();
        let (folders, defines) = (list(self.folders), list(self.defines));
        let pointers = |list: &[CString]| list.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
        let (folder_list, define_list) = (pointers(&folders), pointers(&defines));
        let (label, entry) = (self.label.map(c), self.entry.map(c));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let options = avx_kernel_options {
            language: AVX_LANGUAGE_GLSL,
            code: self.code.as_ptr().cast(),
            code_size: self.code.len() as u64,
            label: pointer(&label),
            entry_point: pointer(&entry),
            include_dirs: folder_list.as_ptr(),
            include_dir_count: u32::try_from(folders.len()).expect("few"),
            defines: define_list.as_ptr(),
            define_count: u32::try_from(defines.len()).expect("few"),
            ..avx_kernel_options::zeroed()
        };
        let mut kernel = null_mut();
        match abi::kernel_create(device.handle, &options, &mut kernel) {
            AVX_OK => Ok(kernel),
            status => Err((status, last_error())),
        }
    }

    #[track_caller]
    fn kernel(&self, device: &Device) -> avx_kernel {
        self.make(device).unwrap_or_else(|(status, story)| panic!("{}: {story}\n{}", name(status), self.code))
    }

    #[track_caller]
    fn refused(&self, device: &Device, status: avx_status, words: &[&str]) -> String {
        let (got, story) = self.make(device).expect_err(self.code);
        assert!(got == status, "wanted {}, got {}: {story}", name(status), name(got));
        tells(&story, words);
        story
    }
}

fn text(code: &str) -> Text<'_> {
    Text { code, ..Text::default() }
}

/// Runs the test in a process that looks for libshaderc and in one that does not; `true`: it is there.
fn by_both(name: &str, test: impl FnOnce(&Device, bool)) {
    if !is_child() {
        rerun(name, &[(VARIABLE, Some("none"))]);
        let given = std::env::var(VARIABLE).ok();
        rerun(name, &[(VARIABLE, given.as_deref())]);
        return;
    }
    let Some(device) = Device::open() else { return };
    let full = has_shaderc(&device);
    if std::env::var(VARIABLE).as_deref() == Ok("none") {
        assert!(!full, "{VARIABLE}=none is not obeyed");
    } else if !full {
        assert!(std::env::var_os("CI").is_none(), "libshaderc is not there, and it must be where CI=true");
        return skip("libshaderc is not there");
    }
    test(&device, full);
}

/// Whether libshaderc is what refuses a wrong text.
fn has_shaderc(device: &Device) -> bool {
    let (_, story) = text("#version 450\nvoid main() { wrong }\n").make(device).expect_err("wrong");
    let full = story.contains("refused by libshaderc (");
    assert!(full != story.contains("refused by naga"), "{story}");
    full
}

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
