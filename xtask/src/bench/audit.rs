//! Measures auditing and stub creation. Compares the library `pywasm-audit` with wasmparser alone,
//! and the command line of `cargo pywasm` with other tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use xshell::{Shell, cmd};

use super::report::{Row, machine, write_section};
use crate::tool::{Tool, manifest, root};

/// A recipe for an interpreter with debug information. Its wasm module is about 30 MB.
const RECIPE: &str = "schema = 1\nname = \"debug\"\ndescription = \"a large module\"\n\
    python = \"3.13\"\n\n[build]\nopt-level = \"3\"\ncflags = [\"-g\"]\n";

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let recipe = root().join("target/bench-debug.toml");
    std::fs::write(&recipe, RECIPE)?;
    let python = tool.install(&["--recipe", recipe.to_str().unwrap_or_default()])?;
    let version = manifest(&python, "/python/version")?;
    let series = manifest(&python, "/python/series")?;
    let module = python.join("bin/python.wasm");
    let archive = python.join(format!("lib/libpython{series}.a"));
    let megabytes = |path: &Path| -> anyhow::Result<String> {
        let size = std::fs::metadata(path)?.len();
        Ok(format!("{:.1} MB", Duration::from_micros(size).as_secs_f64()))
    };
    let (large, small) = (megabytes(&module)?, megabytes(&archive)?);

    // Use a separate target directory, because the tool is built with fewer features than for other
    // benchmarks.
    let target = root().join("target/bench-audit");
    let times = in_process(&shell, &target, &module, &archive, rounds)?;
    let note = format!(
        "The module ({large}) is the interpreter of CPython {version} with debug information. The \
         archive ({small}) is the libpython of the same build. {rounds} interleaved rounds, {}. The \
         times do not include reading the files.",
        machine()
    );
    let rows = [
        row("reading the imports and function names with wasmparser alone", "walk", &times)?,
        row("auditing the module against policy `wasip1`", "wasip1", &times)?,
        row(
            "auditing the module against policy `ic` (includes validating it and reading all code)",
            "ic",
            &times,
        )?,
        row("writing stubs for all undefined symbols in the archive", "stubs", &times)?,
    ];
    write_section("audit", "Auditing: as a library", &note, &rows)?;
    processes(&shell, &target, &module, &large, rounds)
}

fn in_process(
    shell: &Shell,
    target: &Path,
    module: &Path,
    archive: &Path,
    rounds: usize,
) -> anyhow::Result<BTreeMap<String, Vec<f64>>> {
    let rounds = rounds.to_string();
    let output = cmd!(
        shell,
        "cargo bench --quiet --package pywasm-audit --bench audit --target-dir {target}
         -- {module} {archive} {rounds}"
    )
    .read()?;
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in output.lines() {
        let (name, seconds) =
            line.split_once(' ').context("the benchmark printed an unexpected line")?;
        times.entry(name.to_owned()).or_default().push(seconds.parse()?);
    }
    Ok(times)
}

fn row(name: &'static str, key: &str, times: &BTreeMap<String, Vec<f64>>) -> anyhow::Result<Row> {
    let mut row = Row::new(name);
    for seconds in
        times.get(key).with_context(|| format!("the benchmark printed no times for `{key}`"))?
    {
        row.push(Duration::from_secs_f64(*seconds));
    }
    Ok(row)
}

/// Measures the run times of whole processes, which read the module from the system's file cache.
fn processes(
    shell: &Shell,
    target: &Path,
    module: &Path,
    size: &str,
    rounds: usize,
) -> anyhow::Result<()> {
    cmd!(
        shell,
        "cargo build --release --package cargo-pywasm --no-default-features --target-dir {target}"
    )
    .run()?;
    let tool = target.join("release/cargo-pywasm");
    let mut programs = vec![Program::new("`cargo pywasm audit-imports`", tool, &["audit-imports"])];
    programs[0].version = "this version".to_owned();
    for (name, program, words) in [
        ("`wasm-objdump -x` from wabt", "wasm-objdump", &["-x"][..]),
        ("`wasm-tools objdump`", "wasm-tools", &["objdump"]),
        ("`wasm-tools validate`", "wasm-tools", &["validate"]),
    ] {
        match cmd!(shell, "{program} --version").quiet().ignore_stderr().read() {
            Ok(version) => {
                let mut found = Program::new(name, PathBuf::from(program), words);
                // Some programs print their name before the version.
                let version = version.trim().trim_start_matches(program).trim_start();
                found.version = format!("{program} {version}");
                programs.push(found);
            }
            Err(_) => eprintln!("{program} is not on PATH, so the table has no row for it"),
        }
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for program in &mut programs {
            let (path, words) = (&program.path, &program.words);
            let start = Instant::now();
            cmd!(shell, "{path} {words...} {module}").quiet().ignore_stdout().run()?;
            program.row.push(start.elapsed());
        }
    }
    let mut versions: Vec<String> = programs.iter().skip(1).map(|it| it.version.clone()).collect();
    versions.dedup();
    let note = format!(
        "Each program reads the same {size} module. The output is discarded. {}, {rounds} \
         interleaved rounds, {}.",
        versions.join(", "),
        machine()
    );
    let rows: Vec<Row> = programs.into_iter().map(|program| program.row).collect();
    write_section("audit process", "Auditing: as a program", &note, &rows)
}

struct Program {
    path: PathBuf,
    words: Vec<String>,
    version: String,
    row: Row,
}

impl Program {
    fn new(name: &'static str, path: PathBuf, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Self { path, words, version: String::new(), row: Row::new(name) }
    }
}
