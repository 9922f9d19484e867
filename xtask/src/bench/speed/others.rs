//! Interpreters that are not ours: got by the clients of their registries, once, into `target/`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use super::contender::Road;
use crate::tool::{Tool, root};

/// The release of RustPython. What its Cargo.lock names wants a Rust of 1.96.
pub(super) const RUSTPYTHON: &str = "0.6.0";

/// All that there is for WASI, with its library inside; left out are threads, TLS, and an allocator in C.
pub(super) const FEATURES: &str = "freeze-stdlib,stdlib,stdio,importlib,host_env";

/// The release of Pyodide, of the same series of Python as ours.
pub(super) const PYODIDE: &str = "0.29.4";

const LOADER: &str = include_str!("pyodide.mjs");

/// RustPython for wasm32-wasip1, as its crate builds for a release.
///
/// # Errors
/// When there is no Rust of the target, or it does not build.
pub(super) fn rustpython<'a>(shell: &Shell, tool: &'a Tool<'a>) -> anyhow::Result<Road<'a>> {
    let dir = root().join("target/bench-rustpython");
    let module = dir.join("bin/rustpython.wasm");
    if !is_installed(&dir, &module) {
        let rustc = tool.rustc()?;
        cmd!(
            shell,
            "cargo install rustpython --version {RUSTPYTHON} --locked --force --target wasm32-wasip1
             --no-default-features --features {FEATURES} --root {dir}"
        )
        .env("RUSTC", rustc)
        .env("CARGO_TARGET_DIR", dir.join("build"))
        .run()?;
    }
    Ok(Road::Wasm { tool, module, library: None })
}

/// What Cargo wrote of the installation names its version and its features.
fn is_installed(dir: &Path, module: &Path) -> bool {
    let known = || -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(dir.join(".crates2.json"))?;
        let all: serde_json::Value = serde_json::from_str(&text)?;
        let installs = all["installs"].as_object().context("no installs")?;
        let start = format!("rustpython {RUSTPYTHON} ");
        let found = installs.iter().find(|(name, _)| name.starts_with(&start));
        let features = found.and_then(|(_, it)| it["features"].as_array()).context("not it")?;
        let mut features: Vec<&str> = features.iter().filter_map(|it| it.as_str()).collect();
        let mut wanted: Vec<&str> = FEATURES.split(',').collect();
        features.sort_unstable();
        wanted.sort_unstable();
        Ok(features == wanted)
    };
    module.is_file() && known().unwrap_or(false)
}

/// Pyodide's distribution for node.
///
/// # Errors
/// When there is no node or no npm, or npm does not get it.
pub(super) fn pyodide<'a>(shell: &'a Shell) -> anyhow::Result<Road<'a>> {
    let dir = root().join("target/bench-pyodide");
    let package = dir.join("node_modules/pyodide");
    if !is_unpacked(&package) {
        std::fs::create_dir_all(&dir)?;
        let wanted = format!("pyodide@{PYODIDE}");
        cmd!(
            shell,
            "npm install --prefix {dir} --silent --no-audit --no-fund --ignore-scripts {wanted}"
        )
        .run()?;
        anyhow::ensure!(is_unpacked(&package), "npm unpacked no {wanted}");
    }
    let script = dir.join("pyodide.mjs");
    std::fs::write(&script, LOADER)?;
    Ok(Road::Node { shell, script, pyodide: package.join("pyodide.mjs") })
}

fn is_unpacked(package: &Path) -> bool {
    let known = || -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(package.join("package.json"))?;
        Ok(serde_json::from_str::<serde_json::Value>(&text)?["version"] == PYODIDE)
    };
    known().unwrap_or(false)
}

/// How the native Python was built, as it says itself.
///
/// # Errors
/// When it can't be asked.
pub(super) fn flags(shell: &Shell, python: &PathBuf) -> anyhow::Result<String> {
    let code = "import platform, sysconfig\nof = sysconfig.get_config_var\n\
        print(platform.python_compiler(), of('OPT'), 'configure', of('CONFIG_ARGS') or 'without options')";
    Ok(cmd!(shell, "{python} -c {code}").quiet().read()?)
}
