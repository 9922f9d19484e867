//! Builds the smallest useful embedding: a reactor that contains Python and its library and needs
//! no files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pywasm_recipes::{Recipe, builtin};

use super::row;
use crate::tool::{Tool, root};

/// A set of Python modules, and code that uses some of those modules.
struct Set {
    name: &'static str,
    /// The Python modules to freeze, or `None` to freeze those of the recipe `canister`.
    freeze: Option<&'static [&'static str]>,
    check: &'static str,
}

const SETS: [Set; 2] = [
    Set {
        name: "`re`, `time`, `os`, `collections`, `_thread`",
        freeze: Some(&["_thread", "collections", "os", "re", "time", "!unicodedata", "!_socket"]),
        check: "import _thread, collections, os, re, time\\n\
            assert re.match('a+', 'aa') and collections.Counter('aab')['a'] == 2",
    },
    Set {
        name: "all modules of the recipe `canister`",
        freeze: None,
        check: "import json, re, decimal\\n\
            assert json.loads('[1]') == [1] and re.match('a+', 'aa') and \
            decimal.Decimal('0.1') * 3 == decimal.Decimal('0.3')",
    },
];

/// The Rust source of a wasm reactor that uses Python's C API. A host writes Python code into the
/// memory that `room` returns, and then calls `run`.
const LIB: &str = r#"//! Runs Python code for a host.

use std::ffi::{CStr, c_char, c_int, c_uint};

unsafe extern "C" {
    fn Py_IsInitialized() -> c_int;
    fn pywasm_start(hash_seed: c_uint) -> *const c_char;
    fn PyRun_SimpleString(code: *const c_char) -> c_int;
}

/// The result of `run` if Python does not start.
const NO_PYTHON: c_int = -2;

/// Allocates memory for code of `length` bytes and the final NUL.
#[unsafe(no_mangle)]
pub extern "C" fn room(length: usize) -> *mut u8 {
    Box::leak(vec![0; length + 1].into_boxed_slice()).as_mut_ptr()
}

/// Runs Python code. Returns 0 on success. After an exception, prints it and returns -1.
///
/// # Safety
/// `code` must point to a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn run(code: *const c_char) -> c_int {
    // SAFETY: there is one thread, Python is started first, and the caller passes a valid string.
    unsafe {
        if Py_IsInitialized() == 0 && !pywasm_start(0).is_null() {
            return NO_PYTHON;
        }
        PyRun_SimpleString(code)
    }
}

/// Runs code that uses the Python library.
#[unsafe(no_mangle)]
pub extern "C" fn check() -> c_int {
    const CODE: &CStr = c"CHECK";
    // SAFETY: `CODE` is a C string.
    unsafe { run(CODE.as_ptr()) }
}
"#;

const BUILD: &str =
    "fn main() {\n    pywasm_build::Build::new().no_finalize_at_exit().link();\n}\n";

/// The last tables in the embedding's Cargo.toml. The profile is the same as in the example
/// canister.
const TABLES: &str = "[lib]\ncrate-type = [\"cdylib\"]\n\n\
    [package.metadata.pywasm]\npython = \"3.13\"\nrecipe = \"small.toml\"\n\n\
    [profile.release]\nopt-level = \"z\"\nlto = true\ncodegen-units = 1\npanic = \"abort\"\n";

/// The label and the post-link options of each row.
const STEPS: [(&str, &[&str]); 2] = [
    ("without `wasm-opt`", &["--step", "gc", "--step", "strip"]),
    ("`wasm-opt`", &["--step", "gc", "--step", "wasm-opt", "--step", "strip"]),
];

/// Appends the rows for all sets of modules to `text`. `optimizer` is the path of `wasm-opt`.
pub(super) fn rows(
    tool: &Tool<'_>,
    place: &Path,
    optimizer: &str,
    text: &mut String,
) -> anyhow::Result<()> {
    for (index, set) in SETS.iter().enumerate() {
        let linked = linked(tool, &place.join(format!("set{index}")), set)?;
        checked(tool, &linked)?;
        let linked = linked.display().to_string();
        for (step, (name, options)) in STEPS.into_iter().enumerate() {
            let module = place.join(format!("smallest{index}-{step}.wasm"));
            let to = module.display().to_string();
            let words = ["--quiet", "post-link", &linked, "--output", &to];
            let words = [&words[..], options].concat();
            tool.call(&words).env("PYWASM_WASM_OPT", optimizer).ignore_stdout().run()?;
            checked(tool, &module)?;
            row(tool, text, &format!("embedding, {}: {name}", set.name), &module)?;
        }
    }
    Ok(())
}

/// Builds the embedding and returns the path of the linked wasm module.
fn linked(tool: &Tool<'_>, dir: &Path, set: &Set) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir.join("src"))?;
    let helper = root().join("pywasm-build");
    let head = "[package]\nname = \"smallest\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let dependency = format!("[build-dependencies]\npywasm-build = {{ path = {helper:?} }}\n");
    std::fs::write(
        dir.join("Cargo.toml"),
        format!("{head}\n[workspace]\n\n{dependency}\n{TABLES}"),
    )?;
    std::fs::write(dir.join("small.toml"), recipe(set)?)?;
    std::fs::write(dir.join("build.rs"), BUILD)?;
    std::fs::write(dir.join("src/lib.rs"), LIB.replace("CHECK", set.check))?;
    tool.call_in(dir, &["install"])?;
    tool.call_in(dir, &["build", "--release", "--quiet"])?;
    Ok(root().join("target/embed/wasm32-wasip1/release/smallest.wasm"))
}

/// Returns the recipe `canister`, changed to freeze the set and to optimize all C files for size.
fn recipe(set: &Set) -> anyhow::Result<String> {
    let text = builtin("canister").context("the recipe `canister` is not built in")?;
    let mut recipe = Recipe::parse(text)?;
    "small".clone_into(&mut recipe.name);
    recipe.build.files.clear();
    if let Some(freeze) = set.freeze {
        recipe.freeze = freeze.iter().map(|name| (*name).to_owned()).collect();
    }
    Ok(recipe.to_toml())
}

/// Checks that the wasm module can run Python without any files.
fn checked(tool: &Tool<'_>, module: &Path) -> anyhow::Result<()> {
    let file = module.display().to_string();
    let mut words = vec!["run-wasm", "--no-cwd", "--stdlib", "embedded", "--invoke", "check()"];
    words.push(&file);
    let output = tool.call(&words).quiet().read()?;
    anyhow::ensure!(output == "0", "`{file}` printed {output:?}, expected 0");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipe_is_closed_and_compiled_for_size() {
        for set in &SETS {
            let recipe = Recipe::parse(&recipe(set).unwrap()).unwrap();
            assert!(recipe.closed && recipe.build.files.is_empty());
            assert!(recipe.freeze.iter().any(|name| name == "re"), "{:?}", recipe.freeze);
        }
    }
}
