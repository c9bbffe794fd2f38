//! `avxc check`, and files that are not there.

use super::common::{Folder, example, said};

const BROKEN: &str = "@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    y[id.x] = 2.0 * z[id.x];
}
";

#[test]
fn a_broken_kernel_is_shown_with_its_place() {
    let folder = Folder::new();
    folder.put("broken.wgsl", BROKEN);
    let said = folder.avxc(&["check", "broken.wgsl", "--vulkan", "1.1"]).ended(1);
    let place = ["broken.wgsl:4:21", "4 |     y[id.x] = 2.0 * z[id.x];\n  |                     ^"];
    let said = said.tells(&place).shows(&["broken.wgsl: Vulkan 1.1: failed"]);
    assert!(said.err.starts_with("error: ") && !said.err.contains("AVX_ERROR"), "{}", said.err);
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("broken.wgsl", BROKEN);
    let said = folder.avxc(&["check", "broken.wgsl"]).ended(1).tells(&place);
    assert_eq!(said.err.matches(place[0]).count(), 1, "once for all devices: {}", said.err);
    folder.avxc(&["run", "broken.wgsl", "--out", "y.npy:f32:64", "-g", "1"]).ended(1).tells(&place);
    folder.avxc(&["info", "broken.wgsl"]).ended(1).tells(&place);
}

#[test]
fn every_device_is_checked() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("blur.wgsl", example("blur.wgsl"));
    folder.put("two.wgsl", "@compute @workgroup_size(1) fn a() {} @compute @workgroup_size(2) fn b() {}");
    let devices: serde_json::Value = serde_json::from_str(&folder.avxc(&["devices", "--json"]).ended(0).out).expect("JSON");
    let usable = devices.as_array().expect("a list").iter().filter(|device| device["usable"] == true);
    let names: Vec<String> = usable.map(|device| format!("{} {}", device["index"], device["name"].as_str().expect("a name"))).collect();
    assert!(!names.is_empty());
    let said = folder.avxc(&["check", "blur.wgsl", "two.wgsl"]).ended(0);
    for name in &names {
        for start in ["blur.wgsl: ", "two.wgsl: a: ", "two.wgsl: b: "] {
            assert!(said.out.contains(&format!("{start}{name}: ok\n")), "{start}{name}: {}", said.out);
        }
    }
    assert_eq!(said.out.lines().count(), 3 * names.len());
    let one = folder.avxc(&["check", "two.wgsl", "--entry", "b", "--device", "0"]).ended(0);
    assert_eq!(one.out, format!("two.wgsl: b: {}: ok\n", names[0]));
}

#[test]
fn versions_of_vulkan_need_no_driver() {
    let folder = Folder::new();
    folder.put("blur.wgsl", example("blur.wgsl"));
    folder.put(
        "half.wgsl",
        "enable f16; var<workgroup> t: array<f32, 8192>;
         @group(0) @binding(0) var<storage, read_write> x: array<f16>;
         @compute @workgroup_size(256) fn main() { t[0] = 1.0; workgroupBarrier(); x[0] *= f16(t[0]); }",
    );
    for version in ["1.1", "1.2", "1.3", "1.4"] {
        let said = folder.avxc_without_driver(&["check", "blur.wgsl", "--vulkan", version]).ended(0);
        assert_eq!(said.out, format!("blur.wgsl: Vulkan {version}: ok\n"));
        let said = folder.avxc_without_driver(&["check", "half.wgsl", "--vulkan", version]).ended(0);
        let said = said.shows(&["on devices with\n", "f16 arithmetic (Float16)", "workgroup memory: 32768, where 16384 are guaranteed"]);
        assert_eq!(said.out.contains("256, where 128 are guaranteed"), version != "1.4", "{}", said.out);
    }
}

#[test]
fn without_a_driver_it_ends_with_3() {
    let folder = Folder::new();
    folder.put("blur.wgsl", example("blur.wgsl"));
    folder.put("x.npy", "");
    for arguments in [
        &["check", "blur.wgsl"][..],
        &["check", "blur.wgsl", "--device", "0"],
        &["run", "blur.wgsl", "--in", "x.npy", "--out", "y.npy", "--groups", "1"],
        &["devices"],
        &["devices", "--json"],
    ] {
        folder.avxc_without_driver(arguments).ended(3).tells(&["nstall"]);
    }
    folder.avxc_without_driver(&["check", "blur.wgsl"]).tells(&["--vulkan 1.3"]);
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("blur.wgsl", example("blur.wgsl"));
    folder.avxc(&["check", "blur.wgsl", "--device", "name:no such device"]).ended(3).tells(&["no such device"]);
}

#[test]
fn files_that_are_not_there_end_with_4() {
    let folder = Folder::new();
    for command in ["check", "info", "disasm"] {
        folder.avxc(&[command, "missing.wgsl", "--vulkan", "1.1"]).ended(4).tells(&["error: missing.wgsl: "]);
    }
    folder.avxc(&["spirv", "missing.wgsl", "-o", "-"]).ended(4).tells(&["missing.wgsl"]);
    folder.put("good.wgsl", "@compute @workgroup_size(1) fn main() {}");
    folder.avxc(&["spirv", "good.wgsl", "-o", "no_folder/good.spv"]).ended(4).tells(&["no_folder/good.spv"]);
    // The other files are checked nevertheless.
    let said = folder.avxc(&["check", "missing.wgsl", "good.wgsl", "--vulkan", "1.1"]).ended(4).tells(&["missing.wgsl"]);
    assert_eq!(said.out, "good.wgsl: Vulkan 1.1: ok\n");
}

#[test]
fn kernels_come_from_standard_input_too() {
    let folder = Folder::new();
    let arguments = ["check", "-", "--language", "wgsl", "--vulkan", "1.3"];
    assert_eq!(folder.avxc_reading(&arguments, &example("blur.wgsl")).ended(0).out, "standard input: Vulkan 1.3: ok\n");
    folder.avxc_reading(&arguments, BROKEN).ended(1).tells(&["standard input:4:21"]);
    folder.avxc_reading(&arguments, "").ended(1).tells(&["no compute entry point"]);
    folder.avxc_reading(&["check", "-", "--vulkan", "1.3"], "").ended(2).tells(&["--language"]);
}

#[test]
fn a_misspelt_entry_point_is_told_the_nearest() {
    let folder = Folder::new();
    folder.put("two.wgsl", "@compute @workgroup_size(1) fn first() {} @compute @workgroup_size(1) fn second() {}");
    folder.avxc(&["check", "two.wgsl", "--vulkan", "1.1", "-e", "secnd"]).ended(1).tells(&["secnd", "did you mean \"second\"?"]);
    folder.avxc(&["spirv", "two.wgsl", "-o", "-"]).ended(1).tells(&["2 compute entry points"]);
}

#[test]
fn constants_reach_the_library() {
    let folder = Folder::new();
    folder.put("n.wgsl", "override n = 3u; @compute @workgroup_size(n) fn main() {}");
    assert_eq!(folder.avxc(&["check", "n.wgsl", "--vulkan", "1.1"]).ended(0).out, "n.wgsl: Vulkan 1.1: ok\n");
    folder.avxc(&["info", "n.wgsl", "-D", "n=5"]).ended(0).shows(&["5 x 1 x 1"]);
    folder.avxc(&["check", "n.wgsl", "--vulkan", "1.1", "-D", "nothing=1"]).ended(1).tells(&["nothing", "The kernel has: n"]);
    folder.avxc(&["check", "n.wgsl", "--vulkan", "1.1", "-D", "n=2.5"]).ended(1).tells(&["2.5 is not an integer"]);
}

#[test]
fn what_is_asked_of_a_kernel_reaches_the_library() {
    let folder = Folder::new();
    folder.put(
        "k.wgsl",
        "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { printf(\"%u\", id.x); x[id.x] += 1u; }",
    );
    let listing = |options: &[&str]| folder.avxc(&[&["disasm", "k.wgsl"], options].concat()).ended(0).out;
    assert!(listing(&[]).contains("OpArrayLength") && !listing(&["--unchecked"]).contains("OpArrayLength"));
    // Reports are written behind an atomic count, which the kernel itself has none of.
    assert!(!listing(&[]).contains("OpAtomicIAdd") && listing(&["--debug"]).contains("OpAtomicIAdd"));
    folder.avxc(&["check", "k.wgsl", "--subgroup-size", "many"]).ended(2).tells(&["--subgroup-size"]);
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("k.wgsl", "@compute @workgroup_size(64) fn main() {}");
    folder.avxc(&["check", "k.wgsl", "--subgroup-size", "3"]).ended(1).tells(&["subgroup size of 3"]);
}

#[test]
fn what_a_device_lacks_is_named() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put(
        "half.wgsl",
        "enable f16; @group(0) @binding(0) var<storage, read_write> x: array<f16>;
         @compute @workgroup_size(1) fn main() { x[0] *= 2h; }",
    );
    // In this mode no device has anything optional.
    let mut command = folder.command(&["check", "half.wgsl"]);
    command.env("AVX_GPU_BASELINE", "1");
    let said =
        said(command).ended(1).shows(&["half.wgsl: 0 ", ": failed"]).tells(&["half.wgsl: 0 ", "f16 arithmetic (SPIR-V Float16)", "lacks"]);
    assert!(!said.err.contains("AVX_ERROR"), "{}", said.err);
}
