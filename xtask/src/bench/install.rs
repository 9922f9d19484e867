//! Compares `cargo pywasm install` with CPython's own build script, `Tools/wasm/wasi.py build`.
//!
//! Both use the same source, compiler and sysroot, and no compiler cache. Rounds are interleaved,
//! so that changes in the machine's speed affect both.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use xshell::{Shell, cmd};

use super::report::{Row, machine, write_section};
use crate::tool::{Tool, manifest, root};

pub(crate) fn run(rounds: usize, built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let store = root().join("target/bench-store");
    let tool = Tool::release(&shell, &store, built)?;
    // Download and unpack the source and the toolchain now, so that the times do not include this
    // work.
    let first = tool.install(&[])?;
    let toolchain = PathBuf::from(manifest(&first, "/toolchain/root")?);
    let clang = manifest(&first, "/toolchain/clang")?;
    let version = manifest(&first, "/python/version")?;
    let source = tool.source_tree(&first)?;
    let scratch = scratch();
    let sdk = sdk_for_wasi_py(&toolchain, &scratch.join("sdk"))?;

    let mut rows = [
        Row::new("CPython's own `Tools/wasm/wasi.py build`"),
        Row::new("`cargo pywasm install`, `-O2`"),
        Row::new("`cargo pywasm install`, `-O3`"),
        Row::new("`cargo pywasm install --recipe full`, reusing objects from the `-O2` build"),
        Row::new("`cargo pywasm install`, when already installed"),
    ];
    let o3 = scratch.join("o3.toml");
    std::fs::write(&o3, o3_recipe())?;
    let o3 = o3.to_str().context("the recipe path is not valid UTF-8")?;
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        let tree = fresh_tree(&source, &scratch)?;
        rows[0].time(|| wasi_py(&shell, &tree, &sdk))?;
        std::fs::write(scratch.join(BUILT), mark(&first)?)?;
        for (row, args) in [(2, vec!["--recipe", o3]), (1, vec![]), (3, vec!["--recipe", "full"])] {
            if row != 3 {
                forget_builds(&store)?;
            }
            let words = [vec!["install", "--force"], args].concat();
            rows[row].time(|| Ok(tool.call(&words).ignore_stdout().quiet().run()?))?;
        }
        rows[4].time(|| Ok(tool.call(&["install"]).ignore_stdout().quiet().run()?))?;
    }
    let note = format!(
        "CPython {version}, {clang}, {rounds} interleaved rounds, {}. Both sides start with the \
         source and the toolchain already downloaded and unpacked. `wasi.py` builds only a native \
         Python and a Python for WASI. `install` also merges libpython with the archives that it \
         needs, compiles the standard library, packs it into a zip, and runs the interpreter.",
        machine()
    );
    write_section("install", "Installing", &note, &rows)
}

/// The result of CPython's own build.
#[derive(Debug)]
pub(super) struct Upstream {
    /// The interpreter for WASI.
    pub(super) wasm: PathBuf,
    /// The native interpreter of the same release, which `wasi.py` uses for the cross build.
    pub(super) native: PathBuf,
}

/// Builds the installed CPython release with `wasi.py` and the same compiler, unless an earlier
/// benchmark has done so. Returns the result of the build.
pub(super) fn upstream(
    shell: &Shell,
    tool: &Tool<'_>,
    installed: &Path,
) -> anyhow::Result<Upstream> {
    let scratch = scratch();
    let tree = scratch.join("tree");
    let mark = mark(installed)?;
    if std::fs::read_to_string(scratch.join(BUILT)).ok().as_ref() != Some(&mark) {
        let toolchain = PathBuf::from(manifest(installed, "/toolchain/root")?);
        let sdk = sdk_for_wasi_py(&toolchain, &scratch.join("sdk"))?;
        let source = tool.source_tree(installed)?;
        wasi_py(shell, &fresh_tree(&source, &scratch)?, &sdk)?;
        std::fs::write(scratch.join(BUILT), mark)?;
    }
    let built = tree.join("cross-build");
    Ok(Upstream {
        wasm: built.join("wasm32-wasip1/python.wasm"),
        native: built.join("build/python"),
    })
}

/// Returns the directory in which `wasi.py` builds.
fn scratch() -> PathBuf {
    root().join("target/bench-wasi-py")
}

/// A file next to the source tree that records which build is complete.
const BUILT: &str = "built";

fn mark(installed: &Path) -> anyhow::Result<String> {
    let of = |pointer| manifest(installed, pointer);
    Ok(format!("{}\n{}\n", of("/python/version")?, of("/toolchain/clang")?))
}

/// Copies the source tree, because `wasi.py` builds inside it.
fn fresh_tree(source: &Path, scratch: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(scratch)?;
    let (tree, built) = (scratch.join("tree"), scratch.join(BUILT));
    if built.exists() {
        std::fs::remove_file(built)?;
    }
    if tree.exists() {
        std::fs::remove_dir_all(&tree)?;
    }
    let shell = Shell::new()?;
    cmd!(shell, "cp -a {source} {tree}").quiet().run()?;
    Ok(tree)
}

/// Creates a WASI SDK from the tool's toolchain. As in the official SDK, programs have the names
/// that `wasi.py` expects, and the compiler targets wasm by default.
fn sdk_for_wasi_py(toolchain: &Path, sdk: &Path) -> anyhow::Result<PathBuf> {
    if sdk.exists() {
        std::fs::remove_dir_all(sdk)?;
    }
    let bin = sdk.join("bin");
    std::fs::create_dir_all(&bin)?;
    std::os::unix::fs::symlink(toolchain.join("share"), sdk.join("share"))?;
    let real = toolchain.join("bin");
    let call = |program: &str, extra: &str| {
        format!(
            "#!/bin/sh\nexec '{}' --target=wasm32-wasip1 {extra} \"$@\"\n",
            real.join(program).display()
        )
    };
    for (name, text) in [
        ("clang", call("clang", "")),
        ("clang++", call("clang++", "")),
        ("clang-cpp", call("clang", "-E")),
    ] {
        let path = bin.join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    for (name, target) in [("llvm-ar", "llvm-ar"), ("ranlib", "llvm-ranlib")] {
        std::os::unix::fs::symlink(real.join(target), bin.join(name))?;
    }
    Ok(sdk.to_owned())
}

fn wasi_py(shell: &Shell, tree: &Path, sdk: &Path) -> anyhow::Result<()> {
    let script = tree.join("Tools/wasm/wasi.py");
    // `wasi.py` runs the new interpreter once. Using `true` as the wasm runtime makes this almost
    // free.
    cmd!(shell, "python3 {script} build --quiet --wasi-sdk {sdk} --host-runner true")
        .quiet()
        .ignore_stdout()
        .run()?;
    anyhow::ensure!(tree.join("cross-build").exists(), "wasi.py built nothing");
    Ok(())
}

fn forget_builds(store: &Path) -> anyhow::Result<()> {
    let builds = store.join("cache/builds-v0");
    if builds.exists() {
        std::fs::remove_dir_all(builds)?;
    }
    // Also remove the cache of compiled wasm modules, which an installation fills.
    let compiled = store.join("cache/wasm-v1");
    if compiled.exists() {
        std::fs::remove_dir_all(compiled)?;
    }
    Ok(())
}

fn o3_recipe() -> &'static str {
    "schema = 1\nname = \"o3\"\ndescription = \"default at -O3\"\npython = \"3.13\"\n\
     [modules]\ndisabled = [\"_decimal\", \"_elementtree\", \"_hashlib\", \"pyexpat\"]\n\
     [build]\nopt-level = \"3\"\n"
}

impl Row {
    /// Calls `run` once and records the time.
    fn time(&mut self, run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let start = Instant::now();
        run()?;
        self.push(start.elapsed());
        Ok(())
    }
}
