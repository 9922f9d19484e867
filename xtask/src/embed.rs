//! Tests crates that embed Python: the examples, the templates of `cargo pywasm new`, and the
//! crates that the commands in the guide create. Plain Cargo builds, runs and tests each crate.

mod beside;
pub(crate) mod canister;
mod examples;
mod frozen;
mod guide;
pub(crate) mod one_file;
mod one_libc;
pub(crate) mod recursion;
mod snapshots;
mod templates;
mod test_kinds;

use std::path::Path;

use anyhow::Context;
use xshell::Shell;

use crate::packages;
use crate::steps::Steps;
use crate::tool::{Tool, e2e_store, root};

/// Tests some crates or, with `matrix`, all crates. `full` is the installation of the recipe with
/// this name.
pub(crate) fn run(
    tool: &Tool<'_>,
    full: &Path,
    matrix: bool,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    let canister = steps.start("examples/canister, release build", canister::release(tool)?)?;
    steps.run("examples/capi", || examples::run(tool, "capi"))?;
    steps.run("one libc", || one_libc::run(tool, &one_libc::current()))?;
    steps.run("frozen modules", || frozen::run(tool))?;
    steps.run("examples/report", || examples::report(tool))?;
    steps.run("Python packages", || packages::probe_some(tool))?;
    steps.run("scripts with packages", || examples::run_with(tool))?;
    steps.run("template reactor", || templates::run(tool, "reactor"))?;
    steps.run("C code and other targets", || beside::run(tool))?;
    steps.run("kinds of tests", || test_kinds::run(tool))?;
    steps.run("recursion", || recursion::run(tool, full))?;
    steps.finish(canister)?;
    steps.run("examples/canister", || canister::run(tool))?;
    steps.run("guide: embedding", || guide::embedding(tool))?;
    if matrix {
        let sources = &tool.source_tree(full)?;
        steps.run("examples/logger", || examples::run(tool, "logger"))?;
        steps.run("template canister", || templates::canister(tool))?;
        steps.run("examples/deepcopy", || examples::run(tool, "deepcopy"))?;
        steps.run("examples/deepcopy, test_copy", || examples::test_copy(tool, sources))?;
        steps.run("examples/effects", || examples::run(tool, "effects"))?;
        steps.run("examples/python", || one_file::run(tool, sources))?;
        steps.run("examples/canister, snapshot", || canister::snapshot(tool))?;
        steps.run("one libc, built with the Linux distribution's Rust", || {
            one_libc::run(tool, &one_libc::distribution(tool)?)
        })?;
        steps.run("Python modules frozen by a recipe", || frozen::recipe(tool))?;
        steps.run("template command", || templates::run(tool, "command"))?;
        steps.run("template capi", || templates::run(tool, "capi"))?;
        steps.run("kinds of tests, cargo-nextest", || test_kinds::nextest(tool))?;
        steps.run("snapshots", || snapshots::run(tool))?;
        steps.run("guide: canisters", || guide::canisters(tool))?;
        examples::all_are_named()?;
    }
    Ok(())
}

/// Tests all crates, using the store of an earlier `e2e` run.
pub(crate) fn alone() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Steps::record(|steps| {
        let tool = steps.run("build the tool", || Tool::tested(&shell, &e2e_store()))?;
        let full = steps.run("install full", || tool.install(&["--recipe", "full"]))?;
        run(&tool, &full, true, steps)
    })
}

/// Builds a crate twice, and checks that the second build compiles nothing.
fn is_fresh(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    tool.cargo(dir, &["build", "--quiet"])?;
    compiles_nothing(tool, dir)
}

/// Checks that `cargo build` compiles nothing.
fn compiles_nothing(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    let stderr = tool.cargo_stderr(dir, &["build"])?;
    anyhow::ensure!(
        !stderr.contains("Compiling"),
        "crates were recompiled without a change:\n{stderr}"
    );
    Ok(())
}

/// Runs Clippy on a crate, with warnings as errors.
pub(crate) fn clippy(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    tool.cargo(dir, &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])
}

/// Replaces the first occurrence of `from` in a file. Fails if there is none.
fn edit(path: &Path, from: &str, to: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    anyhow::ensure!(text.contains(from), "`{from}` was not found in {}", path.display());
    std::fs::write(path, text.replacen(from, to, 1))?;
    Ok(())
}
