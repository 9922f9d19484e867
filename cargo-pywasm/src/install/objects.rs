//! What an installation has in C beside CPython: the object that ends Python when a command ends, and the
//! library that starts it for hosts without an outside.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_stubs::Member;

use crate::cpython::{Logs, Step};
use crate::toolchain::Toolchain;

/// The library of the function that starts Python.
const START: &str = "libpywasm_start.a";

/// A compiler for files that need Python's headers.
pub(super) struct Compiler<'a> {
    pub(super) toolchain: &'a Toolchain,
    pub(super) include: &'a Utf8Path,
    pub(super) logs: &'a Logs,
}

impl Compiler<'_> {
    /// Writes all of them into `lib`.
    ///
    /// # Errors
    /// When the compiler fails; its log says why.
    pub(super) fn write(&self, lib: &Utf8Path) -> anyhow::Result<()> {
        let exit = self.compile("compile-exit", include_str!("exit.c"))?;
        fs_err::write(lib.join(pywasm_build::EXIT_OBJECT), exit)?;
        let bytes = self.compile("compile-start", include_str!("start.c"))?;
        let start = Member { name: "pywasm-start.o".to_owned(), bytes };
        fs_err::write(lib.join(START), pywasm_stubs::archive(&[start]))?;
        Ok(())
    }

    fn compile(&self, name: &'static str, source: &str) -> anyhow::Result<Vec<u8>> {
        let scratch = tempfile::tempdir()?;
        let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
        fs_err::write(dir.join("source.c"), source)?;
        let mut args: Vec<String> =
            ["--target=wasm32-wasip1", "-Os", "-Wall", "-Werror", "-c", "source.c", "-o", "made.o"]
                .map(str::to_owned)
                .into();
        args.push(format!("--sysroot={}", self.toolchain.sysroot()));
        args.push(format!("-I{}", self.include));
        let object = dir.join("made.o");
        Step {
            name,
            program: self.toolchain.clang(),
            args,
            env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
            cwd: dir,
        }
        .run(self.logs)?;
        Ok(fs_err::read(object)?)
    }
}
