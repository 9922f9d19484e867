//! Tests a recipe whose CPython calls a function that WASI does not provide. The recipe cannot be
//! installed until it declares a stub for the function. The recipe has only one C library, which is an
//! archive of its own.

use std::path::Path;

use anyhow::Context;

use crate::tool::{Tool, manifest};

/// A recipe that makes CPython call `pthread_getcpuclockid`, although `configure` finds that the
/// function is missing.
const RECIPE: &str = "schema = 1\nname = \"declared\"\ndescription = \"calls an undefined function\"\n\
    python = \"3.13\"\n\n[modules]\n\
    disabled = [\"_decimal\", \"_elementtree\", \"_hashlib\", \"pyexpat\"]\n\n[build]\n\
    cflags = [\"-DHAVE_PTHREAD_GETCPUCLOCKID=1\"]\n\n[libraries]\n\
    zlib = \"wasi/lib/libz.a\"\n\n[stubs]\n";

/// A Python program that calls the stub and uses the library.
const CALL: &str = "import time, zlib\nassert zlib.decompress(zlib.compress(b'x')) == b'x'\n\
    try: import bz2\nexcept ImportError: pass\nelse: assert False\n\
    try: time.pthread_getcpuclockid(1)\nexcept OSError as error: print(error.errno)";

pub(crate) fn run(tool: &Tool<'_>) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    copy_zlib(tool, &scratch.path().join("wasi"))?;
    let recipe = scratch.path().join("declared.toml");
    let args = ["install", "--recipe", recipe.to_str().unwrap_or_default()];
    std::fs::write(&recipe, RECIPE)?;
    let refused = tool.call(&args).ignore_status().output()?;
    let stderr = String::from_utf8_lossy(&refused.stderr);
    for part in [
        "error[undefined-function]: pthread_getcpuclockid: ",
        "needed by libpython.a(timemodule.o)",
        "`pthread_getcpuclockid = \"trap\"` to `[stubs]` in the recipe",
    ] {
        anyhow::ensure!(stderr.contains(part), "{part} is not in:\n{stderr}");
    }
    anyhow::ensure!(refused.status.code() == Some(2), "unexpected {}", refused.status);

    std::fs::write(&recipe, format!("{RECIPE}pthread_getcpuclockid = \"value=52\"\n"))?;
    let installed = tool.install(&args[1..])?;
    let audit = std::fs::read_to_string(installed.join("audit.json"))?;
    anyhow::ensure!(audit.contains("\"pthread_getcpuclockid\": \"value=52\""), "{audit}");
    anyhow::ensure!(installed.join("lib/libpywasm_stubs.a").is_file(), "no archive of stubs");
    let output = tool.call(&["run", "--recipe", args[2], "-c", CALL]).read()?;
    anyhow::ensure!(output == "52", "unexpected output {output:?}");
    let name = manifest(&installed, "/libraries/0/name")?;
    anyhow::ensure!(name == "zlib" && manifest(&installed, "/libraries/1/name").is_err());
    Ok(())
}

/// Copies the compiled zlib from the store, as if the user had compiled it.
fn copy_zlib(tool: &Tool<'_>, prefix: &Path) -> anyhow::Result<()> {
    let builds = std::fs::read_dir(tool.store().join("cache/builds-v0"))?;
    let is_zlib = |path: &std::path::PathBuf| path.join("libz.a").is_file();
    let found = builds.filter_map(|entry| Some(entry.ok()?.path())).find(is_zlib);
    let found = found.context("no earlier step has compiled zlib")?;
    for (from, to) in [
        ("libz.a", "lib/libz.a"),
        ("include/zlib.h", "include/zlib.h"),
        ("include/zconf.h", "include/zconf.h"),
    ] {
        let to = prefix.join(to);
        std::fs::create_dir_all(to.parent().unwrap_or(prefix))?;
        std::fs::copy(found.join(from), to)?;
    }
    Ok(())
}
