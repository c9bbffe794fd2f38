//! The commands of the README's section on avxc do what it says.

use super::common::{Folder, as_floats, example};
use std::path::Path;

#[test]
fn the_commands_of_the_readme_run() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let section = readme.split("\n## ").find(|section| section.starts_with("Try it without writing C")).expect("the section");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("its commands");
    let Some(folder) = Folder::with_driver() else { return };
    for name in ["waves.wgsl", "blur.wgsl"] {
        folder.put(name, example(name));
    }
    let mut commands = 0;
    for line in block.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(arguments) = line.strip_prefix("avxc ") else { continue };
        folder.avxc(&words(arguments).iter().map(String::as_str).collect::<Vec<_>>()).ended(0);
        commands += 1;
    }
    assert!(commands >= 6, "{block}");
    let (x, y) = (folder.get("x.npy"), folder.get("y.npy"));
    let spread = |file: &[u8]| {
        let values = as_floats(&file[128..]);
        values.iter().copied().fold(f32::MIN, f32::max) - values.iter().copied().fold(f32::MAX, f32::min)
    };
    assert_eq!((x.len(), y.len()), (128 + 4 * 512 * 512, 128 + 4 * 512 * 512));
    assert!(spread(&x) > 0.95 && spread(&y) > 0.1 && spread(&y) < spread(&x), "{} {}", spread(&x), spread(&y));
}

/// The words of a line, as a shell splits it where quotes are plain.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}
