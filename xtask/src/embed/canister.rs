//! Builds `examples/canister` in release mode, and variants of it whose installation or upgrade
//! must fail. Tests all of them on a local test host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use xshell::Shell;

use super::clippy;
use crate::checks::tests;
use crate::steps::Steps;
use crate::tool::{Tool, e2e_store, root};

/// The files that a copy of the example needs.
const FILES: [&str; 9] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "python/rules.py",
    "src/lib.rs",
    "src/python.rs",
    "src/state.rs",
    "src/types.rs",
];

/// The environment variables that pass the paths of wasm modules to the tests.
const MODULE: &str = "PYWASM_CANISTER";
const NEXT: &str = "PYWASM_CANISTER_NEXT";
const RAISING: &str = "PYWASM_CANISTER_RAISING";

/// Returns the command that builds the example in release mode. Most of its time is spent in one
/// thread of the compiler and one of `wasm-opt`.
pub(crate) fn release(tool: &Tool<'_>) -> anyhow::Result<Command> {
    tool.command_in(&dir(), &["build", "--release", "--quiet"])
}

/// Builds the example and its variants, and runs the tests on them. If [`release`] has run, only the
/// variants are built.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let modules = modules(tool, scratch.path())?;
    clippy(tool, &dir())?;
    is_attributed(tool)?;
    let modules = modules.iter().map(|(name, path)| (*name, path.as_path()));
    tests::canister(tool.shell(), modules, &[])
}

/// Builds three wasm modules: the example, a later version with a different stable memory layout
/// that also runs recursive programs, and a version whose Python module `rules` raises an exception
/// on import.
pub(crate) fn modules(
    tool: &Tool<'_>,
    scratch: &Path,
) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    tool.call_in(&dir(), &["install"])?;
    let next = copy(&scratch.join("next"), "src/state.rs", |text| {
        text.replace("const VERSION: u32 = 1;", "const VERSION: u32 = 2;")
    })?;
    // The programs run when the module is imported.
    let rules = std::fs::read_to_string(next.join("python/rules.py"))?;
    let programs = include_str!("../../../tests/src/recursion.py");
    let reported = "main([\"repr\", \"json.loads\", \"pickle.dumps\", \"parentheses\"])";
    std::fs::write(next.join("python/rules.py"), format!("{rules}\n\n{programs}\n{reported}\n"))?;
    let raising = copy(&scratch.join("raising"), "python/rules.py", |text| {
        format!("{text}\n\nraise RuntimeError(\"no rules today\")\n")
    })?;
    let mut modules = Vec::new();
    for (name, dir) in [(NEXT, next), (RAISING, raising)] {
        let built = build(tool, &dir, &[])?;
        // Keep a copy, because the next build writes to the same path.
        let kept = dir.join("kept.wasm");
        std::fs::copy(&built, &kept)?;
        modules.push((name, kept));
    }
    modules.push((MODULE, build(tool, &dir(), &["--release"])?));
    Ok(modules)
}

/// Builds the example as a snapshot, and runs the tests that apply to it.
pub(crate) fn snapshot(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = copy(&scratch.path().join("snapshot"), "Cargo.toml", |text| {
        text.replace("policy = \"ic\"", "policy = \"ic\"\nsnapshot = { imports = [\"rules\"] }")
    })?;
    let module = build(tool, &dir, &["--release"])?;
    // These tests need variants of the example, which are not built as snapshots.
    let skip = ["upgrade", "version", "canister_init", "recursions"];
    tests::canister(tool.shell(), [(MODULE, module.as_path())], &skip)
}

/// Builds and tests the example, using the store of an earlier `e2e` run.
pub(crate) fn alone() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Steps::record(|steps| {
        let tool = steps.run("build the tool", || Tool::tested(&shell, &e2e_store()))?;
        steps.run("examples/canister", || run(&tool))?;
        steps.run("examples/canister, snapshot", || snapshot(&tool))
    })
}

/// Checks that `cargo pywasm size` finds the origin of nearly all bytes in the final wasm module,
/// although the module is stripped.
fn is_attributed(tool: &Tool<'_>) -> anyhow::Result<()> {
    let output = tool.read_in(&dir(), &["size", "--json", "--by", "object"])?;
    let report: serde_json::Value = serde_json::from_str(&output)?;
    let bytes = |value: &serde_json::Value| value.as_u64().context("no number");
    let module = &report["modules"][0];
    let (all, unknown) = (bytes(&module["bytes"])?, bytes(&module["kinds"]["unknown"])?);
    anyhow::ensure!(unknown * 20 < all, "{unknown} of {all} bytes have an unknown origin");
    let entries = module["entries"].to_string();
    anyhow::ensure!(
        entries.contains("(unicodeobject.o)"),
        "no entry belongs to unicodeobject.o: {entries}"
    );
    Ok(())
}

/// Builds a crate, runs its post-link steps, and returns the path of the final wasm module.
pub(crate) fn build(tool: &Tool<'_>, dir: &Path, args: &[&str]) -> anyhow::Result<PathBuf> {
    let args = [&["build"], args, &["--quiet"]].concat();
    let output = tool.read_in(dir, &args)?;
    let module = output.lines().find(|line| line.ends_with(".wasm"));
    Ok(dir.join(module.with_context(|| format!("`build` printed no module path: {output}"))?))
}

/// Copies the example into another directory, and changes one file of the copy.
pub(crate) fn copy(
    into: &Path,
    file: &str,
    change: impl Fn(&str) -> String,
) -> anyhow::Result<PathBuf> {
    for name in FILES {
        let target = into.join(name);
        std::fs::create_dir_all(target.parent().context("the file has no parent directory")?)?;
        let mut text = std::fs::read_to_string(dir().join(name))?;
        if name == file {
            let changed = change(&text);
            anyhow::ensure!(changed != text, "`{file}` is unchanged");
            text = changed;
        }
        if name == "Cargo.toml" {
            let helper = root().join("pywasm-build");
            text = text.replace("\"../../pywasm-build\"", &format!("{helper:?}"));
        }
        std::fs::write(target, text)?;
    }
    Ok(into.to_owned())
}

fn dir() -> PathBuf {
    root().join("examples/canister")
}
