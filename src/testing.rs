//! What the tests need and nobody else: not part of the library's interface, and free to change.

/// The header that this build generated, which include/avx_gpu.h must equal.
pub const GENERATED_HEADER: &str = include_str!(env!("AVX_GPU_GENERATED_HEADER"));

/// Has the validation layer of the library's instance report a message of the test's own, so that a test can see that such messages
/// arrive. False if no validating instance is open.
pub fn provoke_validation_message() -> bool {
    crate::runtime::api::device::provoke_validation_message()
}

pub use crate::ffi::dispatch_by_path;
