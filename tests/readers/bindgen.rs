//! What bindgen makes of the installed header, compiled and run: the constants have the header's types, the functions link.
//! Compiled by `cargo xtask test` with AVX_GPU_BINDINGS as the path of bindgen's output.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals, dead_code, reason = "the names are C's, and not all are used")]

mod bindings {
    include!(env!("AVX_GPU_BINDINGS"));
}
use bindings::*;

const OK: avx_status = AVX_OK;
const NOT_READY: i32 = AVX_NOT_READY;
const LIMIT: avx_status = AVX_ERROR_LIMIT;
const FOREVER: u64 = AVX_FOREVER;
const FEATURE: u64 = AVX_FEATURE_UNIFIED_MEMORY;
const FLAGS: u32 = AVX_ARG_FLAG_AT | AVX_ARG_FLAG_UNORDERED;
const PUSH: u32 = AVX_GROUP_PUSH_CONSTANTS;
const LEVEL: i32 = AVX_LOG_DEBUG;

const _: () = assert!(OK == 0 && NOT_READY == 1 && LIMIT == -8 && FOREVER == u64::MAX && FEATURE != 0);
const _: () = assert!(FLAGS == 12 && PUSH == u32::MAX && LEVEL == 4);
const _: () = assert!(size_of::<avx_arg>() == 64 && align_of::<avx_arg>() == 8 && size_of::<avx_device>() == 8);

fn main() {
    // SAFETY: these functions take numbers, or a pointer to a count.
    let (version, name, status, count) = unsafe {
        let mut count = 0;
        let status = avx_device_count(&mut count);
        (avx_version(), std::ffi::CStr::from_ptr(avx_status_name(LIMIT)), status, count)
    };
    assert_eq!(version, AVX_GPU_VERSION, "the header is of another version");
    assert_eq!(name.to_str(), Ok("AVX_ERROR_LIMIT"));
    assert!(status == OK || status == AVX_ERROR_NO_DRIVER, "avx_device_count: {status}");
    println!("bindgen: {count} devices");
}
