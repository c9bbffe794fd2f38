//! `avxc run`: kernels on arrays from files, checked by their values.

use super::common::{Folder, as_floats, example, floats, npy, skip};
use std::process::Command;

const SAXPY: &str = "struct Params { a: f32, n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < p.n) { y[id.x] += p.a * x[id.x]; }
}
";

const COPY: &str = "@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> b: array<u32>;
@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { b[id.x] = a[id.x]; }
";

#[test]
fn blur_from_file_to_file() {
    let Some(folder) = Folder::with_driver() else { return };
    let size = 70_usize;
    let x: Vec<f32> = (0..size * size).map(|i| ((i * 7919) % 256) as f32).collect();
    folder.put("x.npy", npy("<f4", "(70, 70)", &floats(&x)));
    folder.put("blur.wgsl", example("blur.wgsl"));
    let said = folder.avxc(&["run", "blur.wgsl", "--in", "x.npy", "--out", "y.npy", "--groups", "9,9"]).ended(0);
    assert_eq!(said.out, "y.npy: f32 70 x 70\n");
    let y = folder.get("y.npy");
    assert_eq!(y[..128], npy("<f4", "(70, 70)", &[])[..]);
    let near = |at: usize| [at.saturating_sub(1), at, (at + 1).min(size - 1)];
    for (i, got) in as_floats(&y[128..]).into_iter().enumerate() {
        let sum: f32 = near(i / size).iter().flat_map(|row| near(i % size).map(|column| x[row * size + column])).sum();
        assert!((got - sum / 9.0).abs() < 1e-3, "{i}: {got}, and {} is right", sum / 9.0);
    }
    // The module that is written does the same, named differently.
    folder.avxc(&["spirv", "blur.wgsl", "--vulkan", "1.1", "-o", "blur.spv"]).ended(0);
    let arguments = ["run", "blur.spv", "--out", "y=z.raw:like=x", "--in", "x=x.npy", "--threads", "70,70", "--device", "0"];
    folder.avxc(&arguments).ended(0);
    let (z, y) = (as_floats(&folder.get("z.raw")), as_floats(&y[128..]));
    assert!(z.len() == y.len() && z.iter().zip(&y).all(|(z, y)| (z - y).abs() < 1e-3));
}

#[test]
fn kernels_print() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put(
        "print.wgsl",
        "@group(0) @binding(0) var<storage, read_write> x: array<u32>;
         @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { x[id.x] = id.x; printf(\"here is %u\", id.x); }",
    );
    let run = ["run", "print.wgsl", "--out", "x.npy:u32:3", "--groups", "3"];
    let said = folder.avxc(&[&run[..], &["--debug"]].concat()).ended(0).tells(&["here is 0", "here is 1", "here is 2"]);
    assert_eq!(said.err.lines().count(), 3, "{}", said.err);
    assert_eq!(folder.avxc(&run).ended(0).err, "");
}

#[test]
fn uniforms_names_and_results_in_place() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("saxpy.wgsl", SAXPY);
    let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
    let want = floats(&x.iter().map(|x| 1.0 + 2.0 * x).collect::<Vec<f32>>());
    let one = floats(&[1.0; 100]);
    let run = |arguments: &[&str], result: &str| {
        folder.put("x.npy", npy("<f4", "(10, 10)", &floats(&x)));
        folder.put("y.npy", npy("<f4", "(100,)", &one));
        folder.put("x.bin", floats(&x));
        folder.put("y.raw", &one);
        folder.put("p.bin", [2.0f32.to_le_bytes(), 100u32.to_le_bytes()].concat());
        folder.avxc(&[&["run", "saxpy.wgsl"], arguments].concat()).ended(0);
        let file = folder.get(result);
        let elements = if result.ends_with(".npy") { &file[128..] } else { &file[..] };
        assert_eq!(elements, want, "{arguments:?}");
    };
    run(&["--in", "x.npy", "--inout", "y.npy", "--uniform", "f32:2.0 u32:100", "--threads", "100"], "y.npy");
    run(&["--uniform", "f32:2 u32:0x64", "--in", "x.npy", "--inout", "y.npy:to=z.npy", "--groups", "2"], "z.npy");
    assert_eq!(folder.get("y.npy")[128..], one[..], "the input of an --inout with to= stays");
    run(&["--inout", "y=y.npy", "--in", "x=x.npy", "--uniform", "p=f32:2.0 u32:100", "-g", "2,1,1"], "y.npy");
    run(&["--inout", "0.2=y.raw:f32:100", "--in", "x.bin", "--in", "p=p.bin", "-t", "128"], "y.raw");
    run(&["--in", "x.bin:f32:10,10", "--inout", "y.raw:to=z.npy", "--in", "0.0=p.bin", "-t", "100"], "z.npy");
}

#[test]
fn outputs_get_type_and_shape() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("copy.wgsl", COPY);
    folder.put("a.npy", npy("<u4", "(2, 3)", &[7; 24]));
    for (out, header) in [
        ("b.npy", npy("<u4", "(2, 3)", &[])),
        ("b=b.npy", npy("<u4", "(2, 3)", &[])),
        ("b.npy:f32", npy("<f4", "(2, 3)", &[])),
        ("b.npy:f64:3", npy("<f8", "(3,)", &[])),
        ("b.npy:like=a", npy("<u4", "(2, 3)", &[])),
        ("b.npy:like=0.0", npy("<u4", "(2, 3)", &[])),
    ] {
        folder.avxc(&["run", "copy.wgsl", "--in", "a.npy", "--out", out, "-g", "6"]).ended(0);
        assert_eq!(folder.get("b.npy"), [header, vec![7; 24]].concat(), "{out}");
    }
    // What the kernel does not write stays zero.
    folder.avxc(&["run", "copy.wgsl", "--in", "a.npy", "--out", "b.raw:u8:28", "-g", "5"]).ended(0);
    assert_eq!(folder.get("b.raw"), [vec![7; 20], vec![0; 8]].concat());
    let fill = "@group(0) @binding(0) var<storage, read_write> y: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = id.x; }";
    folder.put("fill.wgsl", fill);
    folder.avxc(&["run", "fill.wgsl", "--out", "y.npy", "-g", "4"]).ended(2).tells(&["type and shape", "y.npy:f32"]);
    folder.avxc(&["run", "fill.wgsl", "--out", "y.npy:u32:2,2", "-g", "4"]).ended(0);
    assert_eq!(folder.get("y.npy"), npy("<u4", "(2, 2)", &[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]));
}

#[test]
fn push_constants_and_repeats() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put(
        "push.wgsl",
        "var<immediate> k: vec2<u32>;
         @group(0) @binding(0) var<storage, read_write> y: array<u32>;
         @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] += k.x * id.x + k.y; }",
    );
    folder.put("y.npy", npy("<u4", "(3,)", &[0; 12]));
    let arguments = ["run", "push.wgsl", "--inout", "y.npy:to=z.npy", "--push", "u32:10,1", "-g", "3", "--repeat", "5"];
    let out = folder.avxc(&arguments).ended(0).out;
    assert!(out.contains("(median of 5, "), "{out}");
    // The result is that of one run.
    assert_eq!(folder.get("z.npy"), npy("<u4", "(3,)", &[1, 0, 0, 0, 11, 0, 0, 0, 21, 0, 0, 0]));
}

/// NumPy's codes of all types that are taken.
const CODES: [&str; 12] = ["<f2", "<f4", "<f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "|b1"];

/// Sends an array of two by two through a kernel that copies words.
fn copied(folder: &Folder, from: &str, to: &str, code: &str) {
    folder.put("copy.wgsl", COPY);
    folder.avxc(&["run", "copy.wgsl", "--in", from, "--out", to, "-g", &code[2..]]).ended(0);
}

/// Elements of a type, four of them.
fn elements(code: &str) -> Vec<u8> {
    let size: usize = code[2..].parse().expect("a size");
    (0..4 * size).map(|i| if code == "|b1" { (i % 2) as u8 } else { (i * 37 + size) as u8 & 0x3f }).collect()
}

#[test]
fn every_type_goes_through() {
    let Some(folder) = Folder::with_driver() else { return };
    for code in CODES {
        let file = npy(code, "(2, 2)", &elements(code));
        folder.put("a.npy", &file);
        copied(&folder, "a.npy", "b.npy", code);
        assert_eq!(folder.get("b.npy"), file, "{code}");
    }
}

/// NumPy loads what was written, and what it saves is read.
#[test]
fn numpy_agrees() {
    let python = |folder: &Folder, script: &str| {
        let output = Command::new("python3").current_dir(folder.path("")).args(["-c", script]).args(CODES).output();
        output
            .map_err(|e| e.to_string())
            .and_then(|output| if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) })
    };
    let Some(folder) = Folder::with_driver() else { return };
    if python(&folder, "import numpy").is_err() {
        return skip("python3 has no numpy");
    }
    for code in CODES {
        folder.put("a.npy", npy(code, "(2, 2)", &elements(code)));
        copied(&folder, "a.npy", &format!("{}.npy", &code[1..]), code);
        folder.put(&format!("{}.bin", &code[1..]), elements(code));
    }
    let script = "import sys, numpy\nfor code in sys.argv[1:]:
    a = numpy.load(code[1:] + '.npy')
    assert a.dtype.str == code and a.shape == (2, 2), (a.dtype.str, code)
    assert a.tobytes() == open(code[1:] + '.bin', 'rb').read(), code
    numpy.save(code[1:] + '.again.npy', a)";
    python(&folder, script).unwrap_or_else(|why| panic!("{why}"));
    for code in CODES {
        copied(&folder, &format!("{}.again.npy", &code[1..]), "b.npy", code);
        assert_eq!(folder.get("b.npy"), npy(code, "(2, 2)", &elements(code)), "{code}");
    }
}

#[test]
fn arguments_that_do_not_fit_end_with_1() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("saxpy.wgsl", SAXPY);
    folder.put("x.npy", npy("<f4", "(4,)", &[0; 16]));
    folder.put("empty.npy", npy("<f4", "(0,)", &[]));
    let uniform = ["--uniform", "f32:2 u32:4"];
    for (arguments, words) in [
        (&["--in", "x.npy", "--out", "y.npy"][..], &["uniform block 0.0 (p)", "--uniform"][..]),
        (&["--in", "x.npy", uniform[0], uniform[1]], &["storage buffer 0.2 (y)", "--inout"]),
        (&["--in", "x.npy", "--in", "x.npy", "--out", "y.npy", uniform[0], uniform[1]], &["storage buffers, which is 2"]),
        (&["--in", "q=x.npy", "--out", "y.npy", uniform[0], uniform[1]], &["q=", "0.1 (x)"]),
        (&["--out", "y.npy:like=x", "--out", "y.npy:like=x", uniform[0], uniform[1]], &["only reads", "0.1 (x)"]),
        (&["--in", "x.npy", "--out", "y.npy", "--uniform", "f32:2"], &["p", "8", "4"]),
        (&["--in", "empty.npy", "--out", "y.npy", uniform[0], uniform[1]], &["x", "0 bytes"]),
        (&["--in", "x.npy", "--out", "y.npy:f64:1000000000000", uniform[0], uniform[1]], &["8000000000000"]),
        (&["--in", "x.npy", "--out", "y.npy:f64:9000000000000000000", uniform[0], uniform[1]], &["larger than any memory"]),
    ] {
        folder.avxc(&[&["run", "saxpy.wgsl", "-g", "1"], arguments].concat()).ended(1).tells(words);
        assert!(!folder.path("y.npy").exists());
    }
    folder
        .avxc(&["run", "saxpy.wgsl", "-g", "1", "--in", "x.npy", "--out", "y.npy:like=y", uniform[0], uniform[1]])
        .ended(2)
        .tells(&["not an input array"]);
}

#[test]
fn files_that_do_not_hold_their_arrays_end_with_4() {
    let Some(folder) = Folder::with_driver() else { return };
    folder.put("copy.wgsl", COPY);
    let run = |name: &str| folder.avxc(&["run", "copy.wgsl", "--in", name, "--out", "b.npy", "-g", "1"]);
    run("missing.npy").ended(4).tells(&["missing.npy: "]);
    folder.put("odd.bin", [0; 7]);
    run("odd.bin:u32").ended(4).tells(&["7 bytes"]);
    run("odd.bin:u8:8").ended(4).tells(&["odd.bin", "7", "8"]);
    folder.put("a.npy", npy("<f4", "(1,)", &[0; 4]));
    run("a.npy:u32").ended(4).tells(&["f32 1", "u32 1"]);
    folder.avxc(&["run", "copy.wgsl", "--in", "a.npy", "--out", "no_folder/b.npy", "-g", "1"]).ended(4).tells(&["no_folder"]);
    for (header, word) in [
        (npy(">f4", "(1,)", &[0; 4]), "big-endian"),
        (npy("<c8", "(1,)", &[0; 8]), "complex"),
        (npy("<f4", "(2,)", &[0; 4]), "4 bytes fewer"),
        (npy("<f4", "(1, 99999999999999999999)", &[0; 4]), "number"),
        (npy("<f4", "(4294967296, 4294967296, 4294967296)", &[0; 4]), "memory"),
        (b"no array".to_vec(), "not a .npy file"),
        (Vec::new(), "not a .npy file"),
    ] {
        folder.put("a.npy", header);
        run("a.npy").ended(4).tells(&["a.npy: ", word]);
    }
    let whole = npy("<f4", "(1,)", &[0; 4]);
    for at in (0..whole.len()).step_by(9) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x15;
        folder.put("a.npy", damaged);
        let said = run("a.npy");
        assert!([0, 4].contains(&said.code), "{at}: {said:?}");
    }
}
