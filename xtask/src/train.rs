//! Records training data for the recipe `speed`: how often CPython's code is executed.
//!
//! An instrumented interpreter runs the tests of `python -m test --pgo`, like `PROFILE_TASK` in
//! CPython's Makefile. It also runs typical programs (`train/training.py`), because tests reach
//! each branch only about once, while programs run the same loops a million times. The instrumented
//! interpreter is a wasm build, so that the data matches the functions of later wasm builds.

mod counts;

use std::path::{Path, PathBuf};

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::tool::{Tool, manifest, root};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The CPython version for which to record training data
    #[arg(long, default_value = "3.13")]
    python: String,
    /// Use these sources, if the pinned release cannot be downloaded
    #[arg(long, value_name = "DIR|TARBALL", conflicts_with = "python")]
    source: Option<String>,
    /// The path of `llvm-profdata`, from the same LLVM release as the compiler
    #[arg(long, default_value = "llvm-profdata-22")]
    profdata: PathBuf,
}

/// The recipe of the instrumented interpreter.
const RECIPE: &str = "schema = 1\nname = \"trainee\"\ndescription = \"counts what it runs\"\npython = \"3.13\"\n\
                      [modules]\ndisabled = [\"_hashlib\"]\n\
                      [build]\nopt-level = \"2\"\npymalloc = true\ninstrumented = true\n";

/// The number of times the programs run, passed to `training.py` as an argument.
const ROUNDS: &str = "40";
/// The weight of the counts from the programs. The counts from the tests have weight 1.
const WEIGHT: u32 = 30;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let place = root().join("target/train");
    std::fs::create_dir_all(&place)?;
    let tool = Tool::release(&shell, &place.join("store"), None)?;
    let recipe = place.join("trainee.toml");
    std::fs::write(&recipe, RECIPE)?;
    let recipe = recipe.to_str().context("the recipe path is not valid UTF-8")?;
    let release = match &args.source {
        Some(source) => ["--source", source],
        None => ["--python", &args.python],
    };
    let installed = tool.install(&[&["--recipe", recipe], &release[..]].concat())?;
    let (series, version) =
        (manifest(&installed, "/python/series")?, manifest(&installed, "/python/version")?);
    let trainee = Trainee { tool: &tool, installed: &installed, place: &place };
    let source = tool.source_tree(&installed)?;
    let library = format!("{}::/usr/local/lib/python{series}:ro", source.join("Lib").display());
    let own = installed.join(format!("lib/python{series}"));

    eprintln!("running CPython's tests, which takes minutes");
    let tests = trainee.counts("tests", &[&library], &own, &["-m", "test", "--pgo"])?;
    eprintln!("running the programs");
    let script = root().join("xtask/src/train");
    let script = format!("{}::/train:ro", script.display());
    let words = ["/train/training.py", ROUNDS];
    let programs = trainee.counts("programs", &[&library, &script], &own, &words)?;

    let data = place.join("all.profdata");
    let (profdata, weighted) = (&args.profdata, |weight: u32, path: &Path| {
        format!("--weighted-input={weight},{}", path.display())
    });
    let (tests, programs) = (weighted(1, &tests), weighted(WEIGHT, &programs));
    cmd!(shell, "{profdata} merge {tests} {programs} -o {data}").run()?;
    let packed = cmd!(shell, "xz --compress --stdout -9e {data}").output()?.stdout;
    let path = root().join(format!("recipes/training/cpython-{series}.profdata.xz"));
    std::fs::write(&path, &packed)?;
    eprintln!("wrote {} bytes for CPython {version} to {}", packed.len(), path.display());
    eprintln!("if the file is new, add it to recipes/src/training.rs");
    Ok(())
}

/// The instrumented interpreter.
struct Trainee<'a> {
    tool: &'a Tool<'a>,
    installed: &'a Path,
    place: &'a Path,
}

impl Trainee<'_> {
    /// Runs the interpreter, writes its counts to a file in LLVM's text format, and returns the
    /// file's path.
    fn counts(
        &self,
        name: &str,
        dirs: &[&str],
        library: &Path,
        words: &[&str],
    ) -> anyhow::Result<PathBuf> {
        let (raw, text) =
            (self.place.join(format!("{name}.raw")), self.place.join(format!("{name}.proftext")));
        if raw.exists() {
            std::fs::remove_file(&raw)?;
        }
        let (scratch, files) = (tempfile::tempdir()?, tempfile::tempdir()?);
        std::fs::create_dir(files.path().join("tmp"))?;
        // The source tree does not contain this build's sysconfig data. Mount a copy of the data.
        for entry in std::fs::read_dir(library)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_owned();
            if name.to_string_lossy().starts_with("_sysconfig") && path.is_file() {
                std::fs::copy(&path, scratch.path().join(name))?;
            }
        }
        let module = self.installed.join("bin/python.wasm").display().to_string();
        let (root, build) = (
            format!("{}::/", files.path().display()),
            format!("{}::/build", scratch.path().display()),
        );
        let out = format!("{}::/counts", self.place.display());
        let counts = format!("PYWASM_COUNTS=/counts/{name}.raw");
        let mut args = vec!["run-wasm", "--no-cwd"];
        for dir in [&root, &build, &out].map(String::as_str).iter().chain(dirs) {
            args.extend(["--dir", dir]);
        }
        let variables = [
            counts.as_str(),
            "PYTHONPATH=/build",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONHASHSEED=0",
            "TMPDIR=/tmp",
        ];
        args.extend(variables.iter().flat_map(|variable| ["--env", variable]));
        args.push(&module);
        args.extend(words);
        // Some tests fail because WASI lacks a feature. The code that they executed still counts.
        self.tool.call(&args).ignore_status().run()?;
        let bytes = std::fs::read(&raw).context("the interpreter wrote no counts")?;
        std::fs::write(&text, counts::text(&bytes)?)?;
        Ok(text)
    }
}
