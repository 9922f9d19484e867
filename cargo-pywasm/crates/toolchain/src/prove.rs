//! The proof that a tree is a toolchain: it compiles and links a program for wasm32-wasip1.

use std::process::Command;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::{fresh, lib_dir, sysroot};

/// Wants a header, libc and compiler-rt (128-bit division is no wasm instruction).
const PROGRAM: &str = "#include <stdio.h>\n\
    int main(int argc, char **argv) {\n\
    __int128 n = (__int128)argc << 70; printf(\"%d\\n\", (int)(n / (argc + 3))); return 0; }\n";

/// What every toolchain has to have, and what it is for.
const WANTED: [(&str, &str); 4] = [
    ("bin/clang", "the C compiler"),
    ("bin/wasm-ld", "the linker"),
    ("bin/llvm-ar", "the archiver"),
    ("share/wasi-sysroot", "the sysroot"),
];

/// Checks the shape, then compiles and links. Returns the first line of `clang --version`.
///
/// # Errors
/// When a part is missing, or the compiler says no; the error holds what it said.
pub(super) fn prove(tree: &Utf8Path) -> anyhow::Result<String> {
    for (path, what) in WANTED {
        anyhow::ensure!(tree.join(path).exists(), "`{tree}` has no `{path}`, {what}");
    }
    let libc = lib_dir(tree).join("libc.a");
    anyhow::ensure!(libc.exists(), "`{tree}` has no libc: `{libc}` is missing");
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::write(dir.join("try.c"), PROGRAM)?;
    let clang = tree.join("bin/clang");
    let version = call(&clang, &["--version"], &dir)?;
    let sysroot = format!("--sysroot={}", sysroot(tree));
    let args = ["--target=wasm32-wasip1", &sysroot, "-O1", "try.c", "-o", "try.wasm"];
    call(&clang, &args, &dir).context("it can't compile and link a C program for wasm32-wasip1")?;
    Ok(version.lines().next().unwrap_or_default().to_owned())
}

/// Runs a tool of a toolchain and returns what it prints.
///
/// # Errors
/// When it can't be run or fails.
pub(super) fn call(program: &Utf8Path, args: &[&str], dir: &Utf8Path) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
    let output = fresh::run(&mut command).with_context(|| format!("can't run `{program}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "`{program} {}` failed:\n{}",
        args.join(" "),
        said.trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
