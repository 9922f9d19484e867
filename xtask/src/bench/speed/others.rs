//! Interpreters from other projects. Cargo or npm downloads them once into `target/`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use super::contender::Runner;
use crate::tool::{Tool, root};

/// The RustPython release. The dependencies in its Cargo.lock require Rust 1.96.
pub(super) const RUSTPYTHON: &str = "0.6.0";

/// The RustPython features that work on WASI, including the embedded standard library. The features
/// for threads, TLS and the allocator written in C do not work there.
pub(super) const FEATURES: &str = "freeze-stdlib,stdlib,stdio,importlib,host_env";

/// The Pyodide release. It contains the same CPython series as the default recipe.
pub(super) const PYODIDE: &str = "0.29.4";

const LOADER: &str = include_str!("pyodide.mjs");

/// Builds RustPython for wasm32-wasip1 in release mode.
///
/// # Errors
/// If the target is not installed, or the build fails.
pub(super) fn rustpython<'a>(shell: &Shell, tool: &'a Tool<'a>) -> anyhow::Result<Runner<'a>> {
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
    Ok(Runner::Wasm { tool, module, library: None })
}

/// Returns true if Cargo has installed [`RUSTPYTHON`] with [`FEATURES`] in `dir`.
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

/// Downloads Pyodide's distribution for Node.js.
///
/// # Errors
/// If npm is missing or cannot download the distribution.
pub(super) fn pyodide<'a>(shell: &'a Shell) -> anyhow::Result<Runner<'a>> {
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
    Ok(Runner::Node { shell, script, pyodide: package.join("pyodide.mjs") })
}

fn is_unpacked(package: &Path) -> bool {
    let known = || -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(package.join("package.json"))?;
        Ok(serde_json::from_str::<serde_json::Value>(&text)?["version"] == PYODIDE)
    };
    known().unwrap_or(false)
}

/// Returns the compiler, the flags and the `configure` options that the native Python reports.
///
/// # Errors
/// If the interpreter does not run.
pub(super) fn flags(shell: &Shell, python: &PathBuf) -> anyhow::Result<String> {
    let code = "import platform, sysconfig\nof = sysconfig.get_config_var\n\
        print(platform.python_compiler(), of('OPT'), 'and configure', of('CONFIG_ARGS') or 'without options')";
    Ok(cmd!(shell, "{python} -c {code}").quiet().read()?)
}
