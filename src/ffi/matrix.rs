//! Section "matrix" of the header: the shapes of cooperative matrices.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::status::avx_status;
use crate::runtime::api::device;
use crate::runtime::base::error::{Error, Status};
use crate::runtime::kernel::properties::CooperativeShape;

/// A shape of cooperative matrices: an M x K times a K x N matrix, added to an M x N matrix. 64 bytes, pinned. A component type is
/// AVX_SCALAR_... * 65536 + its bits, so 0x10010 is a 16-bit float; 0 is a type that this version has no number for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_cooperative_shape {
    /// Rows of A, C and the result.
    pub m: u32,
    /// Columns of B, C and the result.
    pub n: u32,
    /// Columns of A and rows of B.
    pub k: u32,
    /// Component type of A.
    pub a: u32,
    /// Component type of B.
    pub b: u32,
    /// Component type of C.
    pub c: u32,
    /// Component type of the result.
    pub result: u32,
    /// AVX_SCOPE_...: who computes it together.
    pub scope: u32,
    /// 1 if sums of integers saturate.
    pub saturating: u32,
    /// Zero.
    pub reserved: [u32; 7],
}

/// The invocations of a workgroup compute a cooperative matrix together.
pub const AVX_SCOPE_WORKGROUP: u32 = 2;
/// The invocations of a subgroup compute a cooperative matrix together.
pub const AVX_SCOPE_SUBGROUP: u32 = 3;

/// The shapes of cooperative matrices that the device multiplies; none without AVX_FEATURE_COOPERATIVE_MATRIX. `shapes` may be
/// NULL: then `count` gets their number. Else `count` holds the number that `shapes` has room for, and gets the number that there
/// are. AVX_ERROR_OUT_OF_RANGE if the room is less, and no shape is written then.
///
/// # Safety
/// `shapes` is NULL or has room for `count` shapes; `count` is NULL or readable and writable.
#[unsafe(export_name = "avx_gpu_device_cooperative_shapes")]
pub unsafe extern "C" fn avx_device_cooperative_shapes(
    device: avx_device,
    shapes: *mut avx_cooperative_shape,
    count: *mut u32,
) -> avx_status {
    boundary::call("avx_device_cooperative_shapes", || {
        // SAFETY: `count` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(count, "count") }?;
        // SAFETY: `out` has found that it is not NULL, so it is readable, says the caller. Its value means nothing without `shapes`.
        let room = if shapes.is_null() { 0 } else { unsafe { count.read_unaligned() } };
        let list = device::cooperative_shapes(device.token())?;
        out.set(list.len() as u32);
        if shapes.is_null() {
            return Ok(());
        }
        if (room as usize) < list.len() {
            let message = format!("count is {room}; the device has {} shapes", list.len());
            return Err(Error::new(Status::OutOfRange, message));
        }
        for (i, shape) in list.iter().enumerate() {
            // SAFETY: i is below the room that the caller gave.
            unsafe { shapes.add(i).write_unaligned(cooperative_shape(shape)) };
        }
        Ok(())
    })
}

fn cooperative_shape(shape: &CooperativeShape) -> avx_cooperative_shape {
    let [m, n, k] = shape.size;
    let [a, b, c, result] = shape.components.map(|(scalar, bits)| (scalar as u32) << 16 | bits);
    avx_cooperative_shape { m, n, k, a, b, c, result, scope: shape.scope, saturating: shape.saturating.into(), reserved: [0; 7] }
}
