//! Runs pyperformance on this project's interpreters, on CPython's own build for WASI, on other
//! Pythons in WebAssembly, and on a native Python.
//!
//! All contenders run the same files. In each round, the contenders run each benchmark in turn, so
//! that a change in the speed of the machine affects all of them. If a contender cannot run
//! a benchmark, the page says so.

mod contender;
mod others;
mod suite;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use self::contender::{Contender, Runner};
use self::suite::{BENCHMARKS, Benchmark, Suite};
use self::table::{Measured, Of};
use super::install::upstream;
use super::report::{locked, machine, write_figures};
use crate::tool::{Tool, manifest, root};

/// The default number of interleaved rounds.
const ROUNDS: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of interleaved rounds
    #[arg(long, default_value_t = ROUNDS)]
    pub(crate) rounds: usize,
    /// Run only these benchmarks, and print the table instead of writing the page
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) only: Vec<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { rounds: ROUNDS, only: Vec::new() }
    }
}

pub(crate) fn run(args: &Args, built: Option<&Path>) -> anyhow::Result<()> {
    let benchmarks = chosen(&args.only)?;
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let suite = Suite::get(&shell, root().join("target/bench-speed"))?;
    let (contenders, missing) = contenders(&shell, &tool, &suite)?;
    let measured = measure(&contenders, &suite, &benchmarks, args.rounds);
    let medians = measured.table(Of::Median)?;
    let best = measured.table(Of::Best)?;
    let tables = format!(
        "{medians}\nThe next table uses the best time of all rounds, which is least affected by other \
         work on the machine:\n\n{best}{}",
        measured.failures()?
    );
    if !args.only.is_empty() {
        eprint!("{tables}");
        for why in missing {
            eprintln!("{why}");
        }
        return Ok(());
    }
    let mut note = format!(
        "The benchmarks are from {}. A replacement for pyperf takes three samples of at least 0.1 s \
         in one process and reports the best. {} interleaved rounds, {}. The first column contains \
         times. The other columns contain speeds relative to the first column: 2.00 means twice as \
         fast. In the first table, a relative speed is the median of all rounds. WASI programs run \
         in wasmtime {}, compiled without interruption checks.\n\n",
        suite.release(),
        args.rounds,
        machine(),
        locked("wasmtime")?
    );
    for contender in &contenders {
        note.push_str(&format!("- {}: {}\n", contender.name, contender.about));
    }
    for why in missing {
        note.push_str(&format!("- {why}\n"));
    }
    write_figures("speed", "Speed", note.trim_end(), &tables)
}

fn chosen(only: &[String]) -> anyhow::Result<Vec<Benchmark>> {
    let found = |name: &String| {
        let found = BENCHMARKS.iter().find(|benchmark| benchmark.name == name).copied();
        found.with_context(|| {
            let names: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
            format!("there is no benchmark `{name}`; the benchmarks are {}", names.join(", "))
        })
    };
    if only.is_empty() { Ok(BENCHMARKS.to_vec()) } else { only.iter().map(found).collect() }
}

/// Returns the contenders, and the reasons why optional contenders are missing. The first four
/// contenders are required.
fn contenders<'a>(
    shell: &'a Shell,
    tool: &'a Tool<'a>,
    suite: &Suite,
) -> anyhow::Result<(Vec<Contender<'a>>, Vec<String>)> {
    let default = tool.install(&[])?;
    let speed = tool.install(&["--recipe", "speed"])?;
    let upstream = upstream(shell, tool, &default)?;
    let clang = manifest(&default, "/toolchain/clang")?;
    let series = manifest(&default, "/python/series")?;
    // The first four contenders use the same CPython release and library. Only their compilation
    // differs.
    let library =
        (default.join(format!("lib/python{series}")), format!("/usr/local/lib/python{series}"));
    let wasm = |module: PathBuf| Runner::Wasm { tool, module, library: Some(library.clone()) };
    let mut found = Vec::new();
    for (name, module, what) in [
        ("CPython's own", upstream.wasm.clone(), "built by `Tools/wasm/wasi.py build`"),
        (
            "CPython's own, again",
            upstream.wasm,
            "a second measurement of the first column, to show the noise",
        ),
        ("default", default.join("bin/python.wasm"), "built by `cargo pywasm install`"),
        ("speed", speed.join("bin/python.wasm"), "built by `cargo pywasm install --recipe speed`"),
    ] {
        let runner = wasm(module);
        let mut contender = Contender { name, about: String::new(), runner };
        let version = contender.version(suite).with_context(|| format!("`{name}` does not run"))?;
        contender.about = format!("{what}. CPython {version}, compiled with {clang}");
        found.push(contender);
    }
    let others = [
        (
            "RustPython",
            format!("version {}, with features {}", others::RUSTPYTHON, others::FEATURES),
            others::rustpython(shell, tool),
        ),
        (
            "Pyodide",
            format!("version {} in {}", others::PYODIDE, node(shell)),
            others::pyodide(shell),
        ),
        (
            "native",
            format!(
                "the native Python that `wasi.py` builds, as an upper bound. Built with {}",
                others::flags(shell, &upstream.native)?
            ),
            Ok(Runner::Native { shell, python: upstream.native }),
        ),
    ];
    let mut missing = Vec::new();
    for (name, what, runner) in others {
        let contender = runner.and_then(|runner| {
            let mut contender = Contender { name, about: String::new(), runner };
            let version = contender.version(suite)?;
            contender.about = format!("{what}. It reports Python {version}");
            Ok(contender)
        });
        match contender {
            Ok(contender) => found.push(contender),
            Err(why) => {
                let why = format!("{name} is missing from the table: {}", for_the_page(&why));
                eprintln!("{why}");
                missing.push(why);
            }
        }
    }
    Ok((found, missing))
}

/// Formats an error as one line, with paths relative to the repository.
fn for_the_page(why: &anyhow::Error) -> String {
    let here = format!("{}/", root().display());
    format!("{why:#}").replace(&here, "").replace('\n', " ")
}

fn node(shell: &Shell) -> String {
    let version = cmd!(shell, "node --version").quiet().ignore_stderr().read();
    version.map_or_else(|_| "node".to_owned(), |version| format!("node {version} (V8)"))
}

fn measure(
    contenders: &[Contender<'_>],
    suite: &Suite,
    benchmarks: &[Benchmark],
    rounds: usize,
) -> Measured {
    let mut measured = Measured::new(contenders.iter().map(|contender| contender.name).collect());
    for round in 1..=rounds {
        for benchmark in benchmarks {
            eprintln!("round {round} of {rounds}: {}", benchmark.name);
            // Each round starts with a different contender, because the order may affect the times.
            for turn in 0..contenders.len() {
                let column = (turn + round) % contenders.len();
                let contender = &contenders[column];
                if measured.has_failed(column, benchmark.name) {
                    continue;
                }
                match contender.run(suite, *benchmark) {
                    Ok(times) => {
                        for (name, seconds) in times {
                            measured.push(column, &name, seconds);
                        }
                    }
                    Err(why) => {
                        eprintln!("{}, {}: {why:#}", contender.name, benchmark.name);
                        measured.fail(column, benchmark.name, for_the_page(&why));
                    }
                }
            }
        }
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_line_without_local_paths() {
        let file = root().join("target/x.wasm");
        let why = anyhow::anyhow!("no `{}`\nof all", file.display()).context("it does not run");
        assert_eq!(for_the_page(&why), "it does not run: no `target/x.wasm` of all");
    }
}
