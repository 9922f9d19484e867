//! Tests `tests/module`, a reactor whose tests fail if it contains two versions of libc.

use std::path::PathBuf;

use super::clippy;
use crate::tool::{Tool, root};

/// A Rust compiler, and the target directory of its builds.
pub(crate) struct Compiler {
    /// The compiler's path, or `None` for the compiler on `PATH`.
    rustc: Option<PathBuf>,
    target: PathBuf,
}

/// Returns the compiler on `PATH`.
pub(crate) fn current() -> Compiler {
    Compiler { rustc: None, target: root().join("target/embed") }
}

/// Returns the compiler from the distribution's packages. The tool uses this compiler if rustup
/// cannot download the target. This compiler's libc is years older than that of the compiler on
/// `PATH`.
pub(crate) fn distribution(tool: &Tool<'_>) -> anyhow::Result<Compiler> {
    Ok(Compiler { rustc: Some(tool.rustc()?), target: root().join("target/embed-packages") })
}

pub(crate) fn run(tool: &Tool<'_>, compiler: &Compiler) -> anyhow::Result<()> {
    let dir = root().join("tests/module");
    tool.call_in(&dir, &["install"])?;
    let rustdoc = compiler.rustc.as_ref().map(|rustc| rustc.with_file_name("rustdoc"));
    let mut variables = vec![("CARGO_TARGET_DIR", compiler.target.as_path())];
    if let (Some(rustc), Some(rustdoc)) = (&compiler.rustc, &rustdoc) {
        variables.extend([("RUSTC", rustc.as_path()), ("RUSTDOC", rustdoc.as_path())]);
    } else {
        clippy(tool, &dir)?;
    }
    tool.cargo_with(&dir, &["test", "--quiet"], &variables)?;
    tool.cargo_with(&dir, &["build", "--quiet"], &variables)?;
    let module = compiler.target.join("wasm32-wasip1/debug/one_libc.wasm").display().to_string();
    let mut args = vec!["run-wasm"];
    let calls = ["starts", "count", "count", "collect", "collect", "starts"];
    args.extend(calls.iter().flat_map(|call| ["--invoke", *call]));
    args.push(&module);
    let output = tool.call(&args).read()?;
    anyhow::ensure!(output == "1\n1\n2\n3\n3\n1", "unexpected output {output:?}");
    Ok(())
}
