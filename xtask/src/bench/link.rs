//! Measures how long it takes to build a program with embedded Python, linked by
//! `pywasm_build::link()` or by a handwritten build script.
//!
//! The two versions of the program differ only in their build scripts.

use std::path::{Path, PathBuf};

use xshell::Shell;

use super::program;
use super::report::{Row, machine, write_section};
use crate::tool::{Tool, manifest, root};

/// A crate and its build times.
struct Hello {
    dir: PathBuf,
    cold: Row,
    changed: Row,
    unchanged: Row,
}

impl Hello {
    fn new(dir: PathBuf, name: &'static str, build: &str, more: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir.join("src"))?;
        let head = "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        std::fs::write(dir.join("Cargo.toml"), format!("{head}\n[workspace]\n{more}"))?;
        std::fs::write(dir.join("build.rs"), build)?;
        std::fs::write(dir.join("src/main.rs"), program::source("print('hello')"))?;
        let (cold, changed, unchanged) = (Row::new(name), Row::new(name), Row::new(name));
        Ok(Self { dir, cold, changed, unchanged })
    }

    fn round(&mut self, number: usize, tool: &Tool<'_>, rustc: &Path) -> anyhow::Result<()> {
        let target = self.dir.join("target");
        if target.exists() {
            std::fs::remove_dir_all(&target)?;
        }
        let words = ["build", "--quiet", "--offline", "--target", "wasm32-wasip1"];
        let variables: [(&str, &Path); 2] = [("CARGO_TARGET_DIR", &target), ("RUSTC", rustc)];
        let build = || tool.cargo_with(&self.dir, &words, &variables);
        self.cold.measure(build)?;
        let changed = program::source(&format!("print('hello {number}')"));
        std::fs::write(self.dir.join("src/main.rs"), changed)?;
        self.changed.measure(build)?;
        self.unchanged.measure(build)
    }
}

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let python = tool.install(&[])?;
    let rustc = tool.rustc()?;
    let scratch = root().join("target/bench-link");
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch)?;
    }
    let helper = root().join("pywasm-build");
    let dependency = format!("[build-dependencies]\npywasm-build = {{ path = {helper:?} }}\n");
    let ours = "fn main() {\n    pywasm_build::link();\n}\n";
    let mut hellos = [
        Hello::new(scratch.join("hand"), "a handwritten build script", &by_hand(&python)?, "")?,
        Hello::new(scratch.join("ours"), "`pywasm_build::link()`", ours, &dependency)?,
    ];
    let alone_dir = scratch.join("alone");
    lib_that_depends(&alone_dir, &helper)?;
    let mut alone = Row::new("`pywasm-build` and its dependencies alone");
    // Download dependencies now, so that the times do not include downloads.
    for hello in &hellos {
        tool.cargo(&hello.dir, &["fetch", "--quiet"])?;
    }
    tool.cargo(&alone_dir, &["fetch", "--quiet"])?;
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for hello in &mut hellos {
            hello.round(round, &tool, &rustc)?;
        }
        let target = alone_dir.join("target");
        if target.exists() {
            std::fs::remove_dir_all(&target)?;
        }
        let variables: [(&str, &Path); 2] = [("CARGO_TARGET_DIR", &target), ("RUSTC", &rustc)];
        let words = ["build", "--quiet", "--offline"];
        alone.measure(|| tool.cargo_with(&alone_dir, &words, &variables))?;
    }
    let version = manifest(&python, "/python/version")?;
    let compiler = tool.rustc_version()?;
    let note = |text: &str| {
        format!("{text} CPython {version}, {compiler}, {rounds} interleaved rounds, {}.", machine())
    };
    let [hand, ours] = hellos;
    let cold = note(
        "`cargo build` of a program that prints `hello` from Python, with an empty target directory.",
    );
    write_section("link cold", "Linking: the first build", &cold, &[hand.cold, ours.cold, alone])?;
    let changed = note("`cargo build` of the same program after a change to one line.");
    let rows = [hand.changed, ours.changed];
    write_section("link changed", "Linking: after a change to one line", &changed, &rows)?;
    let unchanged = note("A repeated `cargo build` of the same program without changes.");
    let rows = [hand.unchanged, ours.unchanged];
    write_section("link unchanged", "Linking: without changes", &unchanged, &rows)
}

/// Creates an empty library that depends on `pywasm-build`, to measure how long `pywasm-build`
/// takes to compile.
fn lib_that_depends(dir: &Path, helper: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir.join("src"))?;
    let head = "[package]\nname = \"alone\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let dependency = format!("[dependencies]\npywasm-build = {{ path = {helper:?} }}\n");
    std::fs::write(dir.join("Cargo.toml"), format!("{head}\n[workspace]\n{dependency}"))?;
    std::fs::write(dir.join("src/lib.rs"), "")?;
    Ok(())
}

/// Returns a build script that links the same program without `pywasm-build`.
fn by_hand(python: &Path) -> anyhow::Result<String> {
    let series = manifest(python, "/python/series")?;
    let lib = python.join("lib");
    Ok(format!(
        "fn main() {{\n    println!(\"cargo::rerun-if-changed=build.rs\");\n    \
         println!(\"cargo::rustc-link-search=native={lib}\");\n    \
         println!(\"cargo::rustc-link-lib=static:-bundle=python{series}\");\n    \
         println!(\"cargo::rustc-link-arg=-zstack-size=8388608\");\n    \
         println!(\"cargo::rustc-link-arg={lib}/pywasm-exit.o\");\n}}\n",
        lib = lib.display()
    ))
}
