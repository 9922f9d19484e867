//! Installs the programs that checks need into `target/tools`.

use std::path::PathBuf;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::setup::is_on_path;
use crate::tool::root;

/// The crates that contain the programs, with versions that are known to work. Each program has the
/// same name as its crate.
const TOOLS: [(&str, &str); 5] = [
    ("cargo-machete", "0.9.2"),
    ("cargo-deny", "0.20.2"),
    ("cargo-fuzz", "0.13.2"),
    ("cargo-nextest", "0.9.151"),
    ("mdbook", "0.5.4"),
];

/// Returns the path of a program in [`TOOLS`]. If it is neither on `PATH` nor installed by an earlier
/// run, installs it.
pub(crate) fn get(shell: &Shell, name: &str) -> anyhow::Result<PathBuf> {
    let installed = dir().join("bin").join(name);
    if installed.is_file() {
        return Ok(installed);
    }
    if is_on_path(name) {
        return Ok(PathBuf::from(name));
    }
    let known = TOOLS.iter().find(|(known, _)| *known == name);
    let (_, version) = known.with_context(|| format!("`{name}` has no version in `TOOLS`"))?;
    let root = dir();
    // Don't optimize the program, because compiling it takes longer than running it.
    cmd!(shell, "cargo install --quiet --locked --debug --root {root} --version {version} {name}")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .run()?;
    Ok(installed)
}

fn dir() -> PathBuf {
    root().join("target/tools")
}
