//! Checks popular Python packages in wasm: a program for each, and their own test suites. Writes the
//! results to docs/packages.md.

mod page;
mod suite;

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::Shell;

use crate::embed;
use crate::steps::Steps;
use crate::tool::{Tool, e2e_store, embed_target, root};
use suite::Suite;

/// The page with the results.
const PAGE: &str = "docs/packages.md";

/// The versions of all packages that have a probe.
const REQUIREMENTS: &str = "requirements.txt";

/// Runs all probes and suites, and writes the page.
pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Steps::record(|steps| {
        let tool = steps.run("build the tool", || Tool::tested(&shell, &e2e_store()))?;
        let full = ["--python", "3.13", "--recipe", "full"];
        steps.run("install full", || tool.install(&full).map(drop))?;
        all(&tool, steps)
    })
}

/// Runs all probes and suites, and writes the page. Fails if a probe fails, or if a suite has a failure
/// without a known reason.
pub(crate) fn all(tool: &Tool<'_>, steps: &mut Steps) -> anyhow::Result<()> {
    let versions = versions()?;
    let scratch = tempfile::tempdir()?;
    steps.run("probes of all packages", || probe_all(tool, &versions, scratch.path()))?;
    let lock = steps.run("source distributions", || suite::lock(tool, scratch.path()))?;
    let mut results = Vec::new();
    for suite in Suite::all()? {
        let name = format!("tests of {}", suite.package);
        let result = steps.run(&name, || suite.run(tool, &versions, &lock, scratch.path()))?;
        results.push((suite, result));
    }
    std::fs::write(root().join(PAGE), page::text(&versions, &results))?;
    let unexplained: Vec<String> =
        results.iter().flat_map(|(suite, result)| suite.unexplained(result)).collect();
    anyhow::ensure!(unexplained.is_empty(), "unexplained failures:\n{}", unexplained.join("\n"));
    Ok(())
}

/// Runs the probes of the packages that the crate `tests/packages` requires.
pub(crate) fn probe_some(tool: &Tool<'_>) -> anyhow::Result<()> {
    let dir = dir();
    tool.call_in(&dir, &["install"])?;
    embed::clippy(tool, &dir)?;
    probe(tool, &dir, &["certifi", "jinja2", "pygments", "rich", "tzdata"])
}

/// Runs the probes of all packages, in a copy of the crate.
fn probe_all(tool: &Tool<'_>, versions: &[(String, String)], scratch: &Path) -> anyhow::Result<()> {
    let copy = scratch.join("packages");
    let shell = tool.shell();
    shell.create_dir(&copy)?;
    for entry in ["build.rs", "src", "python", REQUIREMENTS, ".cargo"] {
        let from = dir().join(entry);
        xshell::cmd!(shell, "cp -R {from} {copy}").run()?;
    }
    let manifest = std::fs::read_to_string(dir().join("Cargo.toml"))?;
    let mut manifest: toml::Table = manifest.parse()?;
    let helper = root().join("pywasm-build").display().to_string();
    manifest["package"]["metadata"]["pywasm"]["requirements"] = REQUIREMENTS.into();
    manifest["build-dependencies"]["pywasm-build"]["path"] = helper.into();
    std::fs::write(copy.join("Cargo.toml"), toml::to_string(&manifest)?)?;
    let names: Vec<&str> = versions.iter().map(|(name, _)| name.as_str()).collect();
    probe(tool, &copy, &names)
}

/// Builds the crate in `dir`, and runs these probes in a module that sees no files.
fn probe(tool: &Tool<'_>, dir: &Path, names: &[&str]) -> anyhow::Result<()> {
    tool.call_in(dir, &["build", "--quiet"])?;
    let module = embed_target().join("wasm32-wasip1/debug/packages.wasm").display().to_string();
    let arguments = [&["run-wasm", "--stdlib", "embedded", "--no-cwd", &module], names].concat();
    let output = tool.read_in(dir, &arguments)?;
    for name in names {
        anyhow::ensure!(output.lines().any(|line| line == format!("ok {name}")), "{output}");
    }
    Ok(())
}

/// Returns the names and versions of the packages that have a probe, sorted by name.
pub(crate) fn versions() -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(dir().join(REQUIREMENTS))?;
    let pair = |line: &str| {
        let (name, version) = line.split_once("==").context("a requirement without a version")?;
        Ok((name.to_owned(), version.to_owned()))
    };
    text.lines().map(pair).collect()
}

fn dir() -> PathBuf {
    root().join("tests/packages")
}
