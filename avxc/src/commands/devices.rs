//! `avxc devices`: lists the devices of this machine.

use crate::abi::{self, Device, DeviceInfo};
use crate::cli::{Flag, Invocation};
use crate::error::{Result, cannot_open};
use crate::output_style::OutputStyle;
use crate::table::{self, columns};
use avx_gpu::ffi::*;
use serde_json::{Value, json};

/// The features with their names, in the order of their bits.
const FEATURES: [(u64, &str); 24] = [
    (AVX_FEATURE_F16, "f16"),
    (AVX_FEATURE_F64, "f64"),
    (AVX_FEATURE_I64, "i64"),
    (AVX_FEATURE_I8, "i8"),
    (AVX_FEATURE_I16, "i16"),
    (AVX_FEATURE_STORAGE_8, "storage-8"),
    (AVX_FEATURE_STORAGE_16, "storage-16"),
    (AVX_FEATURE_ATOMIC_I64, "atomic-i64"),
    (AVX_FEATURE_ATOMIC_F32, "atomic-f32"),
    (AVX_FEATURE_ATOMIC_F32_ADD, "atomic-f32-add"),
    (AVX_FEATURE_ATOMIC_F64_ADD, "atomic-f64-add"),
    (AVX_FEATURE_SUBGROUP_BASIC, "subgroup-basic"),
    (AVX_FEATURE_SUBGROUP_VOTE, "subgroup-vote"),
    (AVX_FEATURE_SUBGROUP_ARITHMETIC, "subgroup-arithmetic"),
    (AVX_FEATURE_SUBGROUP_BALLOT, "subgroup-ballot"),
    (AVX_FEATURE_SUBGROUP_SHUFFLE, "subgroup-shuffle"),
    (AVX_FEATURE_SUBGROUP_SHUFFLE_RELATIVE, "subgroup-shuffle-relative"),
    (AVX_FEATURE_SUBGROUP_QUAD, "subgroup-quad"),
    (AVX_FEATURE_SUBGROUP_SIZE_CONTROL, "subgroup-size-control"),
    (AVX_FEATURE_COOPERATIVE_MATRIX, "cooperative-matrix"),
    (AVX_FEATURE_BUFFER_ADDRESS, "buffer-address"),
    (AVX_FEATURE_HOST_VISIBLE_DEVICE_MEMORY, "host-visible-device-memory"),
    (AVX_FEATURE_UNIFIED_MEMORY, "unified-memory"),
    (AVX_FEATURE_ROBUST_ACCESS, "robust-access"),
];

pub(crate) fn run(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let devices = abi::devices().map_err(cannot_open)?;
    // The device that is opened if none is chosen; there may be none.
    let best = Device::open(None).and_then(|device| device.info()).ok().map(|info| info.index);
    if invocation.has(Flag::Json) {
        let list: Vec<Value> = devices.iter().map(|device| json_of(device, best)).collect();
        return style.print(&format!("{:#}\n", Value::Array(list)));
    }
    let mut rows = vec![table::row(&["#", "name", "kind", "memory", "Vulkan", "driver"])];
    rows.extend(devices.iter().map(|d| {
        let number = format!("{}{}", d.index, if best == Some(d.index) { " *" } else { "" });
        let (name, version) = d.driver();
        // Some drivers repeat their name in their version.
        let driver = if version.contains(&name) { version } else { format!("{name} {version}") };
        table::row(&[&number, &d.name(), kind(d.kind), &table::bytes(d.memory_size), &table::version(d.api_version), &driver])
    }));
    let mut text = columns(0, &rows);
    for device in devices.iter().filter(|device| device.usable == 0) {
        text.push_str(&format!("\n{} cannot be used: {}\n", device.index, device.reason()));
    }
    if best.is_some() {
        text.push_str("\n* used unless --device chooses another\n");
    }
    style.print(&text)
}

/// The kind of a device, as selectors spell it.
fn kind(kind: u32) -> &'static str {
    match kind {
        AVX_DEVICE_KIND_DISCRETE => "discrete",
        AVX_DEVICE_KIND_INTEGRATED => "integrated",
        AVX_DEVICE_KIND_VIRTUAL => "virtual",
        AVX_DEVICE_KIND_CPU => "cpu",
        _ => "other",
    }
}

fn json_of(d: &DeviceInfo, best: Option<u32>) -> Value {
    let (driver, driver_version) = d.driver();
    let uuid: String = d.uuid.iter().map(|byte| format!("{byte:02x}")).collect();
    let pci = format!("{:04x}:{:02x}:{:02x}.{:x}", d.pci_domain, d.pci_bus, d.pci_device, d.pci_function);
    json!({
        "index": d.index,
        "name": d.name(),
        "kind": kind(d.kind),
        "default": best == Some(d.index),
        "usable": d.usable != 0,
        "reason": d.reason(),
        "vendor": d.vendor(),
        "driver": driver,
        "driver_version": driver_version,
        "vulkan": table::version(d.api_version),
        "uuid": uuid,
        "pci": if d.has_pci_address != 0 { Value::from(pci) } else { Value::Null },
        "memory": d.memory_size,
        "subgroup_size": d.subgroup_size,
        "max_workgroup_size": d.max_workgroup_size,
        "max_workgroup_invocations": d.max_workgroup_invocations,
        "max_workgroup_count": d.max_workgroup_count,
        "max_shared_memory": d.max_shared_memory,
        "max_push_constants": d.max_push_constants,
        "max_storage_buffers": d.max_storage_buffers,
        "max_uniform_buffers": d.max_uniform_buffers,
        "max_storage_range": d.max_storage_range,
        "features": FEATURES.iter().filter(|(bit, _)| d.features & bit != 0).map(|(_, name)| name).collect::<Vec<_>>(),
    })
}
