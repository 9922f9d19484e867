//! Checks that a tree is a working toolchain.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::run::call;
use super::toolchain::{lib_dir, sysroot};

/// A program that needs a header, libc and compiler-rt (wasm has no 128-bit division).
const PROGRAM: &str = "#include <stdio.h>\n\
    int main(int argc, char **argv) {\n\
    __int128 n = (__int128)argc << 70; printf(\"%d\\n\", (int)(n / (argc + 3))); return 0; }\n";

/// The required parts of a toolchain.
const REQUIRED: [(&str, &str); 4] = [
    ("bin/clang", "the C compiler"),
    ("bin/wasm-ld", "the linker"),
    ("bin/llvm-ar", "the archiver"),
    ("share/wasi-sysroot", "the sysroot"),
];

/// Checks that every part exists, then compiles and links a program. Returns the first line of
/// `clang --version`.
///
/// # Errors
/// When a part is missing or the compiler fails.
pub(super) fn check(tree: &Utf8Path) -> anyhow::Result<String> {
    for (path, what) in REQUIRED {
        anyhow::ensure!(tree.join(path).exists(), "`{tree}` has no `{path}` ({what})");
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
    call(&clang, &args, &dir)
        .context("compiling and linking a C program for wasm32-wasip1 failed")?;
    Ok(version.lines().next().unwrap_or_default().to_owned())
}
