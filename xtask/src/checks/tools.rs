//! Installs programs into `target/tools`, for use by `nightly`.

use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::setup::is_on_path;
use crate::tool::root;

/// The crates and the versions that are known to work. A crate and its binary have the same name.
const TOOLS: [(&str, &str); 4] = [
    ("cargo-machete", "0.9.2"),
    ("cargo-deny", "0.20.2"),
    ("cargo-fuzz", "0.13.2"),
    ("mdbook", "0.5.4"),
];

/// Installs the programs that are neither on `PATH` nor installed by an earlier run.
pub(crate) fn install(shell: &Shell) -> anyhow::Result<()> {
    for (name, version) in TOOLS {
        if find(name).is_none() {
            let root = dir();
            cmd!(shell, "cargo install --quiet --locked --root {root} --version {version} {name}")
                .run()?;
        }
    }
    Ok(())
}

/// Returns the path of a program if an earlier run installed it. Otherwise, returns the program's
/// name if the program is on `PATH`, or `None`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let own = dir().join("bin").join(name);
    if own.is_file() {
        return Some(own);
    }
    is_on_path(name).then(|| PathBuf::from(name))
}

fn dir() -> PathBuf {
    root().join("target/tools")
}
