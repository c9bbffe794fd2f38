//! `avxc info`, `spirv`, `disasm` and `devices`.

use super::common::{Folder, example, skip};
use serde_json::Value;
use std::process::Command;

const TWO: &str = "struct P { a: f32, n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(1) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> p: P;
var<immediate> k: vec2<u32>;
var<workgroup> t: array<f32, 64>;
@compute @workgroup_size(8, 4, 2) fn first(@builtin(local_invocation_index) i: u32) {
    t[i] = x[i] * p.a;
    workgroupBarrier();
    y[k.x] += vec4(t[63 - i]);
}
@compute @workgroup_size(1) fn second() { y[0] = vec4(1.0); }
";

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let out = folder.avxc_without_driver(arguments).ended(0).out;
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[test]
fn the_interface_is_shown_as_a_table() {
    let folder = Folder::new();
    folder.put("two.wgsl", TWO);
    let out = folder.avxc_without_driver(&["info", "two.wgsl"]).ended(0).out;
    let want = "first
  workgroup      8 x 4 x 2, 64 invocations
  shared memory  256 bytes
  needs          no optional features

  binding  name  kind            access       min bytes  stride
  0.0      x     storage         read         4          4
  0.1      p     uniform         read         8          -
  1.2      y     storage         read, write  16         16
  push     k     push constants  read         8          -

  offset  member of p  type
  0       a            f32
  4       n            u32

second
  workgroup      1 x 1 x 1, 1 invocations
  shared memory  0 bytes
  needs          no optional features

  binding  name  kind     access  min bytes  stride
  1.2      y     storage  write   16         16
";
    assert_eq!(out, want);
    let second = folder.avxc_without_driver(&["info", "two.wgsl", "-e", "second"]).ended(0).out;
    assert!(want.ends_with(&second) && second.starts_with("second"), "{second}");
}

#[test]
fn the_interface_is_shown_as_json() {
    let folder = Folder::new();
    folder.put("two.wgsl", TWO);
    let all = json(&folder, &["info", "two.wgsl", "--json"]);
    let first = &all["entry_points"][0];
    assert_eq!((all["file"].as_str(), first["name"].as_str()), (Some("two.wgsl"), Some("first")));
    assert_eq!(first["workgroup_size"], serde_json::json!([8, 4, 2]));
    assert_eq!(first["shared_memory"], 256);
    let y = serde_json::json!({
        "name": "y", "kind": "storage", "group": 1, "binding": 2, "read": true, "write": true, "min_size": 16, "stride": 16,
        "members": [{ "name": "", "type": "vec4<f32>[]", "offset": 0, "size": 16, "matrix_stride": 0, "row_major": false,
                      "array_lengths": [0], "array_strides": [16] }]
    });
    let members = &first["arguments"][1]["members"];
    assert_eq!((&members[1]["name"], &members[1]["type"], &members[1]["offset"]), (&"n".into(), &"u32".into(), &4.into()));
    assert_eq!(first["arguments"][2], y);
    assert_eq!(first["arguments"][3]["group"], Value::Null);
    assert_eq!(all["entry_points"][1]["arguments"].as_array().map(Vec::len), Some(1));
}

#[test]
fn spirv_is_written_and_has_the_same_interface() {
    let folder = Folder::new();
    folder.put("two.wgsl", TWO);
    for (version, word) in [("1.1", 0x0001_0300_u32), ("1.2", 0x0001_0500), ("1.3", 0x0001_0600), ("1.4", 0x0001_0600)] {
        folder.avxc_without_driver(&["spirv", "two.wgsl", "-e", "first", "--vulkan", version, "-o", "first.spv"]).ended(0);
        let module = folder.get("first.spv");
        assert_eq!(module[..4], [3, 2, 0x23, 7]);
        assert_eq!(module[4..8], word.to_le_bytes());
        let (own, text) =
            (["info", "first.spv", "--json", "--vulkan", version], ["info", "two.wgsl", "--json", "-e", "first", "--vulkan", version]);
        assert_eq!(json(&folder, &own)["entry_points"], json(&folder, &text)["entry_points"]);
    }
}

#[test]
fn spirv_is_valid() {
    let folder = Folder::new();
    folder.put("two.wgsl", TWO);
    for version in ["1.1", "1.2", "1.3"] {
        folder.avxc_without_driver(&["spirv", "two.wgsl", "-e", "first", "--vulkan", version, "-o", "first.spv"]).ended(0);
        let environment = format!("vulkan{version}");
        match Command::new("spirv-val").args(["--target-env", &environment]).arg(folder.path("first.spv")).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => return skip("spirv-val is not installed"),
        }
    }
}

#[test]
fn spirv_is_shown_as_text() {
    let folder = Folder::new();
    folder.put("blur.wgsl", example("blur.wgsl"));
    let text = folder.avxc_without_driver(&["disasm", "blur.wgsl"]).ended(0).out;
    for part in ["; SPIR-V", "OpCapability Shader", "OpEntryPoint GLCompute", "\"main\"", "LocalSize 8 8 1", "OpFunctionEnd"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    folder.avxc_without_driver(&["spirv", "blur.wgsl", "-o", "blur.spv"]).ended(0);
    assert_eq!(folder.avxc_without_driver(&["disasm", "blur.spv"]).ended(0).out, text);
    folder.avxc_without_driver(&["disasm", "blur.spv", "-o", "blur.txt"]).ended(0);
    assert_eq!(folder.get("blur.txt"), text.as_bytes());
}

/// Every module that a changed byte makes is shown or refused.
#[test]
fn damaged_spirv_is_refused() {
    let folder = Folder::new();
    folder.put("blur.wgsl", example("blur.wgsl"));
    folder.avxc_without_driver(&["spirv", "blur.wgsl", "-o", "blur.spv"]).ended(0);
    let module = folder.get("blur.spv");
    let mut refused = 0;
    for step in 0..24 {
        let mut damaged = module.clone();
        let at = step * damaged.len() / 24 / 4 * 4 + step % 4;
        damaged[at] ^= 0xff;
        folder.put("damaged.spv", &damaged);
        for command in ["disasm", "info"] {
            let said = folder.avxc_without_driver(&[command, "damaged.spv"]);
            assert!([0, 1].contains(&said.code), "{said:?}");
            refused += said.code;
        }
    }
    assert!(refused > 4, "{refused}");
    for wrong in [&b""[..], b"no module", &module[..module.len() - 3]] {
        folder.put("damaged.spv", wrong);
        folder.avxc_without_driver(&["disasm", "damaged.spv"]).ended(1).tells(&["damaged.spv", "malformed"]);
        folder.avxc_without_driver(&["info", "damaged.spv"]).ended(1);
    }
}

#[test]
fn devices_are_listed() {
    let Some(folder) = Folder::with_driver() else { return };
    let list: Value = serde_json::from_str(&folder.avxc(&["devices", "--json"]).ended(0).out).expect("JSON");
    let list = list.as_array().expect("a list");
    let table = folder.avxc(&["devices"]).ended(0).out;
    for device in list {
        assert!(table.contains(device["name"].as_str().expect("a name")), "{table}");
        assert_eq!(device["uuid"].as_str().map(str::len), Some(32));
        if device["usable"] == true {
            assert!(device["max_workgroup_invocations"].as_u64().is_some_and(|n| n >= 128));
            assert!(device["features"].is_array());
        }
    }
    assert_eq!(list.iter().filter(|device| device["default"] == true).count(), 1);
}
