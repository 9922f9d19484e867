//! Checks the minimum supported Rust version of each published crate.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::steps::Steps;
use crate::tool::root;

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) is_published: bool,
    rust_version: Option<String>,
}

/// The published crates by the cost of compiling them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Crates that other projects depend on: they have few dependencies.
    Small,
    /// The tool and its internal crates.
    Large,
}

/// The crates of [`Set::Small`], each with its own minimum version.
const SMALL: [&str; 3] = ["pywasm-build", "pywasm-recipes", "pywasm-stubs"];

/// Checks the crates of a set, one step for each version of Rust.
pub(crate) fn run(steps: &mut Steps, shell: &Shell, set: Set) -> anyhow::Result<()> {
    let mut by_version: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in workspace(shell)? {
        let is_small = SMALL.contains(&package.name.as_str());
        if package.is_published && is_small == (set == Set::Small) {
            let version = package.rust_version;
            let version = version.with_context(|| format!("{} has no MSRV", package.name))?;
            by_version.entry(version).or_default().extend(["--package".to_owned(), package.name]);
        }
    }
    for (version, packages) in by_version {
        let rustc = rustc(shell, &version);
        let missing = rustc.is_none().then(|| format!("rustup has no toolchain {version}"));
        steps.run_unless(missing, &format!("MSRV {version}"), || {
            let rustc = rustc.context("no compiler")?;
            let target = root().join("target/msrv");
            // Only the compiler is old: the Cargo of an old release cannot read the lockfile.
            cmd!(shell, "cargo check --quiet {packages...}")
                .env("RUSTC", rustc)
                .env("CARGO_TARGET_DIR", target)
                .run()?;
            Ok(())
        })?;
    }
    Ok(())
}

/// Returns the compiler of the newest patch release of a version, if rustup has it installed.
fn rustc(shell: &Shell, version: &str) -> Option<PathBuf> {
    let list = cmd!(shell, "rustup toolchain list").quiet().ignore_stderr().read().ok()?;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let matches = names.filter(|name| is_version(name, version));
    let toolchain = matches.max_by_key(|name| name.len())?;
    let path = cmd!(shell, "rustup which rustc --toolchain {toolchain}").quiet().read().ok()?;
    Some(PathBuf::from(path))
}

/// Returns true if a toolchain has this version: `1.95-HOST` and `1.95.0-HOST` have version `1.95`.
fn is_version(toolchain: &str, version: &str) -> bool {
    toolchain.strip_prefix(version).is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// Returns the members of the workspace.
pub(crate) fn workspace(shell: &Shell) -> anyhow::Result<Vec<Package>> {
    let text = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("no packages in cargo metadata")?;
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().context("a package without a name")?;
            // In Cargo's metadata, `publish = false` is an empty list of registries.
            let is_published = package["publish"].as_array().is_none_or(|list| !list.is_empty());
            let rust_version = package["rust_version"].as_str().map(str::to_owned);
            Ok(Package { name: name.to_owned(), is_published, rust_version })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_of_a_version_has_any_patch_release() {
        assert!(is_version("1.95.0-x86_64-unknown-linux-gnu", "1.95"));
        assert!(is_version("1.77-x86_64-unknown-linux-gnu", "1.77"));
        assert!(!is_version("1.950.0-x86_64-unknown-linux-gnu", "1.95"));
        assert!(!is_version("stable-x86_64-unknown-linux-gnu", "1.95"));
    }
}
