//! Measures the example canister: its size, the instructions that its start and calls execute, and
//! the time to rebuild it after a change to one line of Python.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use super::report::{Row, grouped, machine, write_figures, write_section};
use crate::embed::canister::copy;
use crate::tool::{Tool, root};

/// The example's post-link steps and, for comparison, the same steps without `wasm-opt`.
const STEPS: [(&str, &[&str]); 2] = [
    ("all steps", &["rewire", "candid", "gc", "wasm-opt", "strip", "gzip"]),
    ("without `wasm-opt`", &["rewire", "candid", "gc", "strip", "gzip"]),
];

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let place = tempfile::tempdir()?;
    let dir = copy(&place.path().join("canister"), "Cargo.toml", |text| {
        // An empty `[workspace]` table makes the copy its own workspace.
        format!("{text}\n[workspace]\n")
    })?;
    // Make builds and post-link steps use the pinned release of `wasm-opt`, not the one on PATH.
    let optimizer = tool.call(&["toolchain", "wasm-opt"]).read()?;
    shell.set_var("PYWASM_WASM_OPT", &optimizer);
    tool.call_in(&dir, &["install"])?;
    tool.call_in(&dir, &["build", "--release", "--quiet"])?;
    let linked = root().join("target/embed/wasm32-wasip1/release/canister.wasm");
    let optimizer = cmd!(shell, "{optimizer} --version").read()?;
    let note = format!(
        "`examples/canister`, CPython 3.13, {}, {optimizer}. Fuel is wasmtime's instruction count. \
         It is the same in every run.",
        tool.rustc_version()?
    );
    figures(&tool, &linked, place.path(), &note)?;
    times(&tool, &dir, &linked, rounds)
}

/// Measures sizes and fuel.
fn figures(tool: &Tool<'_>, linked: &Path, place: &Path, note: &str) -> anyhow::Result<()> {
    let mut text = String::new();
    text.push_str("| module | bytes | gzip bytes | fuel to install it |\n|---|---:|---:|---:|\n");
    writeln!(text, "| as linked | {} | | |", grouped(std::fs::metadata(linked)?.len()))?;
    let mut modules = Vec::new();
    for (index, (name, steps)) in STEPS.iter().enumerate() {
        let module = place.join(format!("{index}.wasm"));
        let (from, to) = (linked.display().to_string(), module.display().to_string());
        let mut words = vec!["--quiet", "post-link", &from, "--output", &to];
        words.extend(steps.iter().flat_map(|step| ["--step", *step]));
        tool.call(&words).ignore_stdout().run()?;
        let compressed = std::fs::metadata(format!("{to}.gz"))?.len();
        let install = called(tool, &module, &["nothing"])?.fuel("install")?;
        let size = grouped(std::fs::metadata(&module)?.len());
        writeln!(text, "| {name} | {size} | {} | {} |", grouped(compressed), grouped(install))?;
        modules.push(module);
    }
    // Lazy initialization during an update is kept for later calls, but a query's changes are
    // discarded. The update therefore runs first. Only the last call to each method is measured.
    let calls = ["increment", "nothing", "nothing", "greet", "(\"world\")", "counter"];
    let calls = called(tool, &modules[0], &calls)?;
    let (start, import) = calls.start()?;
    text.push_str("\n| what | fuel |\n|---|---:|\n");
    for (name, fuel) in [
        ("starting Python (`pywasm_start`)", start),
        (
            "importing `rules`, which imports `dataclasses`, `decimal`, `json`, `re`, `uuid` and more",
            import,
        ),
        ("a query that does nothing", calls.fuel("nothing")?),
        ("`greet`, a query that calls Python code that prints a line", calls.fuel("greet")?),
        (
            "`increment`, an update that calls Python and writes to stable memory",
            calls.fuel("increment")?,
        ),
    ] {
        writeln!(text, "| {name} | {} |", grouped(fuel))?;
    }
    write_figures("canister", "Canister: sizes and instructions", note, &text)
}

/// Measures the time to rebuild the module after a change to one line, and the times of two calls.
fn times(tool: &Tool<'_>, dir: &Path, linked: &Path, rounds: usize) -> anyhow::Result<()> {
    let mut rows = [
        Row::new("`cargo pywasm build`"),
        Row::new("`cargo pywasm build --release`, with `wasm-opt`"),
        Row::new("the first `cargo pywasm canister call` with the release module"),
        Row::new("the second `cargo pywasm canister call` with the same module"),
    ];
    let finished = linked.with_file_name("").join("../../pywasm/release/canister.wasm");
    let module = finished.display().to_string();
    let rules = dir.join("python/rules.py");
    let text = std::fs::read_to_string(&rules)?;
    tool.call_in(dir, &["build", "--quiet"])?;
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (row, words) in
            [(0, &["build", "--quiet"][..]), (1, &["build", "--quiet", "--release"])]
        {
            let changed = text.replace("Hello, ", &format!("Hello {round}{row}, "));
            anyhow::ensure!(changed != text, "`rules.py` has no greeting to change");
            std::fs::write(&rules, changed)?;
            rows[row].measure(|| tool.call_in(dir, words))?;
        }
        for row in [2, 3] {
            let call = tool.call(&["canister", "call", &module, "greet", "(\"you\")"]);
            rows[row].measure(|| Ok(call.quiet().ignore_stdout().ignore_stderr().run()?))?;
        }
    }
    let note = format!(
        "Each build follows a change to one line of `python/rules.py`. All Rust code is already \
         compiled. {rounds} rounds, {}. Without `--release`, nothing is optimized or compressed.",
        machine()
    );
    write_section("canister times", "Canister: after a change to one line", &note, &rows)
}

/// The output of `canister call --fuel`.
struct Calls(String);

fn called(tool: &Tool<'_>, module: &Path, calls: &[&str]) -> anyhow::Result<Calls> {
    let module = module.display().to_string();
    let words = [&["canister", "call", &module, "--fuel"][..], calls].concat();
    Ok(Calls(tool.call(&words).read_stderr()?))
}

impl Calls {
    /// Returns the fuel used by the last call to a method.
    fn fuel(&self, method: &str) -> anyhow::Result<u64> {
        let end = format!(" wasm fuel for `{method}`");
        let line = self.0.lines().rfind(|line| line.contains(&end));
        let line = line.with_context(|| format!("no fuel reported for `{method}`:\n{}", self.0))?;
        number_before(line, &end)
    }

    /// Returns the fuel used by Python's start and by the import of `rules`, as reported by the
    /// example.
    fn start(&self) -> anyhow::Result<(u64, u64)> {
        let line = self.0.lines().find(|line| line.contains("Python started in "));
        let line = line.context("the example did not report the cost of its start")?;
        let import = line.rsplit(' ').next().unwrap_or_default();
        Ok((number_before(line, " instructions")?, import.parse()?))
    }
}

fn number_before(line: &str, end: &str) -> anyhow::Result<u64> {
    let before = line.split(end).next().unwrap_or_default();
    Ok(before.rsplit(' ').next().unwrap_or_default().parse()?)
}
