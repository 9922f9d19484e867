//! How large things are: libpython, the interpreter, the smallest embedding that is of use, a canister.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use xshell::{Shell, cmd};

use super::report::{grouped, locked, write_figures};
use crate::canister::{built as built_module, copy};
use crate::one_file;
use crate::tool::{Tool, manifest, root};

/// A reactor over the C API: a host writes code into `room`, and `run` runs it.
const LIB: &str = r#"//! Python for a host: code goes in, and what it prints comes out.

use std::ffi::{CStr, c_char, c_int, c_uint};

unsafe extern "C" {
    fn Py_IsInitialized() -> c_int;
    fn pywasm_start(hash_seed: c_uint) -> *const c_char;
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
}

/// What `run` returns when Python does not start.
const NO_PYTHON: c_int = -2;

/// Room for code of this many bytes, and the zero behind it.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    Box::leak(vec![0; length + 1].into_boxed_slice()).as_mut_ptr()
}

/// Runs code: 0, or -1 after an exception, which is printed.
///
/// # Safety
/// It is code in a room, and ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn run(code: *const c_char) -> c_int {
    // SAFETY: one thread; Python runs before the code does, and the code is the caller's.
    unsafe {
        if Py_IsInitialized() == 0 && !pywasm_start(0).is_null() {
            return NO_PYTHON;
        }
        PyRun_SimpleString(code)
    }
}

/// Runs some of the library.
#[unsafe(no_mangle)]
pub extern "C" fn check() -> c_int {
    const CODE: &CStr = c"import json, re, decimal\nassert json.loads('[1]') == [1] and \
        re.match('a+', 'aa') and decimal.Decimal('0.1') * 3 == decimal.Decimal('0.3')";
    // SAFETY: it ends with a zero.
    unsafe { run(CODE.as_ptr()) }
}
"#;

const BUILD: &str =
    "fn main() {\n    pywasm_build::Build::new().no_finalize_at_exit().link();\n}\n";

/// The rest of its Cargo.toml; the profile is that of the canister.
const TABLES: &str = "[lib]\ncrate-type = [\"cdylib\"]\n\n\
    [package.metadata.pywasm]\npython = \"3.13\"\nrecipe = \"canister\"\n\n\
    [profile.release]\nopt-level = \"z\"\nlto = true\ncodegen-units = 1\npanic = \"abort\"\n";

/// What is done to the embedding after its link.
const STEPS: [(&str, &[&str]); 3] = [
    ("without `wasm-opt`", &["gc", "strip"]),
    ("with `wasm-opt`", &["gc", "wasm-opt", "strip"]),
    ("with `wasm-opt` and `pack`", &["gc", "wasm-opt", "pack", "strip"]),
];

pub(crate) fn run(built: Option<&Path>) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    let tool = Tool::release(&shell, &root().join("target/bench-store"), built)?;
    let optimizer = cmd!(shell, "wasm-opt --version").read().context("the bench wants Binaryen")?;
    let place = tempfile::tempdir()?;
    let mut text = String::from("| what | bytes | bytes of gzip |\n|---|---:|---:|\n");
    let mut installed = Vec::new();
    for name in ["default", "full", "speed", "canister"] {
        installed.push((name, tool.install(&["--recipe", name])?));
    }
    for (name, python) in &installed {
        let series = manifest(python, "/python/series")?;
        let archive = python.join(format!("lib/libpython{series}.a"));
        row(&mut text, &format!("`libpython{series}.a`, {name}"), &archive)?;
    }
    for (name, python) in &installed {
        row(&mut text, &format!("`python.wasm`, {name}"), &python.join("bin/python.wasm"))?;
    }
    let snapshot = place.path().join("python.wasm").display().to_string();
    let words = ["snapshot", "--interpreter", "--recipe", "default", "--hash-seed", "0"];
    tool.call(&[&words[..], &["--output", &snapshot]].concat()).ignore_stdout().run()?;
    row(&mut text, "`python.wasm`, default, as a snapshot", Path::new(&snapshot))?;
    row(&mut text, "`examples/python`, with the whole library inside", &one_file::module(&tool)?)?;
    embedding(&tool, place.path(), &mut text)?;
    canister(&tool, place.path(), &mut text)?;
    let note = format!(
        "CPython {}, {}, {}, {optimizer}; gzip at its best, by flate2 {}. The embedding is a reactor over the C \
         API with the modules of recipe `canister` frozen into it: it runs without a file.",
        manifest(&installed[0].1, "/python/version")?,
        manifest(&installed[0].1, "/toolchain/clang")?,
        cmd!(shell, "rustc --version").read()?,
        locked("flate2")?
    );
    write_figures("size", "Sizes", &note, &text)
}

fn row(text: &mut String, name: &str, file: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("no `{}`", file.display()))?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    let packed = packed.finish()?.len();
    let [bytes, packed] = [bytes.len(), packed].map(|size| grouped(size as u64));
    Ok(writeln!(text, "| {name} | {bytes} | {packed} |")?)
}

/// The embedding, as it is linked and after steps; each of them runs.
fn embedding(tool: &Tool<'_>, place: &Path, text: &mut String) -> anyhow::Result<()> {
    let dir = place.join("smallest");
    std::fs::create_dir_all(dir.join("src"))?;
    let helper = root().join("pywasm-build");
    let head = "[package]\nname = \"smallest\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let dependency = format!("[build-dependencies]\npywasm-build = {{ path = {helper:?} }}\n");
    std::fs::write(
        dir.join("Cargo.toml"),
        format!("{head}\n[workspace]\n\n{dependency}\n{TABLES}"),
    )?;
    std::fs::write(dir.join("build.rs"), BUILD)?;
    std::fs::write(dir.join("src/lib.rs"), LIB)?;
    tool.call_in(&dir, &["build", "--release", "--quiet"])?;
    let linked = root().join("target/embed/wasm32-wasip1/release/smallest.wasm");
    checked(tool, &linked)?;
    row(text, "the smallest embedding, as it is linked", &linked)?;
    let linked = linked.display().to_string();
    for (index, (name, steps)) in STEPS.into_iter().enumerate() {
        let module = place.join(format!("smallest{index}.wasm"));
        let to = module.display().to_string();
        let mut words = vec!["--quiet", "post-link", &linked, "--output", &to];
        // Where it is no step, the option would make it one.
        if steps.contains(&"wasm-opt") {
            words.push("--require-wasm-opt");
        }
        words.extend(steps.iter().flat_map(|step| ["--step", *step]));
        tool.call(&words).ignore_stdout().run()?;
        checked(tool, &module)?;
        row(text, &format!("the smallest embedding, {name}"), &module)?;
    }
    Ok(())
}

/// It runs Python, with nothing around it.
fn checked(tool: &Tool<'_>, module: &Path) -> anyhow::Result<()> {
    let file = module.display().to_string();
    let mut words = vec!["run-wasm", "--no-cwd", "--stdlib", "frozen", "--invoke", "check()"];
    words.push(&file);
    let said = tool.call(&words).quiet().read()?;
    anyhow::ensure!(said == "0", "`{file}` says {said:?}");
    Ok(())
}

fn canister(tool: &Tool<'_>, place: &Path, text: &mut String) -> anyhow::Result<()> {
    let dir = copy(&place.join("canister"), "Cargo.toml", |text| {
        // The copy is a workspace of its own.
        format!("{text}\n[workspace]\n")
    })?;
    tool.call_in(&dir, &["install"])?;
    let module: PathBuf = built_module(tool, &dir, &["--release"])?;
    row(text, "`examples/canister`, all steps", &module)
}
