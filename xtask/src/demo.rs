//! `cargo xtask demo`: builds the library and its examples, and runs the examples on the machine's devices.

use crate::packages::Need;
use crate::session::Session;
use crate::steps::{build_tree, configure_tree};
use std::path::Path;
use std::time::Instant;

/// The time limit of an example in seconds, on a small CPU without a GPU.
const LIMIT: u64 = 600;

/// Builds the examples and runs them. The error is a message about what failed.
pub(crate) fn run(session: &Session) -> Result<(), String> {
    let ninja = session.has(Need::Ninja).is_ok();
    let tree = session.work.join("build").join(if ninja { "demo" } else { "demo-make" });
    let start = Instant::now();
    println!("\nBuilding the library and its examples in {} (a few minutes the first time)", tree.display());
    for (name, job) in [
        ("configure", configure_tree(session, &tree, ninja, "Release").arg("-DAVX_GPU_BUILD_TESTS=OFF")),
        ("build", build_tree(session, &tree)),
    ] {
        let finished = job.run(&session.log(&format!("demo-{name}")));
        if !finished.ending.ok() {
            return Err(format!("CMake's {name} failed: {}", finished.tail(40)));
        }
    }
    println!("Built in {:.0} s.", start.elapsed().as_secs_f64());

    let photograph = session.root.join("c_examples/photo/coffee.png");
    let picture = session.work.join("edges.png");
    show(session, &tree, "The devices of this machine", "device_info", &[])?;
    show(session, &tree, "saxpy: y = 2x + y, a million elements", "saxpy", &[])?;
    show(session, &tree, "matmul: a matrix product", "matmul", &[])?;
    show(session, &tree, "image: grey, blur and edges of a photograph", "image", &[&photograph, &picture])?;
    println!("\nThe photograph: {}\nIts edges:      {}", photograph.display(), picture.display());
    Ok(())
}

/// Runs one example with the caller's environment, so that AVX_GPU_DEVICE and similar variables work as for any program.
fn show(session: &Session, tree: &Path, title: &str, example: &str, args: &[&Path]) -> Result<(), String> {
    println!("\n== {title} ==");
    let start = Instant::now();
    let program = tree.join("c_examples").join(example);
    session.show(example, session.job(&program, LIMIT).args(args).envs(std::env::vars_os()))?;
    println!("-- {example} took {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
