//! Installs recipes and checks the resulting installations.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::tool::{Tool, manifest};

/// Installs a recipe for a CPython release, and checks that the installed Python runs.
pub(crate) fn install(tool: &Tool<'_>, version: &str, recipe: &str) -> anyhow::Result<PathBuf> {
    let installed = tool.install(&["--python", version, "--recipe", recipe])?;
    check_version(tool, &installed)?;
    Ok(installed)
}

/// Runs `install` without arguments on an empty store, and checks that running it again does
/// nothing.
pub(crate) fn default(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let installed = tool.install(&[])?;
    check_version(tool, &installed)?;
    let again = tool.call(&["install"]).read_stderr()?;
    anyhow::ensure!(again.contains("Fresh"), "the second `install` was not a no-op:\n{again}");
    Ok(installed)
}

/// Installs the recipe `speed`, and checks that the build uses the optimized interpreter loop
/// instead of the slower fallback.
pub(crate) fn speed(tool: &Tool<'_>, version: &str) -> anyhow::Result<PathBuf> {
    let args = ["install", "--python", version, "--recipe", "speed"];
    let output = tool.call(&args).ignore_status().output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    eprintln!("{stderr}");
    anyhow::ensure!(output.status.success(), "cannot install recipe `speed` for CPython {version}");
    anyhow::ensure!(
        !stderr.contains("cannot split the live ranges of the bytecode loop"),
        "CPython {version} was built with the slow interpreter loop"
    );
    let installed = PathBuf::from(String::from_utf8(output.stdout)?.trim_end());
    check_version(tool, &installed)?;
    Ok(installed)
}

/// Starts installing the recipe `full`, and kills the process while it compiles. Then installs the
/// recipe in two concurrent processes, which must both print the same path.
pub(crate) fn interrupted(tool: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let builds = tool.store().join("cache/builds-v0");
    let mut victim = start_full(tool)?;
    while !has_log(&builds, "full", "make-objects")? {
        anyhow::ensure!(victim.try_wait()?.is_none(), "the process exited before it was killed");
        std::thread::sleep(Duration::from_millis(100));
    }
    victim.kill()?;
    victim.wait()?;
    let (one, two) = (start_full(tool)?, start_full(tool)?);
    let (one, two) = (one.wait_with_output()?, two.wait_with_output()?);
    anyhow::ensure!(
        one.status.success() && two.status.success(),
        "one of two concurrent installs failed"
    );
    anyhow::ensure!(one.stdout == two.stdout, "two concurrent installs printed different paths");
    let installed = PathBuf::from(String::from_utf8(one.stdout)?.trim_end());
    has_nothing_undefined(&installed)?;
    Ok(installed)
}

fn start_full(tool: &Tool<'_>) -> anyhow::Result<Child> {
    Command::new(tool.binary())
        .args(["pywasm", "install", "--recipe", "full"])
        .env("PYWASM_STORE", tool.store())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the tool")
}

/// Returns true if a build of the recipe has started the step.
fn has_log(builds: &Path, recipe: &str, step: &str) -> anyhow::Result<bool> {
    let Ok(entries) = std::fs::read_dir(builds) else { return Ok(false) };
    for entry in entries {
        let dir = entry?.path();
        let matches = dir.file_name().is_some_and(|name| name.to_string_lossy().contains(recipe));
        let Ok(logs) = std::fs::read_dir(dir.join("logs")) else { continue };
        for log in logs {
            if matches && log?.file_name().to_string_lossy().contains(step) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Runs Python, and compares the version that it prints with the version in the manifest.
fn check_version(tool: &Tool<'_>, installed: &Path) -> anyhow::Result<()> {
    let version = manifest(installed, "/python/version")?;
    let recipe = manifest(installed, "/recipe/name")?;
    let code = "import platform, sys; print(platform.python_version(), sys.platform)";
    let args = ["run", "--python", &version, "--recipe", &recipe, "-c", code];
    let output = tool.call(&args).read()?;
    anyhow::ensure!(output == format!("{version} wasi"), "unexpected output `{output}`");
    Ok(())
}

/// Checks that the interpreter imports only WASI functions. An undefined symbol in libpython would
/// appear as an additional import.
fn has_nothing_undefined(installed: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(installed.join("manifest.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)?;
    let imports = manifest["imports"].as_array().context("the manifest lists no imports")?;
    let is_wasi = |name: &str| name.starts_with("wasi_snapshot_preview1.");
    let others: Vec<_> =
        imports.iter().filter(|import| !import.as_str().is_some_and(is_wasi)).collect();
    anyhow::ensure!(others.is_empty() && !imports.is_empty(), "unexpected imports: {others:?}");
    Ok(())
}
