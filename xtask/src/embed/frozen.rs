//! Tests Python modules that are embedded by a crate (`tests/frozen`) or frozen by a recipe.

use anyhow::Context;
use xshell::cmd;

use super::{clippy, edit, is_fresh};
use crate::tool::{Tool, embed_target, root};

/// Tests a crate that contains all of its Python code and needs no files.
pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let dir = root().join("tests/frozen");
    tool.call_in(&dir, &["install"])?;
    clippy(tool, &dir)?;
    tool.cargo(&dir, &["test", "--quiet"])?;
    let output = tool.read_in(&dir, &["run", "--no-cwd", "--quiet"])?;
    let expected = "{\"depth\": 2, \"stdout\": \"utf-8\"}";
    anyhow::ensure!(output == expected, "unexpected output {output:?}");
    is_fresh(tool, &dir)?;
    unopened(tool)?;
    with_source(tool)
}

/// Checks the report of the files that a run never opens.
fn unopened(tool: &Tool<'_>) -> anyhow::Result<()> {
    let module = embed_target().join("wasm32-wasip1/debug/frozen.wasm").display().to_string();
    let words = ["run-wasm", "--no-cwd", "--stdlib", "embedded", "--trace-files"];
    let words = [&words[..], &["--message-format", "json", &module]].concat();
    let output = tool.call(&words).read()?;
    let message = output.lines().find(|line| line.contains("\"embedded-files\""));
    let message: serde_json::Value = serde_json::from_str(message.context("no message")?)?;
    let files = message["files"].as_array().context("no files")?;
    for (path, expected) in
        [("/pywasm/app/__init__.pyc", true), ("/pywasm/app/data/table.csv", false)]
    {
        let file = files.iter().find(|file| file["path"] == path);
        let opened = file.with_context(|| format!("no `{path}` in {files:?}"))?["opened"].as_bool();
        anyhow::ensure!(opened == Some(expected), "`{path}` was opened: {opened:?}");
    }
    Ok(())
}

/// Tests a copy of the crate that also contains the source of its Python code.
fn with_source(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let (from, dir) = (root().join("tests/frozen"), scratch.path().join("frozen"));
    cmd!(tool.shell(), "cp -R {from} {dir}").run()?;
    std::fs::remove_dir_all(dir.join(".pywasm"))?;
    let manifest = dir.join("Cargo.toml");
    edit(&manifest, "../../pywasm-build", &root().join("pywasm-build").display().to_string())?;
    edit(&manifest, "stdlib = ", "source = true\nstdlib = ")?;
    tool.call_in(&dir, &["test", "--quiet", "--features", "source", "--test", "source"])
}

/// Tests a crate that itself freezes nothing, but whose recipe freezes `json`.
pub(crate) fn recipe(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let scratch = scratch.path();
    let recipe = tool.call(&["recipe", "show", "default"]).read()?;
    let recipe = recipe.replace("name = \"default\"", "name = \"inside\"");
    let recipe = recipe.replacen('[', "freeze = [\"json\"]\n\n[", 1);
    std::fs::write(scratch.join("inside.toml"), recipe)?;
    tool.call_in(scratch, &["new", "--template", "capi", "--recipe", "inside.toml", "demo"])?;
    let dir = scratch.join("demo");
    edit(&dir.join("src/main.rs"), "import sys\n", "import json, sys\n")?;
    tool.cargo(&dir, &["build", "--quiet"])?;
    let module = root().join("target/embed/wasm32-wasip1/debug/demo.wasm").display().to_string();
    let output = tool.call(&["run-wasm", "--stdlib", "embedded", "--no-cwd", &module]).read()?;
    anyhow::ensure!(output.ends_with("Rust read 42"), "unexpected output {output:?}");
    Ok(())
}
