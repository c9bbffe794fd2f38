//! wgpu, opened for compute.

use avx_gpu_bench::data::{Plain, bytes_of, bytes_of_mut};
use avx_gpu_bench::kernels;
use std::time::Instant;
use wgpu::*;

/// An open device.
#[derive(Clone)]
pub(crate) struct Gpu {
    pub(crate) device: Device,
    pub(crate) queue: Queue,
    pub(crate) name: String,
    checked: bool,
}

impl Gpu {
    /// Opens the first discrete GPU, or the first device if there is none. With `checked`, shaders get wgpu's default run-time
    /// checks.
    pub(crate) fn new(checked: bool) -> Gpu {
        let mut descriptor = InstanceDescriptor::new_without_display_handle();
        descriptor.backends = Backends::VULKAN;
        descriptor.flags = InstanceFlags::empty();
        let instance = Instance::new(descriptor);
        let mut adapters = pollster::block_on(instance.enumerate_adapters(Backends::VULKAN));
        let best = adapters.iter().position(|a| a.get_info().device_type == DeviceType::DiscreteGpu).unwrap_or(0);
        let adapter = adapters.swap_remove(best);
        let request = DeviceDescriptor {
            label: None,
            required_features: adapter.features() & Features::MAPPABLE_PRIMARY_BUFFERS,
            required_limits: adapter.limits(),
            experimental_features: ExperimentalFeatures::disabled(),
            memory_hints: MemoryHints::Performance,
            trace: Trace::Off,
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&request)).expect("a device that opens");
        let info = adapter.get_info();
        Gpu { device, queue, name: format!("{}, {} {}", info.name, info.driver, info.driver_info), checked }
    }

    /// Opens the same device with the other setting of the checks.
    pub(crate) fn with_checks(&self, checked: bool) -> Gpu {
        Gpu { checked, ..self.clone() }
    }

    /// The kernel `main` of a WGSL source.
    pub(crate) fn pipeline(&self, wgsl: &str) -> ComputePipeline {
        let source = ShaderModuleDescriptor { label: None, source: ShaderSource::Wgsl(wgsl.into()) };
        let module = if self.checked {
            self.device.create_shader_module(source)
        } else {
            // SAFETY: the kernels of this suite stay within their buffers.
            unsafe { self.device.create_shader_module_trusted(source, ShaderRuntimeChecks::unchecked()) }
        };
        self.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: PipelineCompilationOptions { constants: &[], zero_initialize_workgroup_memory: self.checked },
            cache: None,
        })
    }

    /// A buffer in device memory.
    pub(crate) fn buffer(&self, size: usize) -> Buffer {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        self.device.create_buffer(&BufferDescriptor { label: None, size: size as u64, usage, mapped_at_creation: false })
    }

    /// A buffer that results are copied into and read from.
    pub(crate) fn readback(&self, size: usize) -> Buffer {
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        self.device.create_buffer(&BufferDescriptor { label: None, size: size as u64, usage, mapped_at_creation: false })
    }

    /// Binds whole buffers as the arguments of a kernel.
    pub(crate) fn group(&self, pipeline: &ComputePipeline, buffers: &[&Buffer]) -> BindGroup {
        let entries: Vec<_> =
            (0..).zip(buffers).map(|(binding, buffer)| BindGroupEntry { binding, resource: buffer.as_entire_binding() }).collect();
        self.device.create_bind_group(&BindGroupDescriptor { label: None, layout: &pipeline.get_bind_group_layout(0), entries: &entries })
    }

    /// Records one dispatch for each of `groups`. A group that comes twice in a row is bound once.
    pub(crate) fn kernels<'a>(
        &self,
        pipeline: &ComputePipeline,
        groups: impl IntoIterator<Item = &'a BindGroup>,
        grid: (u32, u32),
    ) -> CommandBuffer {
        self.record(|encoder| {
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            pass.set_pipeline(pipeline);
            let mut bound: Option<&BindGroup> = None;
            for group in groups {
                if !bound.is_some_and(|b| std::ptr::eq(b, group)) {
                    pass.set_bind_group(0, group, &[]);
                    bound = Some(group);
                }
                pass.dispatch_workgroups(grid.0, grid.1, 1);
            }
        })
    }

    /// Records a command buffer.
    pub(crate) fn record(&self, record: impl FnOnce(&mut CommandEncoder)) -> CommandBuffer {
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        record(&mut encoder);
        encoder.finish()
    }

    /// Submits a command buffer and waits.
    pub(crate) fn run(&self, commands: CommandBuffer) {
        let submission = self.queue.submit([commands]);
        self.wait(Some(submission));
    }

    /// Waits for a submission, or for all submissions.
    pub(crate) fn wait(&self, submission_index: Option<SubmissionIndex>) {
        self.device.poll(PollType::Wait { submission_index, timeout: None }).expect("a wait");
    }

    /// Writes to the start of a buffer and waits until the bytes have arrived.
    pub(crate) fn write<T: Plain>(&self, buffer: &Buffer, data: &[T]) {
        self.queue.write_buffer(buffer, 0, bytes_of(data));
        let submission = self.queue.submit([]);
        self.wait(Some(submission));
    }

    /// Reads from the start of a buffer through `staging`.
    pub(crate) fn read_by<T: Plain>(&self, buffer: &Buffer, staging: &Buffer, data: &mut [T]) {
        let bytes = bytes_of_mut(data);
        let size = bytes.len() as u64;
        let submission = self.queue.submit([self.record(|encoder| encoder.copy_buffer_to_buffer(buffer, 0, staging, 0, size))]);
        let slice = staging.slice(..size);
        slice.map_async(MapMode::Read, |result| result.expect("a buffer that maps"));
        self.wait(Some(submission));
        bytes.copy_from_slice(&slice.get_mapped_range().expect("a mapped range"));
        staging.unmap();
    }

    /// Reads from the start of a buffer.
    pub(crate) fn read<T: Plain>(&self, buffer: &Buffer, data: &mut [T]) {
        self.read_by(buffer, &self.readback(size_of_val(data)), data);
    }

    /// Work that raises the clock of an idle GPU.
    pub(crate) fn heater(&self, seconds: f64) -> Box<dyn Fn()> {
        const BYTES: usize = 64 << 20;
        let buffers = [(); 3].map(|()| self.buffer(BYTES));
        let pipeline = self.pipeline(&kernels::triad());
        let group = self.group(&pipeline, &buffers.each_ref());
        let gpu = self.clone();
        Box::new(move || {
            let start = Instant::now();
            while start.elapsed().as_secs_f64() < seconds {
                gpu.run(gpu.kernels(&pipeline, std::iter::repeat_n(&group, 20), kernels::vec4_grid(BYTES)));
            }
        })
    }
}
