//! `avxc info`: shows the arguments and requirements of a kernel.

use super::{each_entry, vulkan_or_default};
use crate::abi::{self, Offline, OfflineArg, OfflineMember};
use crate::cli::{Flag, Invocation};
use crate::error::Result;
use crate::output_style::OutputStyle;
use crate::required_limits;
use crate::source;
use crate::table::{self, columns};
use avx_gpu::ffi::*;
use serde_json::{Value, json};

pub(crate) fn run(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let minor = vulkan_or_default(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let kernels = each_entry(&code)?.iter().map(|code| abi::compile_offline(code, minor)).collect::<std::result::Result<Vec<_>, _>>()?;
    if invocation.has(Flag::Json) {
        let points: Vec<Value> = kernels.iter().map(entry_json).collect();
        let all = json!({ "file": code.label, "vulkan": format!("1.{minor}"), "entry_points": points });
        return style.print(&format!("{all:#}\n"));
    }
    let texts: Vec<String> = kernels.iter().map(entry_text).collect();
    style.print(&texts.join("\n"))
}

/// The kind of an argument, as text.
fn kind(arg: &OfflineArg) -> &'static str {
    match arg.kind {
        AVX_BINDING_STORAGE => "storage",
        AVX_BINDING_UNIFORM => "uniform",
        _ => "push constants",
    }
}

/// The accesses of the kernel to an argument, as text.
fn access(arg: &OfflineArg) -> &'static str {
    match (arg.access & AVX_ACCESS_READ != 0, arg.access & AVX_ACCESS_WRITE != 0) {
        (true, true) => "read, write",
        (true, false) => "read",
        (false, true) => "write",
        (false, false) => "none",
    }
}

/// The type of a member, as WGSL writes it.
fn type_of(member: &OfflineMember) -> String {
    let scalar = match member.scalar {
        AVX_SCALAR_FLOAT => "f",
        AVX_SCALAR_INT => "i",
        AVX_SCALAR_UINT => "u",
        AVX_SCALAR_BFLOAT => "bf",
        AVX_SCALAR_ADDRESS => "address ",
        _ => return format!("{} bytes", member.size),
    };
    let scalar = format!("{scalar}{}", member.bits);
    let element = match (member.columns, member.rows) {
        (1, 1) => scalar,
        (1, rows) => format!("vec{rows}<{scalar}>"),
        (columns, rows) => format!("mat{columns}x{rows}<{scalar}>"),
    };
    let lengths = member.arrays.iter().map(|(length, _)| if *length == 0 { "[]".to_owned() } else { format!("[{length}]") });
    element + &lengths.collect::<String>()
}

fn member_json(member: &OfflineMember) -> Value {
    json!({
        "name": member.name,
        "type": type_of(member),
        "offset": member.offset,
        "size": member.size,
        "matrix_stride": member.matrix_stride,
        "row_major": member.row_major,
        "array_lengths": member.arrays.iter().map(|(length, _)| length).collect::<Vec<_>>(),
        "array_strides": member.arrays.iter().map(|(_, stride)| stride).collect::<Vec<_>>(),
    })
}

fn entry_json(kernel: &Offline) -> Value {
    let arg = |(arg, members): (&OfflineArg, &Vec<OfflineMember>)| {
        let at = |number: u32| if arg.kind == AVX_BINDING_PUSH_CONSTANTS { Value::Null } else { number.into() };
        json!({
            "name": arg.name,
            "kind": kind(arg),
            "group": at(arg.group),
            "binding": at(arg.binding),
            "read": arg.access & AVX_ACCESS_READ != 0,
            "write": arg.access & AVX_ACCESS_WRITE != 0,
            "min_size": arg.min_size,
            "stride": arg.stride,
            "members": members.iter().map(member_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "name": kernel.entry_point,
        "workgroup_size": kernel.workgroup_size,
        "shared_memory": kernel.shared_memory,
        "capabilities": kernel.capabilities.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "arguments": kernel.args.iter().zip(&kernel.members).map(arg).collect::<Vec<_>>(),
    })
}

fn entry_text(kernel: &Offline) -> String {
    let [x, y, z] = kernel.workgroup_size;
    let invocations = u64::from(x) * u64::from(y) * u64::from(z);
    let features = required_limits::features(kernel);
    let mut rows = vec![table::row(&["workgroup", &format!("{x} x {y} x {z}, {invocations} invocations")])];
    rows.push(table::row(&["shared memory", &table::bytes(kernel.shared_memory.into())]));
    rows.push(table::row(&["needs", &if features.is_empty() { "no optional features".to_owned() } else { features.join(", ") }]));
    let mut text = format!("{}\n{}", kernel.entry_point, columns(2, &rows));
    if kernel.args.is_empty() {
        return text + "  takes no arguments\n";
    }
    let mut rows = vec![table::row(&["binding", "name", "kind", "access", "min bytes", "stride"])];
    rows.extend(kernel.args.iter().map(|arg| {
        let place = if arg.kind == AVX_BINDING_PUSH_CONSTANTS { "push".to_owned() } else { format!("{}.{}", arg.group, arg.binding) };
        let stride = if arg.stride == 0 { "-".to_owned() } else { arg.stride.to_string() };
        table::row(&[&place, &arg.name, kind(arg), access(arg), &arg.min_size.to_string(), &stride])
    }));
    text.push('\n');
    text.push_str(&columns(2, &rows));
    // Blocks with members by name, which a caller packs.
    for (arg, members) in kernel.args.iter().zip(&kernel.members).filter(|(_, members)| members.iter().any(|m| !m.name.is_empty())) {
        let mut rows = vec![table::row(&["offset", &format!("member of {}", arg.name), "type"])];
        rows.extend(members.iter().map(|m| table::row(&[&m.offset.to_string(), &m.name, &type_of(m)])));
        text.push('\n');
        text.push_str(&columns(2, &rows));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_members_are_written_as_in_wgsl() {
        let member = |scalar, bits, columns, rows, arrays: &[(u64, u64)]| OfflineMember {
            name: "m".into(),
            scalar,
            bits,
            rows,
            columns,
            matrix_stride: 0,
            row_major: false,
            offset: 0,
            size: 12,
            arrays: arrays.to_vec(),
        };
        assert_eq!(type_of(&member(AVX_SCALAR_FLOAT, 32, 1, 1, &[])), "f32");
        assert_eq!(type_of(&member(AVX_SCALAR_UINT, 16, 1, 3, &[(0, 8)])), "vec3<u16>[]");
        assert_eq!(type_of(&member(AVX_SCALAR_FLOAT, 16, 4, 2, &[(2, 64), (3, 16)])), "mat4x2<f16>[2][3]");
        assert_eq!(type_of(&member(AVX_SCALAR_BYTES, 0, 1, 1, &[])), "12 bytes");
    }
}
