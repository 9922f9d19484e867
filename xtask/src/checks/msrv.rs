//! Checks the minimum supported Rust version of each published crate.

use std::collections::BTreeMap;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::steps::Steps;
use crate::tool::root;

/// A workspace member.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) is_published: bool,
    version: String,
    rust_version: Option<String>,
}

/// A set of published crates. The sets differ in how long their crates take to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Crates that other projects depend on. They have few dependencies.
    Small,
    /// The tool and its internal crates.
    Large,
}

/// The crates in [`Set::Small`]. Each has its own minimum Rust version.
const SMALL: [&str; 3] = ["pywasm-build", "pywasm-recipes", "pywasm-stubs"];

/// The minor version of the first Rust release whose compiler accepts `--check-cfg`. The current
/// Cargo passes this option to every compiler.
const CHECK_CFG: u32 = 80;

/// Checks the crates in a set, with one step for each Rust version.
pub(crate) fn run(steps: &mut Steps, shell: &Shell, set: Set) -> anyhow::Result<()> {
    let mut by_version: BTreeMap<String, Vec<Package>> = BTreeMap::new();
    for package in workspace(shell)? {
        let is_small = SMALL.contains(&package.name.as_str());
        if package.is_published && is_small == (set == Set::Small) {
            let version = package.rust_version.clone();
            let version = version.with_context(|| format!("{} has no MSRV", package.name))?;
            by_version.entry(version).or_default().push(package);
        }
    }
    for (version, packages) in by_version {
        let toolchain = toolchain(shell, &version);
        let missing = toolchain.is_none().then(|| format!("rustup has no toolchain {version}"));
        steps.run_unless(missing, &format!("MSRV {version}"), || {
            let toolchain = toolchain.context("no toolchain")?;
            let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
            if minor.is_some_and(|minor: u32| minor < CHECK_CFG) {
                packages.iter().try_for_each(|package| check_alone(shell, package, &toolchain))
            } else {
                check_in_workspace(shell, &packages, &toolchain)
            }
        })?;
    }
    Ok(())
}

/// Checks workspace members with a toolchain's compiler and the current Cargo. An older Cargo
/// cannot read the lockfile.
fn check_in_workspace(shell: &Shell, packages: &[Package], toolchain: &str) -> anyhow::Result<()> {
    let rustc = cmd!(shell, "rustup which rustc --toolchain {toolchain}").quiet().read()?;
    let names = packages.iter().flat_map(|package| ["--package", &package.name]);
    cmd!(shell, "cargo check --quiet {names...}")
        .env("RUSTC", rustc)
        .env("CARGO_TARGET_DIR", root().join("target/msrv"))
        .run()?;
    Ok(())
}

/// Checks a packaged crate outside the workspace with a toolchain's own compiler and Cargo.
fn check_alone(shell: &Shell, package: &Package, toolchain: &str) -> anyhow::Result<()> {
    let Package { name, version, .. } = package;
    cmd!(shell, "cargo package --quiet --no-verify --allow-dirty --package {name}").run()?;
    let archive = root().join(format!("target/package/{name}-{version}.crate"));
    // Unpack the crate outside the repository, so that Cargo finds no enclosing workspace.
    let dir = tempfile::tempdir()?;
    let path = dir.path();
    cmd!(shell, "tar --extract --gzip --file {archive} --directory {path}").run()?;
    let crate_dir = path.join(format!("{name}-{version}"));
    // A newer Cargo wrote the lockfile. The toolchain's Cargo may not be able to read it.
    let lockfile = crate_dir.join("Cargo.lock");
    if lockfile.exists() {
        std::fs::remove_file(lockfile)?;
    }
    let _in_crate = shell.push_dir(&crate_dir);
    cmd!(shell, "rustup run {toolchain} cargo check --quiet --all-features")
        .env("CARGO_TARGET_DIR", path.join("target"))
        .run()?;
    Ok(())
}

/// Returns the name of an installed toolchain for a Rust version, or `None` if there is none.
fn toolchain(shell: &Shell, version: &str) -> Option<String> {
    let list = cmd!(shell, "rustup toolchain list").quiet().ignore_stderr().read().ok()?;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    let matches = names.filter(|name| is_version(name, version));
    matches.max_by_key(|name| name.len()).map(str::to_owned)
}

/// Returns true if a toolchain is for the Rust version `version`. For example, `1.95-HOST` and
/// `1.95.0-HOST` are for version `1.95`.
fn is_version(toolchain: &str, version: &str) -> bool {
    toolchain.strip_prefix(version).is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// Returns the workspace members.
pub(crate) fn workspace(shell: &Shell) -> anyhow::Result<Vec<Package>> {
    let text = cmd!(shell, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().context("a package has no name")?;
            // `cargo metadata` represents `publish = false` as an empty list of registries.
            let is_published = package["publish"].as_array().is_none_or(|list| !list.is_empty());
            let rust_version = package["rust_version"].as_str().map(str::to_owned);
            let version = package["version"].as_str().context("a package has no version")?;
            Ok(Package {
                name: name.to_owned(),
                is_published,
                version: version.to_owned(),
                rust_version,
            })
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
