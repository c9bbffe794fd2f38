//! Helpers for the tests of this repository. They are not part of the library's interface and may change at any time.

/// The files of `include` as this build generated them. The committed files must be equal to them.
pub const GENERATED: [(&str, &str); 3] = [
    ("avx_gpu.h", include_str!(env!("AVX_GPU_H"))),
    ("avx_gpu.cdef", include_str!(env!("AVX_GPU_CDEF"))),
    ("avx_gpu.json", include_str!(env!("AVX_GPU_JSON"))),
];

/// Makes the validation layer of the library's instance report a message, so that a test can check that such messages arrive.
/// Returns false if no instance with validation is open.
pub fn provoke_validation_message() -> bool {
    crate::runtime::api::device::provoke_validation_message()
}

pub use crate::ffi::dispatch_by_path;
