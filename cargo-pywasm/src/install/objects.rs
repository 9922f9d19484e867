//! What an installation has in C beside CPython: the object that ends Python when a command ends, the
//! library that starts it for hosts without an outside, and that of snapshots.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_stubs::Member;

use crate::cpython::{Logs, Step};
use crate::snapshot::guest;
use pywasm_toolchain::Toolchain;

/// The library of the function that starts Python.
const START: &str = "libpywasm_start.a";

/// The library of what a snapshot needs in a module.
const SNAPSHOT: &str = "libpywasm_snapshot.a";

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
        let exit = self.compile("compile-exit", include_str!("exit.c"), None)?;
        fs_err::write(lib.join(pywasm_build::EXIT_OBJECT), exit)?;
        let bytes = self.compile("compile-start", include_str!("start.c"), None)?;
        let start = Member { name: "pywasm-start.o".to_owned(), bytes };
        fs_err::write(lib.join(START), pywasm_stubs::archive(&[start]))?;
        let header = guest::header();
        let bytes = self.compile("compile-snapshot", guest::SNAPSHOT, Some(&header))?;
        let snapshot = Member { name: "pywasm-snapshot.o".to_owned(), bytes };
        fs_err::write(lib.join(SNAPSHOT), pywasm_stubs::archive(&[snapshot]))?;
        Ok(())
    }

    fn compile(
        &self,
        name: &'static str,
        source: &str,
        header: Option<&str>,
    ) -> anyhow::Result<Vec<u8>> {
        let scratch = tempfile::tempdir()?;
        let dir = Utf8PathBuf::try_from(scratch.path().to_path_buf())?;
        fs_err::write(dir.join("source.c"), source)?;
        if let Some(header) = header {
            fs_err::write(dir.join(guest::HEADER), header)?;
        }
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
