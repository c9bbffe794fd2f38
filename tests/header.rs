//! The header and the files that depend on it. The header is the one that the sources generate. The symbol list, and the table in
//! docs/ffi.md for bindings that are written by hand, agree with it. The layouts are the pinned ones.
//!
//! These tests have a binary of their own, because they open no device and run after each change of the header.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::*;
use std::fs;
use std::mem::offset_of;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The functions that the header declares. The inline helpers have bodies and are not among them.
fn functions(header: &str) -> Vec<String> {
    let mut names: Vec<String> = header
        .lines()
        .filter(|l| !l.starts_with(['#', ' ', '/', '*', '}']) && !l.starts_with("typedef") && !l.starts_with("static"))
        .filter_map(|l| l.split_once('(').map(|(before, _)| before))
        .filter_map(|before| before.rsplit([' ', '*']).next())
        .filter(|n| n.starts_with("avx_"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn the_committed_files_are_the_generated_ones() {
    for (name, generated) in avx_gpu::testing::GENERATED {
        let committed = read(&format!("include/{name}"));
        let differs = committed.lines().zip(generated.lines()).find(|(a, b)| a != b);
        assert!(committed == generated, "include/{name} does not match src/ffi; the first difference: {differs:?}");
    }
}

/// A C compiler checks a macro only if the macro is used.
#[test]
fn every_number_is_one_that_c_can_read() {
    let header = read("include/avx_gpu.h");
    let defines = header.lines().filter_map(|l| l.strip_prefix("#define AVX_")?.split_once(' '));
    let plain = |value: &str| {
        let value = value.trim_start_matches('(').trim_end_matches(')');
        let value = ["INT32_C(", "UINT64_C("].iter().find_map(|macro_name| value.strip_prefix(macro_name)).unwrap_or(value);
        value.trim_end_matches('u').trim_start_matches('-').to_owned()
    };
    let skipped = |name: &str| name.ends_with("_INIT") || name.contains('(') || name.starts_with("GPU_");
    let numbers: Vec<(&str, String)> = defines.filter(|(name, _)| !skipped(name)).map(|(name, value)| (name, plain(value))).collect();
    assert!(numbers.len() > 90, "only {} numbers found", numbers.len());
    for (name, value) in numbers {
        let read = value.strip_prefix("0x").map_or_else(|| value.parse(), |hex| u64::from_str_radix(hex, 16));
        assert!(read.is_ok(), "AVX_{name} is {value}");
    }
}

#[test]
fn every_function_is_in_the_symbol_list_and_none_is_missing() {
    let declared = functions(&read("include/avx_gpu.h"));
    assert!(declared.len() >= 30, "{declared:?}");
    let list = read("tests/symbols.txt");
    let mut listed: Vec<String> = list.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
    listed.sort();
    let bound: Vec<String> = declared.iter().map(|name| name.replacen("avx_", "avx_gpu_", 1)).collect();
    let header = read("include/avx_gpu.h");
    for (name, symbol) in declared.iter().zip(&bound) {
        assert!(header.contains(&format!("#pragma redefine_extname {name} {symbol}\n")), "{name} is bound to no name of its own");
    }
    let mut both = [declared, bound].concat();
    both.sort();
    assert_eq!(both, listed);
}

#[test]
fn names_have_the_prefix() {
    let header = read("include/avx_gpu.h");
    for line in header.lines() {
        if let Some(name) = line.strip_prefix("#define ").and_then(|l| l.split([' ', '(']).next()) {
            assert!(name.starts_with("AVX_"), "{line}");
        }
        if line.starts_with("typedef struct") {
            assert!(line.contains("struct avx_"), "{line}");
        }
    }
    for word in ["bool ", "size_t ", "enum ", "long "] {
        let used = header.lines().find(|l| !l.trim_start().starts_with("//") && !l.starts_with(['/', ' ']) && l.contains(word));
        assert_eq!(used, None, "{word:?} in a signature");
    }
}

/// One field: struct, name, offset, size.
type Field = (&'static str, &'static str, usize, usize);

fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! layout {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        /// The size of every struct.
        const SIZES: &[(&str, usize)] = &[$((stringify!($name), size_of::<$name>())),*];

        /// Every field of every struct.
        fn fields() -> Vec<Field> {
            vec![$($((stringify!($name), stringify!($field), offset_of!($name, $field), size_of_field(|s: &$name| &s.$field))),*),*]
        }
    };
}

layout! {
    avx_heap { size, used, held, budget, flags, reserved, reserved2 }
    avx_log_record { struct_size, level, message, device, kernel, has_invocation, invocation }
    avx_device_properties { struct_size, index, usable, kind, name, vendor, driver_name, driver_version, reason, vendor_id, device_id, api_version, driver_version_number, uuid, driver_uuid, has_pci_address, pci_domain, pci_bus, pci_device, pci_function, subgroup_size, subgroup_size_min, subgroup_size_max, max_workgroup_size, max_workgroup_invocations, max_workgroup_count, max_shared_memory, max_push_constants, max_groups, max_storage_buffers, storage_alignment, uniform_alignment, max_uniform_buffers, max_storage_range, max_uniform_range, max_buffer_size, features, memory_size, heap_count, reserved, heaps, compute_units, transfer_queues, host_pointer_alignment, timestamp_period }
    avx_device_options { struct_size, flags, device, cache_dir, label, wait_timeout_ns, spin_us, copy_threads, uuid, log, log_user, log_level, reserved }
    avx_stream_options { struct_size, flags, label }
    avx_event_options { struct_size, flags, label }
    avx_memory_usage { struct_size, heap_count, used, held, budget, buffer_count, heaps }
    avx_cooperative_shape { m, n, k, a, b, c, result, scope, saturating, reserved }
    avx_buffer_options { struct_size, memory, size, alignment, label }
    avx_buffer_properties { struct_size, memory, size, alignment, host_visible, mapped, label }
    avx_constant { name, id, kind, value, bits }
    avx_kernel_options {
        struct_size, language, code, code_size, entry_point, label, constants, constant_count, flags, subgroup_size, reserved,
        include_dirs, defines, include_dir_count, define_count,
    }
    avx_kernel_properties { struct_size, arg_count, workgroup_size, language, bounds, shared_memory, entry_point, label, subgroup_size, registers, local_memory, reserved,
        statistics }
    avx_kernel_arg_properties { struct_size, kind, group, binding, access, alignment, min_size, stride, name }
    avx_kernel_member_properties { struct_size, scalar, bits, rows, columns, matrix_stride, flags, array_count, offset, size, array_lengths, array_strides, name }
    avx_arg { kind, flags, group, binding, buffer, bytes, offset, size, slot, reserved, reserved2 }
    avx_graph_options { struct_size, flags, label }
    avx_graph_properties { struct_size, slots, commands, label }
}

#[test]
fn sizes_are_the_pinned_ones() {
    let pinned = [
        ("avx_heap", 64),
        ("avx_log_record", 48),
        ("avx_device_properties", 2592),
        ("avx_device_options", 80),
        ("avx_stream_options", 16),
        ("avx_event_options", 16),
        ("avx_memory_usage", 1064),
        ("avx_cooperative_shape", 64),
        ("avx_buffer_options", 32),
        ("avx_buffer_properties", 160),
        ("avx_constant", 32),
        ("avx_kernel_options", 88),
        ("avx_kernel_properties", 816),
        ("avx_kernel_arg_properties", 168),
        ("avx_kernel_member_properties", 368),
        ("avx_arg", 64),
        ("avx_graph_options", 16),
        ("avx_graph_properties", 144),
    ];
    assert_eq!(SIZES, pinned);
}

/// No assignment writes the padding between fields, so padding would show the contents of the library's stack.
#[test]
fn structs_have_no_holes() {
    for (name, size) in SIZES {
        let mut end = 0;
        for (_, field, offset, bytes) in fields().into_iter().filter(|field| field.0 == *name) {
            assert_eq!(offset, end, "padding before {name}.{field}");
            end = offset + bytes;
        }
        assert_eq!(*size, end, "padding at the end of {name}");
    }
}

#[test]
fn the_tables_of_docs_ffi_are_right() {
    let document = read("docs/ffi.md");
    let mut section = "";
    let mut found: Vec<(String, String, usize, usize)> = Vec::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            let (name, size) = heading.split_once("`: ").unwrap_or_else(|| panic!("a heading without a size: {line}"));
            let size: usize = size.trim_end_matches(" bytes").parse().unwrap_or_else(|_| panic!("no size: {line}"));
            let right = SIZES.iter().find(|s| s.0 == name).unwrap_or_else(|| panic!("no struct {name}"));
            assert_eq!(size, right.1, "{name}");
            section = name;
        } else if let Some(row) = line.strip_prefix("| ").filter(|_| !section.is_empty()) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            if let (Ok(offset), Ok(size)) = (cells[0].parse(), cells[1].parse()) {
                found.push((section.to_owned(), cells[2].trim_matches('`').to_owned(), offset, size));
            }
        } else if line.starts_with("## ") {
            section = "";
        }
    }
    found.sort();
    let mut want: Vec<_> = fields().into_iter().map(|(s, f, offset, size)| (s.to_owned(), f.to_owned(), offset, size)).collect();
    want.sort();
    for row in &want {
        assert!(found.contains(row), "docs/ffi.md lacks or has wrong: {row:?}");
    }
    assert_eq!(found.len(), want.len(), "docs/ffi.md has rows for no field of the ABI");
}

#[test]
fn versions_agree() {
    let version: Vec<u32> = env!("CARGO_PKG_VERSION").split('.').map(|n| n.parse().expect("numbers")).collect();
    assert_eq!(avx_version(), version[0] << 22 | version[1] << 12 | version[2]);
    let header = read("include/avx_gpu.h");
    assert!(header.contains(&format!("#define AVX_GPU_VERSION (({}u << 22) | ({}u << 12) | {}u)", version[0], version[1], version[2])));
    assert!(header.contains(&format!("#define AVX_GPU_VERSION_STRING \"{}\"", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn status_numbers_are_pinned_and_lie_in_their_bands() {
    let header = read("include/avx_gpu.h");
    let pinned = [
        ("AVX_OK", 0),
        ("AVX_NOT_READY", 1),
        ("AVX_TIMEOUT", 2),
        ("AVX_ERROR_INVALID_ARGUMENT", -1),
        ("AVX_ERROR_INVALID_HANDLE", -2),
        ("AVX_ERROR_OUT_OF_RANGE", -3),
        ("AVX_ERROR_MAPPED", -4),
        ("AVX_ERROR_NOT_MAPPED", -5),
        ("AVX_ERROR_IN_CALLBACK", -6),
        ("AVX_ERROR_UNSUPPORTED", -7),
        ("AVX_ERROR_LIMIT", -8),
        ("AVX_ERROR_TIMEOUT", -9),
        ("AVX_ERROR_OUT_OF_DEVICE_MEMORY", -100),
        ("AVX_ERROR_OUT_OF_HOST_MEMORY", -101),
        ("AVX_ERROR_COMPILE", -200),
        ("AVX_ERROR_INVALID_SPIRV", -201),
        ("AVX_ERROR_ENTRY_POINT", -202),
        ("AVX_ERROR_ARGUMENTS", -203),
        ("AVX_ERROR_ASSERTION", -204),
        ("AVX_ERROR_NO_DRIVER", -300),
        ("AVX_ERROR_NO_DEVICE", -301),
        ("AVX_ERROR_DEVICE_LOST", -302),
        ("AVX_ERROR_DRIVER", -303),
        ("AVX_ERROR_INTERNAL", -400),
        ("AVX_ERROR_FORKED", -401),
        ("AVX_ERROR_EXITING", -402),
    ];
    for (constant, number) in pinned {
        let written = if number < 0 { format!("#define {constant} ({number})") } else { format!("#define {constant} INT32_C({number})") };
        assert!(header.lines().any(|l| l == written), "{written}");
        assert_eq!(name(number), constant);
    }
    let errors = header.lines().filter(|l| l.starts_with("#define AVX_ERROR_")).count();
    assert_eq!(errors, pinned.iter().filter(|p| p.1 < 0).count(), "a new status needs its number pinned in this test");
}
