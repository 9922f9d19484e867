//! Measures the cost of starting a wasm module: instantiation, Python's initialization, imports,
//! and the output of one line. Compares four ways to provide the standard library: in a
//! directory, in a zip, embedded, and in a snapshot.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use xshell::Shell;

use super::report::{Row, locked, machine, write_figures, write_section};
use crate::embed::canister::build as build_module;
use crate::tool::{Tool, manifest, root};

/// The Rust program to measure. With an argument, it exits without finalizing Python, so that only
/// the start is measured.
const MAIN: &str = r#"use std::ffi::{c_char, c_int};

unsafe extern "C" {
    fn Py_Initialize();
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
    fn _exit(code: c_int) -> !;
}

fn main() {
    // SAFETY: Python is initialized first, and the string outlives the call.
    let code = unsafe {
        Py_Initialize();
        PyRun_SimpleString(c"CODE".as_ptr())
    };
    assert_eq!(code, 0);
    if std::env::args().len() > 1 {
        // SAFETY: `_exit` may be called at any time.
        unsafe { _exit(0) }
    }
}
"#;

const CODE: &str = "import json, re, datetime; print(json.dumps({'d': str(datetime.date(2024, 1, 1)), \
    'm': bool(re.match('a+', 'aa'))}), flush=True)";

const LINE: &str = "{\"d\": \"2024-01-01\", \"m\": true}";

/// A Python module in the crate that runs the same code as [`CODE`].
const OWN: &str = "import json, re, datetime\n\n\ndef work():\n    print(json.dumps({'d': str(datetime.date(2024, 1, 1)), \
    'm': bool(re.match('a+', 'aa'))}), flush=True)\n";

/// A crate to measure.
struct Crate {
    name: &'static str,
    /// Additional lines in the table `[package.metadata.pywasm]` of Cargo.toml.
    table: &'static str,
    /// The Python code that the crate runs.
    code: &'static str,
    /// True if the final wasm module is written by post-link steps.
    has_steps: bool,
}

const CRATES: [Crate; 5] = [
    Crate { name: "a crate, library in a directory", table: "", code: CODE, has_steps: false },
    Crate {
        name: "a crate, library in a zip",
        table: "stdlib = \"zip\"\n",
        code: CODE,
        has_steps: false,
    },
    Crate {
        name: "a crate, embedded library",
        table: "freeze = [\"json\", \"re\", \"datetime\"]\nstdlib = \"embedded\"\n",
        code: CODE,
        has_steps: false,
    },
    Crate {
        name: "a crate, snapshot",
        table: "snapshot = { imports = [\"json\", \"re\", \"datetime\"], hash-seed = 0 }\n",
        code: CODE,
        has_steps: true,
    },
    Crate {
        name: "a crate, snapshot that includes the crate's own Python code",
        table: "packages = [\"own.py\"]\nsnapshot = { imports = [\"own\"], hash-seed = 0 }\n",
        code: "import own; own.work()",
        has_steps: true,
    },
];

/// The number of instances that run in one process. Only the last instance is timed.
const WARM: usize = 10;

/// A fuel limit that no program reaches.
const ENDLESS: u64 = 1 << 40;

/// A wasm module and its command line.
struct Start {
    name: &'static str,
    /// The working directory. For a crate, this is the directory that contains Cargo.toml, which
    /// specifies where the library is.
    dir: PathBuf,
    options: Vec<String>,
    module: PathBuf,
    args: Vec<String>,
    /// The arguments that make the program exit without finalizing Python.
    short: Vec<String>,
}

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let python = tool.install(&[])?;
    let place = tempfile::tempdir()?;
    let mut starts = Vec::new();
    for (index, crate_) in CRATES.iter().enumerate() {
        let start = of_crate(&tool, place.path(), &format!("start{index}"), crate_);
        starts.push(start.with_context(|| crate_.name)?);
    }
    starts.extend(interpreters(&tool, &python, place.path())?);

    let note = format!(
        "The program runs `import json, re, datetime` and prints a line computed with all three \
         modules. CPython {}, wasmtime {}.",
        manifest(&python, "/python/version")?,
        locked("wasmtime")?
    );
    figures(&shell, &tool, &starts, &note)?;
    times(&shell, &tool, &starts, rounds, &note)
}

fn of_crate(tool: &Tool<'_>, place: &Path, package: &str, crate_: &Crate) -> anyhow::Result<Start> {
    let Crate { name, table, code, has_steps } = *crate_;
    tool.call_in(place, &["new", "--template", "capi", "--recipe", "default", package])?;
    let dir = place.join(package);
    std::fs::write(dir.join("src/main.rs"), MAIN.replace("CODE", code))?;
    std::fs::write(dir.join("own.py"), OWN)?;
    let path = dir.join("Cargo.toml");
    let text = std::fs::read_to_string(&path)?;
    let head = "[package.metadata.pywasm]\n";
    anyhow::ensure!(text.contains(head), "`new` wrote no table");
    std::fs::write(&path, text.replace(head, &format!("{head}{table}")))?;
    let module = if has_steps {
        build_module(tool, &dir, &["--release"])?
    } else {
        tool.call_in(&dir, &["build", "--release", "--quiet"])?;
        root().join(format!("target/embed/wasm32-wasip1/release/{package}.wasm"))
    };
    let short = vec!["short".to_owned()];
    let options = seed(has_steps);
    Ok(Start { name, dir, options, module, args: Vec::new(), short })
}

/// Returns options that fix the hash seed, because the number of instructions for dictionary
/// operations depends on it. A snapshot needs no options, because it contains its hash seed.
fn seed(is_snapshot: bool) -> Vec<String> {
    if is_snapshot { Vec::new() } else { vec!["--env".to_owned(), "PYTHONHASHSEED=0".to_owned()] }
}

/// Returns the command lines that start `python.wasm` and its snapshot.
fn interpreters(tool: &Tool<'_>, python: &Path, place: &Path) -> anyhow::Result<Vec<Start>> {
    let series = manifest(python, "/python/series")?;
    let library = python.join(format!("lib/python{series}"));
    let library = format!("{}::/usr/local/lib/python{series}:ro", library.display());
    let snapshot = place.join("python.wasm");
    let mut words = vec!["snapshot", "--interpreter", "--recipe", "default", "--hash-seed", "0"];
    words.extend(["--import", "json", "--import", "re", "--import", "datetime", "--output"]);
    let file = snapshot.display().to_string();
    words.push(&file);
    tool.call(&words).ignore_stdout().run()?;
    let mut starts = Vec::new();
    for (name, module, is_snapshot) in [
        ("`python.wasm -c`, library in a directory", python.join("bin/python.wasm"), false),
        ("`python.wasm -c`, snapshot", snapshot, true),
    ] {
        let mut options = seed(is_snapshot);
        options.extend(["--stdlib", "embedded", "--dir", &library].map(str::to_owned));
        let code = |more: &str| vec!["-c".to_owned(), format!("{CODE}{more}")];
        let short = code("\nimport os; os._exit(0)");
        let (dir, args) = (place.to_owned(), code(""));
        starts.push(Start { name, dir, options, module, args, short });
    }
    Ok(starts)
}

/// The cost of a run.
pub(super) struct Took {
    pub(super) time: Duration,
    /// The number of instructions, or 0 if they were not counted.
    fuel: u64,
}

impl Start {
    /// Runs the program `repeat` times in one process. If the limit `fuel` is set, counts the
    /// instructions.
    fn run(
        &self,
        shell: &Shell,
        tool: &Tool<'_>,
        fuel: Option<u64>,
        repeat: usize,
        args: &[String],
    ) -> anyhow::Result<Took> {
        let module = self.module.display().to_string();
        let fuel = fuel.map(|fuel| fuel.to_string());
        let times = repeat.to_string();
        let mut words = vec!["run-wasm", "--no-cwd", "--stats", "--repeat", &times];
        words.extend(fuel.iter().flat_map(|fuel| ["--fuel", fuel.as_str()]));
        words.extend(self.options.iter().map(String::as_str));
        words.push(&module);
        words.extend(args.iter().map(String::as_str));
        let _there = shell.push_dir(&self.dir);
        let output = tool.call(&words).quiet().ignore_status().output()?;
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        let took = took(&stderr)
            .filter(|_| output.status.success() && stdout.lines().eq([LINE].repeat(repeat)));
        took.with_context(|| format!("{} printed {stdout:?} and {stderr:?}", self.name))
    }
}

/// Parses the last line of `run-wasm --stats`: `the program took 1450 µs, 838112 instructions`.
pub(super) fn took(stderr: &str) -> Option<Took> {
    let (_, rest) = stderr.rsplit_once("the program took ")?;
    let (time, rest) = rest.split_once(" µs")?;
    let fuel = rest.strip_prefix(", ").and_then(|rest| rest.split_once(" instructions"));
    let fuel = fuel.map_or(Some(0), |(fuel, _)| fuel.parse().ok())?;
    Some(Took { time: Duration::from_micros(time.parse().ok()?), fuel })
}

fn figures(shell: &Shell, tool: &Tool<'_>, starts: &[Start], note: &str) -> anyhow::Result<()> {
    let mut text = String::from(
        "| what | million instructions until the line is printed | million instructions including Python's finalization |\n|---|---:|---:|\n",
    );
    for start in starts {
        eprintln!("counting instructions: {}", start.name);
        let fuel = |args| anyhow::Ok(start.run(shell, tool, Some(ENDLESS), 1, args)?.fuel);
        let (short, whole) = (fuel(&start.short)?, fuel(&start.args)?);
        writeln!(text, "| {} | {} | {} |", start.name, millions(short), millions(whole))?;
    }
    let note = format!("{note} The number of instructions is wasmtime's fuel. The hash seed is 0.");
    write_figures("start fuel", "Starting: instructions", &note, &text)
}

/// Formats a number in millions, rounded up to one decimal place.
fn millions(fuel: u64) -> String {
    let tenths = fuel.div_ceil(100_000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn times(
    shell: &Shell,
    tool: &Tool<'_>,
    starts: &[Start],
    rounds: usize,
    note: &str,
) -> anyhow::Result<()> {
    let mut rows: Vec<Row> = starts.iter().map(|start| Row::new(start.name)).collect();
    // The runtime caches compiled code. These runs fill the cache and are not measured.
    for start in starts {
        start.run(shell, tool, None, 1, &start.short)?;
    }
    let mut again: Vec<Row> = starts.iter().map(|start| Row::new(start.name)).collect();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (start, (first, later)) in starts.iter().zip(rows.iter_mut().zip(&mut again)) {
            first.push(start.run(shell, tool, None, 1, &start.short)?.time);
            later.push(start.run(shell, tool, None, WARM, &start.short)?.time);
        }
    }
    let how = format!(
        "{note} After it prints the line, the program exits without finalizing Python. The time is \
         reported by `cargo pywasm run-wasm --stats`. It includes creating the instance, but not \
         compiling the module. {rounds} interleaved rounds, {}.",
        machine()
    );
    let own = format!("{how} Each instance runs in a separate process.");
    write_section("start", "Starting: time until the line is printed", &own, &rows)?;
    let again_note = format!(
        "{how} Each process runs {WARM} instances one after another, like a server. The table shows \
         the times of the last instance."
    );
    write_section(
        "start again",
        "Starting again in the same process: time until the line is printed",
        &again_note,
        &again,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_of_a_run_is_parsed() {
        let read = |text| took(text).map(|took| (took.time.as_micros(), took.fuel));
        assert_eq!(read("note: the program took 1450 µs\n"), Some((1450, 0)));
        assert_eq!(read("x\nnote: the program took 7 µs, 90 instructions\n"), Some((7, 90)));
        assert_eq!(read("error: it took long"), None);
        assert_eq!(read("the program took 7 µs, many instructions"), None);
    }

    #[test]
    fn millions_are_rounded_up() {
        assert_eq!([1, 100_000, 63_400_001].map(millions), ["0.1", "0.1", "63.5"]);
    }
}
