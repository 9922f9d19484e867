//! Measures the sizes of libpython, the interpreter, the smallest useful embedding and a canister.

mod embedding;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use xshell::{Shell, cmd};

use super::report::{grouped, locked, write_figures};
use crate::embed::canister::{build as build_module, copy};
use crate::embed::one_file;
use crate::tool::{Tool, manifest, root};

pub(crate) fn run(built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    // Use the pinned release of `wasm-opt`, which is newer than the one on most machines.
    let optimizer = tool.call(&["toolchain", "wasm-opt"]).read()?;
    let version = cmd!(shell, "{optimizer} --version").read()?;
    let place = tempfile::tempdir()?;
    let mut text = String::from(
        "| what | bytes | gzip bytes | bytes after the step `gzip` |\n|---|---:|---:|---:|\n",
    );
    let mut installed = Vec::new();
    for name in ["default", "full", "speed", "canister"] {
        installed.push((name, tool.install(&["--recipe", name])?));
    }
    for (name, python) in &installed {
        let series = manifest(python, "/python/series")?;
        let archive = python.join(format!("lib/libpython{series}.a"));
        row(&tool, &mut text, &format!("`libpython{series}.a`, {name}"), &archive)?;
    }
    for (name, python) in &installed {
        row(&tool, &mut text, &format!("`python.wasm`, {name}"), &python.join("bin/python.wasm"))?;
    }
    let snapshot = place.path().join("python.wasm").display().to_string();
    let words = ["snapshot", "--interpreter", "--recipe", "default", "--hash-seed", "0"];
    tool.call(&[&words[..], &["--output", &snapshot]].concat()).ignore_stdout().run()?;
    row(&tool, &mut text, "`python.wasm`, default, as a snapshot", Path::new(&snapshot))?;
    row(
        &tool,
        &mut text,
        "`examples/python`, with the whole standard library embedded",
        &one_file::module(&tool)?,
    )?;
    embedding::rows(&tool, place.path(), &optimizer, &mut text)?;
    canister(&tool, place.path(), &mut text)?;
    let note = format!(
        "CPython {}, {}, {}, {version}. Gzip bytes are measured with the best compression of flate2 {}. \
         The embedding is a reactor that uses the C API and is built with `profile = \"size\"`. The \
         listed Python modules and everything that they import are frozen into the embedding as a closed \
         set, so it needs no files. As in the recipe `canister`, `unicodedata` is left out. Python needs \
         `unicodedata` only for non-ASCII identifiers.",
        manifest(&installed[0].1, "/python/version")?,
        manifest(&installed[0].1, "/toolchain/clang")?,
        tool.rustc_version()?,
        locked("flate2")?
    );
    write_figures("size", "Sizes", &note, &text)
}

/// Appends a row to the table. For a wasm module, the row includes the size after the step `gzip`.
fn row(tool: &Tool<'_>, text: &mut String, name: &str, file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("no `{}`", file.display()))?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    let packed = packed.finish()?.len();
    let [bytes, packed] = [bytes.len(), packed].map(|size| grouped(size as u64));
    let sent = match file.extension() {
        Some(extension) if extension == "wasm" => {
            let place = tempfile::tempdir()?;
            let (from, to) = (file.display().to_string(), place.path().join("sent.wasm"));
            let words =
                ["post-link", &from, "--step", "gzip", "--output", &to.display().to_string()];
            tool.call(&words).quiet().ignore_stdout().ignore_stderr().run()?;
            let sent = to.with_extension("wasm.gz");
            grouped(sent.metadata().with_context(|| format!("no `{}`", sent.display()))?.len())
        }
        _ => String::new(),
    };
    Ok(writeln!(text, "| {name} | {bytes} | {packed} | {sent} |")?)
}

fn canister(tool: &Tool<'_>, place: &Path, text: &mut String) -> anyhow::Result<()> {
    let dir = copy(&place.join("canister"), "Cargo.toml", |text| {
        // An empty `[workspace]` table makes the copy its own workspace.
        format!("{text}\n[workspace]\n")
    })?;
    tool.call_in(&dir, &["install"])?;
    let module: PathBuf = build_module(tool, &dir, &["--release"])?;
    row(tool, text, "`examples/canister`, all steps", &module)
}
