//! What the tests need and nobody else: not part of the library's interface, and free to change.

/// The files of `include` as this build generated them, which the committed ones must equal.
pub const GENERATED: [(&str, &str); 3] = [
    ("avx_gpu.h", include_str!(env!("AVX_GPU_H"))),
    ("avx_gpu.cdef", include_str!(env!("AVX_GPU_CDEF"))),
    ("avx_gpu.json", include_str!(env!("AVX_GPU_JSON"))),
];

/// Has the validation layer of the library's instance report a message of the test's own, so that a test can see that such messages
/// arrive. False if no validating instance is open.
pub fn provoke_validation_message() -> bool {
    crate::runtime::api::device::provoke_validation_message()
}

pub use crate::ffi::dispatch_by_path;
