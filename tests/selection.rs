//! The choice of a device: the selectors of avx_create, AVX_GPU_DEVICE, the properties from avx_device_describe, and machines
//! without a driver.
//!
//! These tests have a binary of their own, because they open every device of the machine, including those that the other suites do
//! not use.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::process::{Folder, is_child, rerun, rerun_with_bytes};
use common::*;
use std::ptr::null_mut;

/// Every visible device.
fn devices() -> Vec<avx_device_properties> {
    (0..device_count())
        .map(|i| {
            let mut properties = avx_device_properties::zeroed();
            ok(abi::device_describe(i, &mut properties));
            properties
        })
        .collect()
}

/// The devices that can be opened. If there are none, it prints why the test is skipped.
fn usable() -> Option<Vec<avx_device_properties>> {
    let usable: Vec<_> = devices().into_iter().filter(|d| d.usable == 1).collect();
    if usable.is_empty() {
        skip("no device can be opened");
        return None;
    }
    Some(usable)
}

/// Opens a device by a selector and returns its properties.
fn open(selector: &str, flags: u32) -> Result<avx_device_properties, avx_status> {
    let (device, cache_dir) = (c(selector), c(""));
    let options = avx_device_options { device: device.as_ptr(), cache_dir: cache_dir.as_ptr(), flags, ..avx_device_options::zeroed() };
    let mut handle = null_mut();
    match abi::create(&options, &mut handle) {
        AVX_OK => {
            let device = Device { handle };
            Ok(device.info())
        }
        status => {
            assert!(handle.is_null(), "an output was written on failure");
            Err(status)
        }
    }
}

fn uuid(device: &avx_device_properties) -> String {
    device.uuid.iter().map(|b| format!("{b:02x}")).collect()
}

#[track_caller]
fn opens(selector: &str, want: &avx_device_properties) {
    match open(selector, 0) {
        Ok(got) => assert_eq!(uuid(&got), uuid(want), "{selector:?} opened {}", text(&got.name)),
        Err(status) => panic!("{selector:?}: {} {}", name(status), last_error()),
    }
}

#[test]
fn descriptions_make_sense() {
    for (i, d) in (0..).zip(devices()) {
        assert_eq!(d.index, i);
        assert!(!text(&d.name).is_empty() && !text(&d.vendor).is_empty());
        assert!((AVX_DEVICE_KIND_DISCRETE..=AVX_DEVICE_KIND_OTHER).contains(&d.kind), "kind {}", d.kind);
        assert!(d.usable <= 1);
        assert_eq!(d.usable == 1, text(&d.reason).is_empty(), "a reason where it cannot be used: {}", text(&d.reason));
        assert!(d.api_version >= 1 << 22, "API version {:#x}", d.api_version);
        assert_eq!(d.reserved, 0);
        if d.usable == 0 {
            continue;
        }
        assert!(d.heap_count >= 1 && d.heap_count <= 16);
        let heaps = &d.heaps[..d.heap_count as usize];
        assert!(heaps.iter().all(|h| h.size > 0 && h.reserved == 0 && h.reserved2 == [0; 3]));
        let local: u64 = heaps.iter().filter(|h| h.flags & AVX_HEAP_DEVICE_LOCAL != 0).map(|h| h.size).sum();
        assert_eq!(d.memory_size, local);
        assert!(d.subgroup_size_min <= d.subgroup_size && d.subgroup_size <= d.subgroup_size_max);
        // These are the minimum limits that Vulkan guarantees.
        assert!(d.max_workgroup_invocations >= 128 && d.max_workgroup_size[0] >= 128 && d.max_workgroup_size[2] >= 64);
        assert!(d.max_workgroup_count.iter().all(|&n| n >= 65535));
        assert!(d.max_shared_memory >= 16384 && d.max_push_constants >= 128 && d.max_groups >= 4);
        assert!(d.max_storage_buffers >= 4 && d.max_uniform_buffers >= 12);
        assert!(d.storage_alignment <= 256 && d.uniform_alignment <= 256 && d.max_storage_range >= 1 << 27 && d.max_uniform_range >= 16384);
        assert!(d.max_buffer_size >= d.max_storage_range.min(1 << 30));
    }
}

#[test]
fn an_open_device_is_what_was_described() {
    let Some(usable) = usable() else { return };
    for want in &usable {
        let got = open(&want.index.to_string(), 0).unwrap_or_else(|s| panic!("{}: {}", name(s), last_error()));
        assert_eq!((got.index, uuid(&got), text(&got.name), got.kind), (want.index, uuid(want), text(&want.name), want.kind));
        assert_eq!(
            (got.features, got.max_buffer_size, got.max_workgroup_count),
            (want.features, want.max_buffer_size, want.max_workgroup_count)
        );
        assert_eq!(
            (got.heap_count, got.memory_size, got.driver_version_number),
            (want.heap_count, want.memory_size, want.driver_version_number)
        );
    }
}

#[test]
fn selectors_find_their_device() {
    let Some(usable) = usable() else { return };
    for want in &usable {
        let device_name = text(&want.name);
        opens(&want.index.to_string(), want);
        opens(&format!("uuid:{}", uuid(want)), want);
        opens(&format!("uuid:{}", uuid(want).to_uppercase()), want);
        let twins = usable.iter().filter(|d| text(&d.name).to_lowercase().contains(&device_name.to_lowercase())).count();
        if twins == 1 {
            opens(&device_name, want);
            opens(&device_name.to_uppercase(), want);
            opens(&format!("name:{device_name}"), want);
            opens(&format!("name:{}", device_name.to_lowercase()), want);
        }
        if want.has_pci_address == 1 {
            opens(&format!("pci:{:04x}:{:02x}:{:02x}.{:x}", want.pci_domain, want.pci_bus, want.pci_device, want.pci_function), want);
        }
        let kind = match want.kind {
            AVX_DEVICE_KIND_DISCRETE => "discrete",
            AVX_DEVICE_KIND_INTEGRATED => "integrated",
            AVX_DEVICE_KIND_VIRTUAL => "virtual",
            AVX_DEVICE_KIND_CPU => "cpu",
            _ => continue,
        };
        assert_eq!(open(&format!("kind:{kind}"), 0).map(|d| d.kind), Ok(want.kind));
        match open("kind:gpu", 0) {
            Ok(gpu) => assert!(gpu.kind < AVX_DEVICE_KIND_CPU, "{} is no GPU", text(&gpu.name)),
            Err(status) => {
                fails(status, AVX_ERROR_NO_DEVICE);
                assert!(usable.iter().all(|d| d.kind >= AVX_DEVICE_KIND_CPU));
            }
        }
    }
}

#[test]
fn a_uuid_as_bytes_finds_its_device() {
    let Some(usable) = usable() else { return };
    let mut handle = null_mut();
    for want in &usable {
        let options = avx_device_options { uuid: want.uuid.as_ptr(), ..avx_device_options::zeroed() };
        ok(abi::create(&options, &mut handle));
        assert_eq!(uuid(&Device { handle }.info()), uuid(want));
        let selector = c("0");
        let both = avx_device_options { device: selector.as_ptr(), ..options };
        tells(&fails(abi::create(&both, &mut handle), AVX_ERROR_INVALID_ARGUMENT), &["options->uuid", "options->device"]);
    }
    let none = [0xFE; 16];
    let options = avx_device_options { uuid: none.as_ptr(), ..avx_device_options::zeroed() };
    tells(&fails(abi::create(&options, &mut handle), AVX_ERROR_NO_DEVICE), &["fefefefe"]);
}

#[test]
fn the_best_device_comes_by_default() {
    let Some(usable) = usable() else { return };
    let mut handle = null_mut();
    ok(abi::create(std::ptr::null(), &mut handle));
    let got = Device { handle }.info();
    let best = usable.iter().map(|d| d.kind).min().expect("not empty");
    assert_eq!(got.kind, best, "{} was opened", text(&got.name));
}

#[test]
fn selectors_that_find_nothing() {
    if device_count() == 0 {
        return skip("no driver");
    }
    for selector in ["name:no such gpu", "no such gpu", "999", &format!("uuid:{}", "0f".repeat(16)), "pci:00fe:dc:1b.7"] {
        let status = open(selector, 0).map(|_| ()).expect_err(selector);
        let message = fails(status, AVX_ERROR_NO_DEVICE);
        let all = devices();
        tells(&message, &[&text(&all[0].name)]);
    }
}

#[test]
fn selectors_that_cannot_be_understood() {
    for selector in ["uuid:zz", "uuid:12", "kind:potato", "kind:", "pci:1", "pci:xx:yy:zz.0", "name:"] {
        let status = open(selector, 0).map(|_| ()).expect_err(selector);
        if status == AVX_ERROR_NO_DRIVER {
            return skip(&last_error());
        }
        tells(&fails(status, AVX_ERROR_INVALID_ARGUMENT), &[selector]);
    }
}

#[test]
fn no_cpu_means_no_cpu() {
    let Some(usable) = usable() else { return };
    match open("", AVX_CREATE_NO_CPU).or_else(|_| open(&usable[0].index.to_string(), AVX_CREATE_NO_CPU)) {
        Ok(got) => assert_ne!(got.kind, AVX_DEVICE_KIND_CPU),
        Err(status) => {
            tells(&fails(status, AVX_ERROR_NO_DEVICE), &[&text(&usable[0].name)]);
            assert!(usable.iter().all(|d| d.kind == AVX_DEVICE_KIND_CPU));
        }
    }
}

#[test]
fn describe_beyond_the_last() {
    if device_count() == 0 {
        return skip("no driver");
    }
    for index in [device_count(), u32::MAX] {
        let mut properties = avx_device_properties::zeroed();
        fails(abi::device_describe(index, &mut properties), AVX_ERROR_OUT_OF_RANGE);
    }
}

/// Prints the visible devices. The tests below run it with AVX_GPU_DEVICE set.
#[test]
fn print_what_is_visible() {
    if !is_child() {
        return;
    }
    let mut count = 0;
    let status = abi::device_count(&mut count);
    println!("\ncount {} {count}", name(status));
    if status == AVX_OK {
        for (i, d) in devices().iter().enumerate() {
            println!("device {i} {} {}", uuid(d), d.kind);
        }
    }
    let mut handle = null_mut();
    let status = abi::create(std::ptr::null(), &mut handle);
    if status == AVX_OK {
        println!("opened {}", uuid(&Device { handle }.info()));
    } else {
        println!("refused {} {}", name(status), last_error().replace('\n', " "));
    }
}

/// The lines that `print_what_is_visible` printed with this environment.
#[track_caller]
fn visible(variables: &[(&str, Option<&str>)]) -> Vec<String> {
    told(&rerun("print_what_is_visible", variables))
}

/// The lines of `print_what_is_visible`, out of all that its process said.
fn told(said: &str) -> Vec<String> {
    let words = ["count ", "device ", "opened ", "refused "];
    said.lines().filter(|l| words.iter().any(|w| l.starts_with(w))).map(str::to_owned).collect()
}

#[test]
fn the_environment_filters_and_orders() {
    if usable().is_none() || std::env::var_os("AVX_GPU_DEVICE").is_some() {
        return;
    }
    let all = devices();
    for (i, device) in all.iter().enumerate() {
        for selector in [i.to_string(), format!("uuid:{}", uuid(device))] {
            let lines = visible(&[("AVX_GPU_DEVICE", Some(&selector))]);
            assert_eq!(lines[..2], ["count AVX_OK 1".to_owned(), format!("device 0 {} {}", uuid(device), device.kind)], "{selector}");
            if device.usable == 1 {
                assert_eq!(lines[2], format!("opened {}", uuid(device)));
            }
        }
    }
    if all.len() > 1 {
        let lines = visible(&[("AVX_GPU_DEVICE", Some("1,0"))]);
        assert_eq!(lines[0], "count AVX_OK 2");
        assert!(lines[1].contains(&uuid(&all[1])) && lines[2].contains(&uuid(&all[0])), "{lines:?}");
    }
    for empty in ["", "  "] {
        assert_eq!(visible(&[("AVX_GPU_DEVICE", Some(empty))])[0], format!("count AVX_OK {}", all.len()));
    }
}

#[test]
fn the_environment_may_leave_nothing() {
    if usable().is_none() {
        return;
    }
    for nothing in ["name:no such gpu", "999", "kind:potato"] {
        let lines = visible(&[("AVX_GPU_DEVICE", Some(nothing))]);
        let last = lines.last().expect("a line");
        let refused = last.starts_with("refused AVX_ERROR_NO_DEVICE") || last.starts_with("refused AVX_ERROR_INVALID_ARGUMENT");
        assert!(refused && last.contains("AVX_GPU_DEVICE"), "{nothing}: {lines:?}");
        if last.starts_with("refused AVX_ERROR_NO_DEVICE") {
            let all: Vec<String> = devices().iter().map(|d| format!("\"{}\"", text(&d.name))).collect();
            tells(last, &all.iter().map(String::as_str).collect::<Vec<_>>());
            tells(last, &[nothing]);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_opens_no_other_device() {
    use std::os::unix::ffi::OsStrExt as _;
    if usable().is_none() {
        return;
    }
    let value = std::ffi::OsStr::from_bytes(b"0\xff");
    let lines = told(&rerun_with_bytes("print_what_is_visible", &[("AVX_GPU_DEVICE", Some(value))]));
    assert!(lines[0].starts_with("count AVX_ERROR_INVALID_ARGUMENT"), "{lines:?}");
    let last = lines.last().expect("a line");
    assert!(last.starts_with("refused AVX_ERROR_INVALID_ARGUMENT") && last.contains("AVX_GPU_DEVICE is no UTF-8 text"), "{last}");
}

/// Some loaders give up at a manifest that is no JSON, and others pass over it and use the good driver beside it.
#[test]
fn a_manifest_that_is_no_json_is_no_lack_of_memory() {
    let folder = Folder::new("manifest");
    let file = folder.path().join("bad.json");
    std::fs::write(&file, "{ this is no JSON").expect("write the manifest");
    let file = file.to_str().expect("UTF-8");
    let lines = visible(&[("VK_DRIVER_FILES", Some(file)), ("VK_ICD_FILENAMES", Some(file)), ("VK_ADD_DRIVER_FILES", None)]);
    assert_eq!(lines[0], "count AVX_ERROR_NO_DRIVER 0");
    tells(lines.last().expect("a line"), &[file, "VK_DRIVER_FILES"]);

    if usable().is_none() {
        return;
    }
    let listed = std::env::var("VK_DRIVER_FILES").or_else(|_| std::env::var("VK_ICD_FILENAMES"));
    let both = format!("{file}:{}", listed.unwrap_or("/usr/share/vulkan/icd.d".into()));
    let lines = visible(&[("VK_DRIVER_FILES", Some(&both)), ("VK_ICD_FILENAMES", Some(&both)), ("VK_ADD_DRIVER_FILES", None)]);
    let last = lines.last().expect("a line");
    assert!(last.starts_with("opened ") || last.starts_with("refused AVX_ERROR_NO_DRIVER") && last.contains("no valid JSON"), "{last}");
}

#[test]
fn without_a_driver_the_message_says_what_to_install() {
    let nowhere = Some("/no/such/driver.json");
    let lines = visible(&[("VK_DRIVER_FILES", nowhere), ("VK_ICD_FILENAMES", nowhere), ("VK_ADD_DRIVER_FILES", None)]);
    assert_eq!(lines[0], "count AVX_ERROR_NO_DRIVER 0");
    let last = lines.last().expect("a line");
    assert!(last.starts_with("refused AVX_ERROR_NO_DRIVER") && last.to_lowercase().contains("install"), "{last}");
}
