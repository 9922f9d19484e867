//! The object that ends Python when a command ends.

use camino::{Utf8Path, Utf8PathBuf};

use crate::cpython::{Logs, Step};
use crate::toolchain::Toolchain;

const SOURCE: &str = include_str!("exit.c");

/// Compiles it to `target`, with the headers of the installation.
///
/// # Errors
/// When the compiler fails; its log says why.
pub(super) fn compile(
    toolchain: &Toolchain,
    include: &Utf8Path,
    target: &Utf8Path,
    logs: &Logs,
) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
    fs_err::write(dir.join("exit.c"), SOURCE)?;
    let mut args: Vec<String> =
        ["--target=wasm32-wasip1", "-O2", "-Wall", "-Werror", "-c", "exit.c"]
            .map(str::to_owned)
            .into();
    args.push(format!("--sysroot={}", toolchain.sysroot()));
    args.push(format!("-I{include}"));
    args.extend(["-o".to_owned(), target.to_string()]);
    Step {
        name: "compile-exit",
        program: toolchain.clang(),
        args,
        env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        cwd: dir,
    }
    .run(logs)?;
    Ok(())
}
