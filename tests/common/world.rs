//! The setup of a test of bad input: a kernel and buffers to call with, and a check that the calls have changed nothing else.

use super::random::Random;
use super::*;

/// A device with a guard buffer that no call may change, and a kernel that shows that the device still works.
pub(crate) struct World {
    /// The device.
    pub(crate) device: Device,
    /// The kernel, which adds.
    pub(crate) kernel: avx_kernel,
    /// The source buffer.
    pub(crate) x: avx_buffer,
    /// The buffer for the sums.
    pub(crate) y: avx_buffer,
    /// The buffer that no call may change.
    pub(crate) guard: avx_buffer,
    /// The contents of the guard buffer.
    pub(crate) content: Vec<u8>,
    /// False on the null driver.
    pub(crate) computes: bool,
}

/// The kernel adds a constant to x and writes the result to y.
pub(crate) const ADD: &str = "struct P { add: u32, n: u32 }
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> sink: array<u32>;
@group(0) @binding(2) var<uniform> params: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) { sink[id.x] = source[id.x] + params.add; }
}";

/// The kernel's parameters: add 5 to 64 words.
pub(crate) const PARAMS: [u8; 8] = [5, 0, 0, 0, 64, 0, 0, 0];

impl World {
    /// Opens a device and creates the buffers and the kernel, or skips.
    pub(crate) fn new() -> Option<World> {
        let device = Device::open()?;
        let computes = !device.is_mock();
        let content = Random::new(99).bytes(1024);
        let x = device.buffer_of(&content[..256]);
        let guard = device.buffer_of(&content);
        let y = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        ok(abi::set_label(y, c("the sink").as_ptr()));
        let kernel = device.kernel(ADD);
        Some(World { device, kernel, x, y, guard, content, computes })
    }

    /// Valid arguments.
    pub(crate) fn args(&self) -> [avx_arg; 3] {
        [arg_buffer(self.x), arg_buffer(self.y), arg_bytes(&PARAMS)]
    }

    /// Checks that the arguments are rejected because they do not fit.
    #[track_caller]
    pub(crate) fn misfit(&self, args: &[avx_arg]) -> String {
        fails(dispatch(self.kernel, [1, 1, 1], args), AVX_ERROR_ARGUMENTS)
    }

    /// Checks that the guard buffer is unchanged and that the device computes.
    #[track_caller]
    pub(crate) fn unharmed(&self) {
        self.device.dispatch(self.kernel, [1, 1, 1], &self.args());
        self.device.synchronize();
        if self.computes {
            assert!(self.device.read(self.guard, 0, 1024) == self.content, "another buffer changed");
            let want: Vec<u32> = words_of(&self.content[..256]).iter().map(|w| w.wrapping_add(5)).collect();
            assert_eq!(self.device.words(self.y, 64), want, "the device does not work any more");
        }
    }
}
