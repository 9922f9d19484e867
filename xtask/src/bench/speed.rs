//! Speed: benchmarks of pyperformance on our interpreters, on CPython's own configuration for WASI, on
//! other Pythons in WebAssembly, and natively.
//!
//! Each contender that can run a benchmark runs the same file. The rounds are interleaved, benchmark by
//! benchmark, so that a machine that slows down slows all; what can't run is told, not left out.

mod contender;
mod others;
mod suite;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use self::contender::{Contender, Road};
use self::suite::{BENCHMARKS, Benchmark, Suite};
use self::table::{Measured, Of};
use super::install::upstream;
use super::report::{locked, machine, write_figures};
use crate::tool::{Tool, manifest, root};

/// Interleaved rounds, when nobody says how many.
const ROUNDS: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Interleaved rounds of each
    #[arg(long, default_value_t = ROUNDS)]
    pub(crate) rounds: usize,
    /// These benchmarks alone, to try something out: the page stays as it is
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
        "{medians}\nThe same by the best of all rounds, which is what a machine does that does nothing \
         else:\n\n{best}{}",
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
        "{}, with a stand-in for pyperf that takes the best of three samples of 0.1 s and more in a process; \
         {} interleaved rounds, {}. The first column is time; the others say how many times as fast as it \
         each was, the median of the rounds' own ratios. What is WASI runs in wasmtime {}, \
         without checks for an interruption.\n\n",
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
            format!("there is no benchmark `{name}`, but {}", names.join(", "))
        })
    };
    if only.is_empty() { Ok(BENCHMARKS.to_vec()) } else { only.iter().map(found).collect() }
}

/// Those that run, and why others don't. Without the first four there is nothing to compare.
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
    // They are of one release: what differs is how they were compiled, not what they import.
    let library =
        (default.join(format!("lib/python{series}")), format!("/usr/local/lib/python{series}"));
    let wasm = |module: PathBuf| Road::Wasm { tool, module, library: Some(library.clone()) };
    let mut found = Vec::new();
    for (name, module, what) in [
        ("CPython's own", upstream.wasm.clone(), "`Tools/wasm/wasi.py build`"),
        ("the same again", upstream.wasm, "the first once more, which shows what is noise"),
        ("default", default.join("bin/python.wasm"), "`cargo pywasm install`"),
        ("speed", speed.join("bin/python.wasm"), "`cargo pywasm install --recipe speed`"),
    ] {
        let road = wasm(module);
        let mut contender = Contender { name, about: String::new(), road };
        let version = contender.version(suite).with_context(|| format!("`{name}` does not run"))?;
        contender.about = format!("CPython {version}, {what}, {clang}");
        found.push(contender);
    }
    let others = [
        (
            "RustPython",
            format!("RustPython {}, features {}", others::RUSTPYTHON, others::FEATURES),
            others::rustpython(shell, tool),
        ),
        (
            "Pyodide",
            format!("Pyodide {} in {}", others::PYODIDE, node(shell)),
            others::pyodide(shell),
        ),
        (
            "native",
            format!(
                "the limit: `wasi.py`'s native Python, {}",
                others::flags(shell, &upstream.native)?
            ),
            Ok(Road::Native { shell, python: upstream.native }),
        ),
    ];
    let mut missing = Vec::new();
    for (name, what, road) in others {
        let asked = road.and_then(|road| {
            let mut contender = Contender { name, about: String::new(), road };
            let version = contender.version(suite)?;
            contender.about = format!("{what}, as Python {version}");
            Ok(contender)
        });
        match asked {
            Ok(contender) => found.push(contender),
            Err(why) => {
                let why = format!("{name} has no column: {}", for_the_page(&why));
                eprintln!("{why}");
                missing.push(why);
            }
        }
    }
    Ok((found, missing))
}

/// An error in one line, without this machine's paths.
fn for_the_page(why: &anyhow::Error) -> String {
    let here = format!("{}/", root().display());
    format!("{why:#}").replace(&here, "").replace('\n', " ")
}

fn node(shell: &Shell) -> String {
    let said = cmd!(shell, "node --version").quiet().ignore_stderr().read();
    said.map_or_else(|_| "node".to_owned(), |version| format!("node {version}, by V8"))
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
            // Each round begins with another one: what comes first may find a machine that has rested.
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
    fn an_error_is_one_line_without_paths_of_this_machine() {
        let file = root().join("target/x.wasm");
        let why = anyhow::anyhow!("no `{}`\nof all", file.display()).context("it does not run");
        assert_eq!(for_the_page(&why), "it does not run: no `target/x.wasm` of all");
    }
}
