//! Measures the cost of Python packages: building a crate that requires 20 of them after a change to
//! one line, importing them from the module instead of from a directory, and starting the example
//! `report`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::Shell;

use super::program;
use super::report::{Row, locked, machine, write_section};
use super::start::took;
use crate::embed::canister::build as build_module;
use crate::packages::versions;
use crate::tool::{Tool, embed_target, manifest, root};

/// The packages that the crate requires, with all packages that they need.
const PACKAGES: [&str; 20] = [
    "attrs",
    "blinker",
    "certifi",
    "charset-normalizer",
    "click",
    "flask",
    "idna",
    "itsdangerous",
    "jinja2",
    "markdown-it-py",
    "markupsafe",
    "mdurl",
    "packaging",
    "pygments",
    "requests",
    "rich",
    "tomlkit",
    "tzdata",
    "urllib3",
    "werkzeug",
];

/// The crate's Python module.
const APP: &str =
    "import attr, flask, packaging.version, requests, rich.console, rich.table, tomlkit\n";

/// The code of the Rust program: it runs the Python code on stdin. `/site` is the directory of the
/// packages, if they are not in the module.
const CODE: &str = "import sys; sys.path.append('/site'); exec(sys.stdin.read())";

/// A crate, and the directories that it needs at run time.
struct Crate {
    dir: PathBuf,
    module: PathBuf,
    dirs: Vec<String>,
}

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let python = tool.install(&["--recipe", "full"])?;
    let version = manifest(&python, "/python/version")?;
    let place = tempfile::tempdir()?;
    let requirements = requirements()?;
    let new = |name: &str, table: &str| Crate::new(&tool, place.path(), name, table);
    let mut crates = [
        new("without", "")?,
        new("with", &requirements)?,
        new("whole", &format!("{requirements}stdlib = \"embedded\"\n"))?,
    ];
    builds(&tool, &crates, rounds, &version)?;
    let shared = format!("{}::/shared", place.path().display());
    let copy = "import shutil; shutil.copytree('/pywasm', '/shared/site')";
    crates[1].run(&tool, &["--dir", &shared], copy)?;
    let site = place.path().join("site");
    crates[0].dirs = vec!["--dir".to_owned(), format!("{}::/site:ro", site.display())];
    imports(&tool, &crates, rounds, &version)?;
    report(&tool, rounds, &version)
}

/// Returns the line of the table that requires the packages, with the versions that `cargo xtask
/// packages` checks.
fn requirements() -> anyhow::Result<String> {
    let versions = versions()?;
    let pinned = |name: &str| {
        let version = versions.iter().find(|(known, _)| known == name);
        version.map_or_else(|| name.to_owned(), |(name, version)| format!("{name}=={version}"))
    };
    Ok(format!("requirements = {:?}\nexclude = [\"markupsafe/*.so\"]\n", PACKAGES.map(pinned)))
}

impl Crate {
    fn new(tool: &Tool<'_>, place: &Path, name: &str, table: &str) -> anyhow::Result<Self> {
        tool.call_in(place, &["new", "--template", "capi", "--recipe", "full", name])?;
        let dir = place.join(name);
        std::fs::write(dir.join("src/main.rs"), program::source(CODE))?;
        std::fs::write(dir.join("app.py"), APP)?;
        let path = dir.join("Cargo.toml");
        let head = "[package.metadata.pywasm]\n";
        let own = if table.is_empty() { "" } else { "packages = [\"app.py\"]\n" };
        let text = std::fs::read_to_string(&path)?;
        anyhow::ensure!(text.contains(head), "`new` wrote no table");
        std::fs::write(&path, text.replace(head, &format!("{head}{own}{table}")))?;
        tool.call_in(&dir, &["build", "--quiet"])?;
        let module = embed_target().join(format!("wasm32-wasip1/debug/{name}.wasm"));
        Ok(Self { dir, module, dirs: Vec::new() })
    }

    /// Runs Python code in the module, and returns the statistics of the run.
    fn run(&self, tool: &Tool<'_>, options: &[&str], code: &str) -> anyhow::Result<String> {
        let module = self.module.display().to_string();
        let _dir = tool.shell().push_dir(&self.dir);
        let dirs = self.dirs.iter().map(String::as_str);
        let words: Vec<&str> = ["run-wasm", "--no-cwd", "--stats"]
            .into_iter()
            .chain(dirs)
            .chain(options.iter().copied())
            .chain([module.as_str()])
            .collect();
        let output = tool.call(&words).stdin(code).ignore_status().output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "{} failed: {stderr}", words.join(" "));
        Ok(stderr)
    }
}

fn builds(
    tool: &Tool<'_>,
    [without, with, _]: &[Crate; 3],
    rounds: usize,
    version: &str,
) -> anyhow::Result<()> {
    let mut rows =
        [Row::new("a crate without Python packages"), Row::new("the crate with 20 packages")];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (row, (crate_, file, comment)) in
            rows.iter_mut().zip([(without, "src/main.rs", "//"), (with, "app.py", "#")])
        {
            let path = crate_.dir.join(file);
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(path, format!("{text}{comment} round {round}\n"))?;
            row.measure(|| tool.call_in(&crate_.dir, &["build", "--quiet"]))?;
        }
    }
    let note = format!(
        "`cargo pywasm build` of a small program. Each build of the crate without packages follows a \
         change to one line of Rust, and links the program again. Each build of the other crate follows a \
         change to one line of its Python code, whose packages are locked and in the store. CPython \
         {version}, {}, {rounds} interleaved rounds, {}.",
        tool.rustc_version()?,
        machine()
    );
    write_section("packages build", "Packages: after a change to one line", &note, &rows)
}

fn imports(
    tool: &Tool<'_>,
    crates: &[Crate; 3],
    rounds: usize,
    version: &str,
) -> anyhow::Result<()> {
    let mut rows = [
        Row::new("packages and library in directories"),
        Row::new("packages in the module, and the library's modules that they import frozen"),
        Row::new("packages and library in the module as files"),
    ];
    for round in 0..=rounds {
        eprintln!("round {round} of {rounds}");
        for (row, crate_) in rows.iter_mut().zip(crates) {
            let stderr = crate_.run(tool, &[], APP)?;
            let took = took(&stderr).with_context(|| format!("no statistics in {stderr:?}"))?;
            // The first round compiles the modules.
            if round > 0 {
                row.push(took.time);
            }
        }
    }
    let note = format!(
        "The time to start Python and to import flask, requests, rich, attrs, packaging and tomlkit, as \
         reported by `cargo pywasm run-wasm --stats`. The packages are the same bytecode in all rows. \
         CPython {version}, wasmtime {}, {rounds} interleaved rounds, {}.",
        locked("wasmtime")?,
        machine()
    );
    write_section("packages import", "Packages: importing", &note, &rows)
}

/// Measures the example `report`, from its start until the page is written.
fn report(tool: &Tool<'_>, rounds: usize, version: &str) -> anyhow::Result<()> {
    let dir = root().join("examples/report");
    tool.call_in(&dir, &["install"])?;
    build_module(tool, &dir, &["--release"])?;
    let module = |place: &str, name: &str| {
        let path = embed_target().join(format!("{place}/release/{name}.wasm"));
        path.display().to_string()
    };
    let command = ["wasm32-wasip1", "pywasm"].map(|place| module(place, "report-command"));
    let reactor = module("pywasm", "report");
    let mut rows = [
        Row::new("a page, without a snapshot"),
        Row::new("a page, with a snapshot"),
        Row::new("only the start of the reactor, with a snapshot"),
    ];
    let runs = [
        vec![command[0].as_str()],
        vec![command[1].as_str()],
        vec!["--invoke", "input(0)", reactor.as_str()],
    ];
    let input = std::fs::read(dir.join("report.json"))?;
    let _dir = tool.shell().push_dir(&dir);
    for round in 0..=rounds {
        eprintln!("round {round} of {rounds}");
        for (row, words) in rows.iter_mut().zip(&runs) {
            let words = [&["run-wasm", "--no-cwd", "--stdlib", "embedded", "--stats"], &words[..]];
            let output = tool.call(&words.concat()).stdin(&input).output()?;
            let stderr = String::from_utf8_lossy(&output.stderr);
            let took = took(&stderr).with_context(|| format!("no statistics in {stderr:?}"))?;
            if round > 0 {
                row.push(took.time);
            }
        }
    }
    let note = format!(
        "`examples/report`: the time until jinja2 has rendered a page from JSON, or until the exports of \
         the reactor can be called. Each run is a new process. The time is reported by `cargo pywasm \
         run-wasm --stats`, and does not include compiling the module. CPython {version}, wasmtime {}, {rounds} \
         interleaved rounds, {}.",
        locked("wasmtime")?,
        machine()
    );
    write_section("packages report", "Packages: a page with jinja2", &note, &rows)
}
