//! What a start costs: instantiate, initialize Python, import, print a line. The library comes from a
//! directory, from a zip, from the module itself, or Python is there already.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use xshell::Shell;

use super::report::{Row, locked, machine, write_figures, write_section};
use crate::canister::built as built_module;
use crate::tool::{Tool, manifest, root};

/// The program. A word on its command line leaves out the end of Python: what is left is the start.
const MAIN: &str = r#"use std::ffi::{c_char, c_int};

unsafe extern "C" {
    fn Py_Initialize();
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
    fn _exit(code: c_int) -> !;
}

fn main() {
    // SAFETY: initialized first, and a string that lives as long as the call.
    let code = unsafe {
        Py_Initialize();
        PyRun_SimpleString(c"CODE".as_ptr())
    };
    assert_eq!(code, 0);
    if std::env::args().len() > 1 {
        // SAFETY: it may be called at any time.
        unsafe { _exit(0) }
    }
}
"#;

const CODE: &str = "import json, re, datetime; print(json.dumps({'d': str(datetime.date(2024, 1, 1)), \
    'm': bool(re.match('a+', 'aa'))}), flush=True)";

const LINE: &str = "{\"d\": \"2024-01-01\", \"m\": true}";

/// What the table of the crate says more, and whether its steps write another module.
const CRATES: [(&str, &str, bool); 4] = [
    ("a crate, library in a directory", "", false),
    ("a crate, library in a zip", "stdlib = \"zip\"\n", false),
    ("a crate, frozen", "freeze = [\"json\", \"re\", \"datetime\"]\nstdlib = \"frozen\"\n", false),
    (
        "a crate, snapshot",
        "snapshot = { imports = [\"json\", \"re\", \"datetime\"], hash-seed = 0 }\n",
        true,
    ),
];

/// `(module (memory (export "memory") 0) (func (export "_start")))`: what a process takes without Python.
const NOTHING: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\0\
    \x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

/// More than any of them takes.
const ENDLESS: u64 = 1 << 40;

/// A module, and the words that start it.
struct Start {
    name: &'static str,
    /// The crate: it says how the library is found.
    dir: PathBuf,
    options: Vec<String>,
    module: PathBuf,
    args: Vec<String>,
    /// The arguments that leave out Python's end.
    short: Vec<String>,
    /// What it prints.
    line: &'static str,
}

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let python = tool.install(&[])?;
    let place = tempfile::tempdir()?;
    let mut starts = Vec::new();
    for (index, (name, table, has_steps)) in CRATES.into_iter().enumerate() {
        let start = of_crate(&tool, place.path(), name, &format!("start{index}"), table, has_steps);
        starts.push(start.with_context(|| name)?);
    }
    starts.extend(interpreters(&tool, &python, place.path())?);

    let note = format!(
        "`import json, re, datetime` and a line that uses all three, CPython {}, wasmtime {}.",
        manifest(&python, "/python/version")?,
        locked("wasmtime")?
    );
    figures(&shell, &tool, &starts, &note)?;
    starts.push(nothing(place.path())?);
    times(&shell, &tool, &starts, rounds, &note)
}

fn of_crate(
    tool: &Tool<'_>,
    place: &Path,
    name: &'static str,
    package: &str,
    table: &str,
    has_steps: bool,
) -> anyhow::Result<Start> {
    tool.call_in(place, &["new", "--template", "capi", "--recipe", "default", package])?;
    let dir = place.join(package);
    std::fs::write(dir.join("src/main.rs"), MAIN.replace("CODE", CODE))?;
    let path = dir.join("Cargo.toml");
    let text = std::fs::read_to_string(&path)?;
    let head = "[package.metadata.pywasm]\n";
    anyhow::ensure!(text.contains(head), "`new` wrote no table");
    std::fs::write(&path, text.replace(head, &format!("{head}{table}")))?;
    let module = if has_steps {
        built_module(tool, &dir, &["--release"])?
    } else {
        tool.call_in(&dir, &["build", "--release", "--quiet"])?;
        root().join(format!("target/embed/wasm32-wasip1/release/{package}.wasm"))
    };
    let short = vec!["short".to_owned()];
    let options = seed(has_steps);
    Ok(Start { name, dir, options, module, args: Vec::new(), short, line: LINE })
}

/// The hash seed decides how many instructions a dictionary takes. That of a snapshot is in it.
fn seed(is_snapshot: bool) -> Vec<String> {
    if is_snapshot { Vec::new() } else { vec!["--env".to_owned(), "PYTHONHASHSEED=0".to_owned()] }
}

/// `python.wasm`, and its snapshot.
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
        options.extend(["--stdlib", "frozen", "--dir", &library].map(str::to_owned));
        let code = |more: &str| vec!["-c".to_owned(), format!("{CODE}{more}")];
        let short = code("\nimport os; os._exit(0)");
        let (dir, args) = (place.to_owned(), code(""));
        starts.push(Start { name, dir, options, module, args, short, line: LINE });
    }
    Ok(starts)
}

fn nothing(place: &Path) -> anyhow::Result<Start> {
    let module = place.join("nothing.wasm");
    std::fs::write(&module, NOTHING)?;
    Ok(Start {
        name: "a module that does nothing",
        dir: place.to_owned(),
        options: Vec::new(),
        module,
        args: Vec::new(),
        short: Vec::new(),
        line: "",
    })
}

impl Start {
    /// A run with fuel, or without a limit. False when the fuel did not do.
    fn run(
        &self,
        shell: &Shell,
        tool: &Tool<'_>,
        fuel: Option<u64>,
        args: &[String],
    ) -> anyhow::Result<bool> {
        let module = self.module.display().to_string();
        let fuel = fuel.map(|fuel| fuel.to_string());
        let mut words = vec!["run-wasm", "--no-cwd"];
        words.extend(fuel.iter().flat_map(|fuel| ["--fuel", fuel.as_str()]));
        words.extend(self.options.iter().map(String::as_str));
        words.push(&module);
        words.extend(args.iter().map(String::as_str));
        let _there = shell.push_dir(&self.dir);
        let output = tool.call(&words).quiet().ignore_status().output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        match output.status.code() {
            // Of `run-wasm`: the fuel was used up.
            Some(125) if fuel.is_some() => Ok(false),
            Some(0) if said.trim_end() == self.line => Ok(true),
            _ => anyhow::bail!(
                "{} says {said:?} and {:?}",
                self.name,
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }

    /// The fuel that it takes, found by giving it less: right to a thousandth.
    fn fuel(&self, shell: &Shell, tool: &Tool<'_>, args: &[String]) -> anyhow::Result<u64> {
        enough(|fuel| self.run(shell, tool, Some(fuel), args))
    }
}

/// The least that fits, to a thousandth of it.
fn enough(mut fits: impl FnMut(u64) -> anyhow::Result<bool>) -> anyhow::Result<u64> {
    let (mut less, mut fuel) = (0, 1 << 20);
    while !fits(fuel)? {
        less = fuel;
        fuel *= 2;
        anyhow::ensure!(fuel <= ENDLESS, "it does not end");
    }
    while fuel - less > 1 && (fuel - less) * 1000 > fuel {
        let middle = less + (fuel - less) / 2;
        if fits(middle)? {
            fuel = middle;
        } else {
            less = middle;
        }
    }
    Ok(fuel)
}

fn figures(shell: &Shell, tool: &Tool<'_>, starts: &[Start], note: &str) -> anyhow::Result<()> {
    let mut text = String::from(
        "| what | million instructions to the line | with Python's end |\n|---|---:|---:|\n",
    );
    for start in starts {
        eprintln!("fuel of {}", start.name);
        let short = start.fuel(shell, tool, &start.short)?;
        let whole = start.fuel(shell, tool, &start.args)?;
        writeln!(text, "| {} | {} | {} |", start.name, millions(short), millions(whole))?;
    }
    let note = format!(
        "{note} Instructions are wasmtime's fuel, the least with which it ends well, to a thousandth; \
         hash seed 0."
    );
    write_figures("start fuel", "Starting: instructions", &note, &text)
}

/// Tenths of millions, rounded up.
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
    // The first run compiles, and the runtime keeps that.
    for start in starts {
        start.run(shell, tool, None, &start.args)?;
    }
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (start, row) in starts.iter().zip(&mut rows) {
            let begin = Instant::now();
            start.run(shell, tool, None, &start.args)?;
            row.push(begin.elapsed());
        }
    }
    let note = format!(
        "{note} The whole process of `cargo pywasm run-wasm`, its end among it, with the module \
         compiled before; {rounds} interleaved rounds, {}.",
        machine()
    );
    write_section("start", "Starting: the whole process", &note, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_is_found_to_a_thousandth_from_above() {
        for takes in [1_u64, 1 << 20, (1 << 20) + 1, 63_456_789, 1 << 33] {
            let found = enough(|fuel| Ok(fuel >= takes)).unwrap();
            let bound = takes + takes / 999;
            assert!(found >= takes && found <= bound, "{takes}: {found}");
        }
        assert!(enough(|_| Ok(false)).is_err());
    }

    #[test]
    fn millions_are_rounded_up() {
        assert_eq!([1, 100_000, 63_400_001].map(millions), ["0.1", "0.1", "63.5"]);
    }
}
