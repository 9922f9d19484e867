//! Tests the crates that `cargo pywasm new` creates.

use std::path::Path;

use super::{canister, clippy, edit, is_fresh};
use crate::tool::Tool;

/// Creates a crate from a template, then builds, runs and tests it with plain Cargo.
pub(crate) fn run(tool: &Tool<'_>, template: &str) -> anyhow::Result<()> {
    // Create the crate outside this workspace. Inside it, Cargo would expect the crate to be a
    // member.
    let scratch = tempfile::tempdir()?;
    tool.call_in(scratch.path(), &["new", "--template", template, template])?;
    let dir = scratch.path().join(template);
    let is_reactor = template == "reactor";
    tool.cargo(&dir, &[if is_reactor { "build" } else { "run" }, "--quiet"])?;
    check(tool, &dir)
}

/// Creates a canister from the template and calls it. Then breaks the canister's Python code in two
/// ways. An exception in the code must make a call print the traceback. A syntax error in the code
/// must make the build fail.
pub(crate) fn canister(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    tool.call_in(scratch.path(), &["new", "--template", "canister", "my-canister"])?;
    let dir = scratch.path().join("my-canister");
    let module = canister::build(tool, &dir, &[])?.display().to_string();
    anyhow::ensure!(module.ends_with("/my_canister.wasm"), "unexpected module {module}");
    let call = ["canister", "call", &module, "greet"];
    let args = [&call[..], &["(\"world\")", "increment", "counter"]].concat();
    let output = tool.read_in(&dir, &args)?;
    let expected = "(\"Hello, world!\")\n(1 : nat64)\n(1 : nat64)";
    anyhow::ensure!(output == expected, "unexpected output {output:?}");
    // The canister has no tests that Cargo could run, but `cargo test` must still succeed.
    check(tool, &dir)?;

    let python = dir.join("python/app.py");
    let original = std::fs::read(&python)?;
    edit(&python, "return f\"Hello, {name}!\"", "return 1 / len(name)")?;
    tool.call_in(&dir, &["build", "--quiet"])?;
    let stderr = tool.fail_in(&dir, &[&call[..], &["(\"\")"]].concat())?;
    for part in ["File \"python/app.py\", line 5, in greet", "ZeroDivisionError: division by zero"]
    {
        anyhow::ensure!(stderr.contains(part), "no traceback: {stderr}");
    }

    std::fs::write(&python, original)?;
    edit(&python, "return count + 1", "return count +")?;
    let stderr = tool.fail_in(&dir, &["build", "--quiet"])?;
    let lines: Vec<&str> = stderr.lines().map(str::trim).collect();
    let location = ["File \"python/app.py\", line 10", "return count +", "^"];
    let has_location = lines.windows(location.len()).any(|lines| lines == location);
    anyhow::ensure!(
        has_location && stderr.contains("SyntaxError: invalid syntax"),
        "no location: {stderr}"
    );
    Ok(())
}

/// Runs a new crate's tests, and checks its lints and formatting.
fn check(tool: &Tool<'_>, dir: &Path) -> anyhow::Result<()> {
    tool.cargo(dir, &["test", "--quiet"])?;
    clippy(tool, dir)?;
    tool.cargo(dir, &["fmt", "--check"])?;
    is_fresh(tool, dir)
}
