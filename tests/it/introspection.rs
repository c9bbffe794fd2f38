//! The properties of the library's objects: members of blocks, the code of kernels, graphs, shapes of matrices, facts about
//! devices. Also labels of objects of every kind, and numbers of the header that this version does not know.

use crate::common::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// A block of several types, and a storage buffer of structs.
const BLOCKS: &str = "struct Light { color: vec3<f32>, power: f32 }
struct Params { scale: f32, count: u32, offset: vec2<i32>, matrix: mat3x3<f32>, weights: array<vec4<f32>, 3>, lights: array<Light, 2> }
struct Item { key: u32, value: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> items: array<Item>;
var<immediate> bias: f32;
@compute @workgroup_size(1) fn main() {
    items[params.count].value = params.scale * params.matrix[2].y + params.weights[1].z + params.lights[1].power + bias
        + f32(params.offset.x);
}";

/// A member as a line of text: name, scalar, bits, rows x columns, offset, size, arrays.
fn member(kernel: avx_kernel, arg: u32, index: u32) -> Result<String, avx_status> {
    let mut m = avx_kernel_member_properties::zeroed();
    match abi::kernel_member_info(kernel, arg, index, &mut m) {
        AVX_OK => {
            let count = m.array_count as usize;
            let arrays: Vec<_> = m.array_lengths.iter().zip(&m.array_strides).take(count).collect();
            let rest = m.array_lengths[count..].iter().chain(&m.array_strides[count..]).sum::<u64>();
            assert_eq!((m.struct_size as usize, rest), (size_of::<avx_kernel_member_properties>(), 0));
            let name = text(&m.name);
            let (scalar, bits, rows, columns) = (m.scalar, m.bits, m.rows, m.columns);
            Ok(format!("{name} {scalar}/{bits} {rows}x{columns}/{} @{}+{} {arrays:?}", m.matrix_stride, m.offset, m.size))
        }
        status => Err(status),
    }
}

fn members(kernel: avx_kernel, arg: u32) -> Vec<String> {
    (0..).map_while(|index| member(kernel, arg, index).ok()).collect()
}

#[test]
fn members_of_a_block_by_name() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(BLOCKS);
    assert_eq!(AVX_SCALAR_FLOAT, 1);
    let expected = [
        "scale 1/32 1x1/0 @0+4 []",
        "count 3/32 1x1/0 @4+4 []",
        "offset 2/32 2x1/0 @8+8 []",
        "matrix 1/32 3x3/16 @16+44 []",
        "weights 1/32 4x1/0 @64+16 [(3, 16)]",
        "lights[].color 1/32 3x1/0 @112+12 [(2, 16)]",
        "lights[].power 1/32 1x1/0 @124+4 [(2, 16)]",
    ];
    assert_eq!(members(kernel, 0), expected);
    assert_eq!(members(kernel, 1), ["[].key 3/32 1x1/0 @0+4 [(0, 8)]", "[].value 1/32 1x1/0 @4+4 [(0, 8)]"]);
    assert_eq!(members(kernel, 2), [" 1/32 1x1/0 @0+4 []"]);
    assert_eq!(member(kernel, 0, 7), Err(AVX_ERROR_OUT_OF_RANGE));
    tells(&last_error(), &["member 7", "params", "7 members"]);
    assert_eq!(member(kernel, 3, 0), Err(AVX_ERROR_OUT_OF_RANGE));
    assert_eq!(member(kernel, u32::MAX, u32::MAX), Err(AVX_ERROR_OUT_OF_RANGE));
    fails(abi::kernel_member_info(kernel, 0, 0, null_mut()), AVX_ERROR_INVALID_ARGUMENT);
    let mut small = avx_kernel_member_properties { struct_size: 8, ..avx_kernel_member_properties::zeroed() };
    fails(abi::kernel_member_info(kernel, 0, 0, &mut small), AVX_ERROR_INVALID_ARGUMENT);
    ok(avx_kernel_free(kernel));
    assert_eq!(member(kernel, 0, 0), Err(AVX_ERROR_INVALID_HANDLE));
}

#[test]
fn a_block_packed_by_its_members_is_what_the_kernel_reads() {
    let Some(device) = Device::open_computing() else { return };
    let kernel = device.kernel(BLOCKS);
    let mut block = vec![0u8; 144];
    let mut put = |name: &str, element: &[u64], component: u64, bytes: [u8; 4]| {
        for index in 0.. {
            let mut m = avx_kernel_member_properties::zeroed();
            ok(abi::kernel_member_info(kernel, 0, index, &mut m));
            if text(&m.name) == name {
                let at = m.offset + element.iter().zip(&m.array_strides).map(|(i, stride)| i * stride).sum::<u64>();
                let (column, row) = (component / u64::from(m.rows), component % u64::from(m.rows));
                let at = (at + column * u64::from(m.matrix_stride) + row * u64::from(m.bits / 8)) as usize;
                block[at..at + 4].copy_from_slice(&bytes);
                return;
            }
        }
    };
    put("scale", &[], 0, 2f32.to_ne_bytes());
    put("count", &[], 0, 1u32.to_ne_bytes());
    put("offset", &[], 0, (-3i32).to_ne_bytes());
    put("matrix", &[], 7, 10f32.to_ne_bytes());
    put("weights", &[1], 2, 0.5f32.to_ne_bytes());
    put("lights[].power", &[1], 0, 0.25f32.to_ne_bytes());
    let items = device.buffer_of_words(&[0; 4]);
    device.dispatch(kernel, [1, 1, 1], &[arg_bytes(&block), arg_buffer(items), arg_bytes(&100f32.to_ne_bytes())]);
    assert_eq!(f32::from_bits(device.words(items, 4)[3]), 2.0 * 10.0 + 0.5 + 0.25 + 100.0 - 3.0);
}

#[test]
fn the_code_that_the_driver_got() {
    let Some(device) = Device::open() else { return };
    let kernel = device.kernel(BLOCKS);
    let mut size = 0;
    ok(abi::kernel_code(kernel, null_mut(), 0, &mut size));
    assert!(size > 100 && size % 4 == 0, "{size} bytes");
    let mut code = vec![0xEEu8; size as usize + 4];
    let mut again = 0;
    ok(abi::kernel_code(kernel, code.as_mut_ptr().cast(), code.len() as u64, &mut again));
    assert_eq!((again, &code[size as usize..]), (size, &[0xEE; 4][..]));
    assert_eq!(words_of(&code[..4]), [0x0723_0203], "SPIR-V");
    // The code is a kernel with the same interface.
    let spirv = device.try_code(AVX_LANGUAGE_SPIRV, &code[..size as usize], None).expect("the driver's code is valid");
    assert_eq!(members(spirv, 0), members(kernel, 0));
    let mut short = [0xEEu8; 8];
    again = 0;
    fails(abi::kernel_code(kernel, short.as_mut_ptr().cast(), 8, &mut again), AVX_ERROR_OUT_OF_RANGE);
    assert_eq!((again, short), (size, [0xEE; 8]));
    fails(abi::kernel_code(kernel, null_mut(), 8, &mut again), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::kernel_code(kernel, null_mut(), 0, null_mut()), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::kernel_code(null_mut(), null_mut(), 0, &mut again), AVX_ERROR_INVALID_HANDLE);
}

#[test]
fn shapes_of_cooperative_matrices() {
    let Some(device) = Device::open() else { return };
    let mut count = 77;
    ok(abi::cooperative_shapes(device.handle, null_mut(), &mut count));
    let has = device.info().features & AVX_FEATURE_COOPERATIVE_MATRIX != 0;
    assert_eq!(count > 0, has);
    // SAFETY: the struct holds only numbers, for which zero is valid.
    let zero: avx_cooperative_shape = unsafe { std::mem::zeroed() };
    let mut shapes = vec![avx_cooperative_shape { m: 99, ..zero }; count as usize + 1];
    let mut room = count + 1;
    ok(abi::cooperative_shapes(device.handle, shapes.as_mut_ptr(), &mut room));
    assert_eq!((room, shapes[count as usize].m), (count, 99));
    for shape in &shapes[..count as usize] {
        assert!(shape.m > 0 && shape.n > 0 && shape.k > 0 && [AVX_SCOPE_WORKGROUP, AVX_SCOPE_SUBGROUP].contains(&shape.scope));
        for component in [shape.a, shape.b, shape.c, shape.result] {
            assert!(component == 0 || (1..=4).contains(&(component >> 16)) && (8..=64).contains(&(component & 0xffff)), "{component:#x}");
        }
        assert_eq!(shape.reserved, [0; 7]);
    }
    if count > 0 {
        let mut room = count - 1;
        shapes[0].m = 99;
        fails(abi::cooperative_shapes(device.handle, shapes.as_mut_ptr(), &mut room), AVX_ERROR_OUT_OF_RANGE);
        assert_eq!((room, shapes[0].m), (count, 99));
    }
    fails(abi::cooperative_shapes(device.handle, null_mut(), null_mut()), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::cooperative_shapes(null_mut(), null_mut(), &mut count), AVX_ERROR_INVALID_HANDLE);
}

#[test]
fn facts_about_the_device() {
    let Some(device) = Device::open() else { return };
    let info = device.info();
    assert!(info.compute_units < 1 << 16 && info.transfer_queues < 256);
    assert!(info.host_pointer_alignment == 0 || info.host_pointer_alignment.is_power_of_two());
    assert!((0.0..1e9).contains(&info.timestamp_period));
    let mut described = avx_device_properties::zeroed();
    ok(abi::device_describe(info.index, &mut described));
    assert_eq!(described.compute_units, info.compute_units);
    assert_eq!(described.timestamp_period.to_bits(), info.timestamp_period.to_bits());
}

#[test]
fn what_a_graph_is() {
    let Some(device) = Device::open() else { return };
    let buffer = device.alloc(64, AVX_MEMORY_DEVICE);
    let label = c("step");
    let options = avx_graph_options { label: label.as_ptr(), ..avx_graph_options::zeroed() };
    let (mut stream, mut graph) = (null_mut(), null_mut());
    ok(abi::graph_begin(device.handle, &options, &mut stream));
    ok(fill_on(stream, buffer, 0, 64, &[1]));
    ok(fill_on(stream, buffer, 0, 32, &[2]));
    ok(abi::graph_end(stream, &mut graph));
    let info = |graph| {
        let mut info = avx_graph_properties::zeroed();
        ok(abi::graph_info(graph, &mut info));
        (info.slots, info.commands, text(&info.label))
    };
    assert_eq!(info(graph), (0, 2, "step".to_owned()));
    let values = [arg_buffer(buffer)];
    let message = fails(abi::graph_launch(null_mut(), graph, values.as_ptr(), 1), AVX_ERROR_INVALID_ARGUMENT);
    tells(&message, &["the graph 'step'"]);
    ok(abi::set_label(graph, null()));
    assert_eq!(info(graph).2, "");
    let wrong = avx_graph_options { flags: 1, ..avx_graph_options::zeroed() };
    fails(abi::graph_begin(device.handle, &wrong, &mut stream), AVX_ERROR_INVALID_ARGUMENT);
    fails(abi::graph_info(graph, null_mut()), AVX_ERROR_INVALID_ARGUMENT);
    ok(avx_graph_free(graph));
    let mut properties = avx_graph_properties::zeroed();
    fails(abi::graph_info(graph, &mut properties), AVX_ERROR_INVALID_HANDLE);
}

#[test]
fn a_label_for_every_kind_of_handle() {
    let Some(device) = Device::open() else { return };
    let Some(other) = Device::open() else { return };
    let kernel =
        device.kernel("@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(1) fn main() { x[0] = 1u; }");
    let (stream, event, buffer) = (device.stream(), device.event(), device.alloc(16, AVX_MEMORY_DEVICE));
    let name = c("renamed");
    let rename = |label| {
        ok(abi::set_label(device.handle, label));
        ok(abi::set_label(kernel, label));
        ok(abi::set_label(stream, label));
        ok(abi::set_label(event, label));
        ok(abi::set_label(buffer, label));
    };
    let mut nanoseconds = 0;
    let mut messages = || {
        [
            fails(write(buffer, 17, &[0]), AVX_ERROR_OUT_OF_RANGE),
            fails(dispatch(kernel, [1, 1, 1], &[]), AVX_ERROR_ARGUMENTS),
            fails(avx_event_record(other.stream(), event), AVX_ERROR_INVALID_HANDLE),
            fails(abi::event_elapsed(event, event, &mut nanoseconds), AVX_ERROR_INVALID_ARGUMENT),
        ]
    };
    rename(name.as_ptr());
    for message in messages() {
        tells(&message, &["'renamed'"]);
    }
    let mut properties = avx_kernel_properties::zeroed();
    ok(abi::kernel_info(kernel, &mut properties));
    assert_eq!(text(&properties.label), "renamed");
    rename(null());
    for message in messages() {
        assert!(!message.contains("renamed"), "{message}");
    }
    ok(abi::kernel_info(kernel, &mut properties));
    assert_eq!(text(&properties.label), "main", "its entry point's");
    // The kernel still runs, and so do dispatches on many threads while the kernel is renamed.
    if !device.is_mock() {
        std::thread::scope(|scope| {
            let (kernel, buffer) = (Shared(&kernel), Shared(&buffer));
            for _ in 0..4 {
                scope.spawn(move || (0..200).for_each(|_| ok(dispatch(*kernel.get(), [1, 1, 1], &[arg_buffer(*buffer.get())]))));
            }
            (0..200).for_each(|_| ok(abi::set_label(*kernel.get(), c("again").as_ptr())));
        });
        assert_eq!(device.words(buffer, 1), [1]);
    }
    // While a stream records, its label becomes the label of the graph.
    let mut recording = null_mut();
    ok(abi::graph_begin(device.handle, null(), &mut recording));
    ok(abi::set_label(recording, name.as_ptr()));
    let mut graph = null_mut();
    ok(abi::graph_end(recording, &mut graph));
    let mut info = avx_graph_properties::zeroed();
    ok(abi::graph_info(graph, &mut info));
    assert_eq!(text(&info.label), "renamed");
}

#[test]
fn a_label_for_no_handle() {
    let Some(device) = Device::open() else { return };
    let name = c("x");
    let event = device.event();
    ok(avx_event_free(event));
    fails(abi::set_label(event, name.as_ptr()), AVX_ERROR_INVALID_HANDLE);
    fails(abi::set_label(null_mut::<c_void>(), name.as_ptr()), AVX_ERROR_INVALID_HANDLE);
    for forged in [1usize, 4096, usize::MAX, 1 << 63 | 1, (1 << 63) | (15 << 26) | 1] {
        fails(abi::set_label(std::ptr::without_provenance_mut::<c_void>(forged), name.as_ptr()), AVX_ERROR_INVALID_HANDLE);
    }
    fails(abi::set_label(device.handle, c"\xff".as_ptr()), AVX_ERROR_INVALID_ARGUMENT);
    let mut event = null_mut();
    let options = avx_event_options { flags: 1, ..avx_event_options::zeroed() };
    fails(abi::event_create(device.handle, &options, &mut event), AVX_ERROR_INVALID_ARGUMENT);
    let options = avx_event_options { label: name.as_ptr(), ..avx_event_options::zeroed() };
    ok(abi::event_create(device.handle, &options, &mut event));
    let mut nanoseconds = 0;
    tells(&fails(abi::event_elapsed(event, event, &mut nanoseconds), AVX_ERROR_INVALID_ARGUMENT), &["'x'"]);
}

#[test]
fn numbers_for_later_versions_are_unsupported_by_name() {
    let Some(device) = Device::open() else { return };
    let mut buffer = null_mut();
    let refused = |status, name: &str| tells(&fails(status, AVX_ERROR_UNSUPPORTED), &[name, "not in this version"]);
    refused(abi::alloc(device.handle, 16, AVX_MEMORY_SHARED, &mut buffer), "AVX_MEMORY_SHARED");
    let upload = device.alloc(16, AVX_MEMORY_UPLOAD);
    let mut pointer = null_mut();
    refused(abi::map(upload, 0, 0, AVX_MAP_WRITE | AVX_MAP_PERSISTENT, &mut pointer), "AVX_MAP_PERSISTENT");
    let source = c("@compute @workgroup_size(1) fn main() { }");
    let options = avx_kernel_options { code: source.as_ptr().cast(), flags: AVX_KERNEL_ALIASED, ..avx_kernel_options::zeroed() };
    let mut kernel = null_mut();
    refused(abi::kernel_create(device.handle, &options, &mut kernel), "AVX_KERNEL_ALIASED");
    let mut memory = vec![0u8; 8192];
    fails(abi::host_register(device.handle, memory.as_mut_ptr().cast(), 8192, 1), AVX_ERROR_INVALID_ARGUMENT);
}
