//! What a test of bad input needs: something to call with, and a proof that nothing was harmed.

use super::random::Random;
use super::*;

/// A device with a neighbour that nothing may touch and a kernel that proves that work still runs.
pub(crate) struct World {
    /// The device.
    pub(crate) device: Device,
    /// Adds.
    pub(crate) kernel: avx_kernel,
    /// What is added to.
    pub(crate) x: avx_buffer,
    /// Where sums go.
    pub(crate) y: avx_buffer,
    /// What nothing may touch.
    pub(crate) neighbour: avx_buffer,
    /// Its content.
    pub(crate) content: Vec<u8>,
    /// False on the null driver.
    pub(crate) computes: bool,
}

/// The kernel: adds a constant, x to y.
pub(crate) const ADD: &str = "struct P { add: u32, n: u32 }
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> sink: array<u32>;
@group(0) @binding(2) var<uniform> params: P;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) { sink[id.x] = source[id.x] + params.add; }
}";

/// Its parameters: add 5 to 64 words.
pub(crate) const PARAMS: [u8; 8] = [5, 0, 0, 0, 64, 0, 0, 0];

impl World {
    /// Opens a device and sets it up, or skips.
    pub(crate) fn new() -> Option<World> {
        let device = Device::open()?;
        let computes = !device.is_mock();
        let content = Random::new(99).bytes(1024);
        let x = device.buffer_of(&content[..256]);
        let neighbour = device.buffer_of(&content);
        let y = device.alloc(256, AVX_MEMORY_DEVICE | AVX_MEMORY_ZEROED);
        ok(abi::set_label(y, c("the sink").as_ptr()));
        let kernel = device.kernel(ADD);
        Some(World { device, kernel, x, y, neighbour, content, computes })
    }

    /// Arguments that fit.
    pub(crate) fn args(&self) -> [avx_arg; 3] {
        [arg_buffer(self.x), arg_buffer(self.y), arg_bytes(&PARAMS)]
    }

    /// Refused as arguments that do not fit.
    #[track_caller]
    pub(crate) fn misfit(&self, args: &[avx_arg]) -> String {
        fails(dispatch(self.kernel, [1, 1, 1], args), AVX_ERROR_ARGUMENTS)
    }

    /// The neighbour is as it was, and the device computes.
    #[track_caller]
    pub(crate) fn unharmed(&self) {
        self.device.dispatch(self.kernel, [1, 1, 1], &self.args());
        self.device.synchronize();
        if self.computes {
            assert!(self.device.read(self.neighbour, 0, 1024) == self.content, "another buffer changed");
            let want: Vec<u32> = words_of(&self.content[..256]).iter().map(|w| w.wrapping_add(5)).collect();
            assert_eq!(self.device.words(self.y, 64), want, "the device does not work any more");
        }
    }
}
