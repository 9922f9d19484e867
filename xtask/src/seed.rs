//! Records seeds: results of CPython's `configure` that depend only on the libc.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use pywasm_recipes::libraries;
use xshell::Shell;

use crate::tool::{Tool, manifest, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The CPython version whose `configure` script is run
    #[arg(long, default_value = "3.13", conflicts_with = "source")]
    python: String,
    /// CPython's source, as for `install`
    #[arg(long)]
    source: Option<String>,
}

/// Name prefixes of `configure` results that depend on the machine or the build. Such results are
/// never part of a seed.
const OF_A_MACHINE: [&str; 9] = [
    "ac_cv_env_",
    "ac_cv_prog_",
    "ac_cv_path_",
    "py_cv_module_",
    "ac_cv_build",
    "ac_cv_host",
    "ac_cv_objext",
    "ac_cv_exeext",
    "ac_cv_cc_name",
];

/// Builds the recipe `full` without a seed, and writes the results of `configure` as a seed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let store = root().join("target/seed-store");
    let tool = Tool::release(&shell, &store, None)?;
    let sources = match &args.source {
        Some(source) => ["--source", source],
        None => ["--python", &args.python],
    };
    let words = [&["--force", "--no-seed", "--recipe", "full"][..], &sources].concat();
    let installed = tool.install(&words)?;
    let name = installed.file_name().context("the installation path has no file name")?;
    let logs = store.join("cache/builds-v0").join(name).join("logs");
    let answers = answers(&std::fs::read_to_string(config_log(&logs)?)?)?;
    let libc = manifest(&installed, "/libc/sha256")?;
    let series = manifest(&installed, "/python/series")?;
    let path = root().join(format!("recipes/seeds/{series}-{}.site", &libc[..8]));
    let text: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
    std::fs::write(&path, text)?;
    eprintln!("wrote {} recorded results to {}", answers.len(), path.display());
    eprintln!(
        "if the file is new, add it to recipes/src/seeds.rs; then run `cargo xtask e2e --matrix`"
    );
    Ok(())
}

fn config_log(logs: &Path) -> anyhow::Result<std::path::PathBuf> {
    for entry in std::fs::read_dir(logs)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("-config.log") {
            return Ok(path);
        }
    }
    anyhow::bail!("no config.log in `{}`", logs.display())
}

/// Returns the lines in the section `Cache variables` of config.log that do not depend on the
/// machine.
fn answers(log: &str) -> anyhow::Result<BTreeSet<String>> {
    let section = log.split("## Cache variables. ##").nth(1).context("no cache variables")?;
    let section = section.split("## Output variables. ##").next().unwrap_or_default();
    let answers = section.lines().filter(|line| {
        let name = line.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| {
            name.contains("_cv_")
                && !OF_A_MACHINE.iter().any(|start| name.starts_with(start))
                // These are results of the recipe's libraries, not of the libc.
                && !libraries().iter().any(|library| library.answers.contains_key(name))
        }) && !line.contains('/')
    });
    Ok(answers.map(str::to_owned).collect())
}
