//! Everything a change must pass, in the order in which it fails soonest.

use std::time::Instant;

use xshell::{Shell, cmd};

use crate::{e2e, tool};

pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(tool::root());
    let start = Instant::now();
    let step = |name: &str| eprintln!("\n== {name} ({} s since start)", start.elapsed().as_secs());

    step("format");
    cmd!(shell, "cargo fmt --all --check").run()?;
    step("lints");
    cmd!(shell, "cargo clippy --workspace --all-targets -- -D warnings").run()?;
    // What the GitHub action builds.
    cmd!(shell, "cargo clippy --package cargo-pywasm --no-default-features -- -D warnings")
        .run()?;
    step("tests");
    // The command line's tests call the binary.
    cmd!(shell, "cargo build --package cargo-pywasm").run()?;
    cmd!(shell, "cargo test --workspace").run()?;
    step("the real thing");
    e2e::run(&e2e::Args::default())?;
    eprintln!("\n== all passed in {} s", start.elapsed().as_secs());
    Ok(())
}
