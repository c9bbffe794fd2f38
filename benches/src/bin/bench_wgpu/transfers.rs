//! Transfers between ordinary memory and the device.

use crate::Bench;
use avx_gpu_bench::memory::HostMemory;
use avx_gpu_bench::out::size_name;
use avx_gpu_bench::{Measure, Side, time_fairly};

/// Runs the group.
pub(crate) fn run(bench: &Bench) {
    let gpu = &bench.gpu;
    let largest = gpu.device.limits().max_buffer_size as usize;
    // A write through queue.write_buffer needs a staging buffer of the same size, and the size of a copy is a multiple of four
    // bytes.
    for size in bench.options.transfer_sizes().into_iter().filter(|s| *s <= largest) {
        let host = HostMemory::random(size);
        let mut got = HostMemory::blank(size);
        let (buffer, staging) = (gpu.buffer(size), gpu.readback(size));
        let plan = bench.options.transfer_plan(size);
        let measure = Measure::Gigabytes(size as f64);
        (bench.heat)();
        time_fairly(&bench.out, "write", size_name(size), measure, plan, &mut [Side::new("wgpu", || gpu.write(&buffer, host.bytes()))]);
        let mut sides = [Side::new("wgpu", || gpu.read_by(&buffer, &staging, got.bytes_mut()))];
        time_fairly(&bench.out, "read", size_name(size), measure, plan, &mut sides);
        drop(sides);
        bench.out.check("wgpu", format_args!("transfers of {size}"), got.bytes() == host.bytes());
    }
}
