//! Compiles the C code that this tool adds to an installation: finalization at exit, the start
//! function for hosts without files, environment or entropy, the functions that read embedded files,
//! and the guest's part of snapshots.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_stubs::Member;

use crate::build::{Logs, Step};
use crate::freeze;
use crate::guest;
use pywasm_toolchain::Toolchain;

/// The library that defines `pywasm_start`.
const START: &str = "libpywasm_start.a";

/// The library for wasm modules that become snapshots.
const SNAPSHOT: &str = "libpywasm_snapshot.a";

/// A C compiler for sources that include Python's headers.
pub(super) struct Compiler<'a> {
    pub(super) toolchain: &'a Toolchain,
    pub(super) include: &'a Utf8Path,
    pub(super) logs: &'a Logs,
}

impl Compiler<'_> {
    /// Compiles the object and the libraries into `lib`.
    ///
    /// # Errors
    /// When the compiler fails. The error contains the path of its log.
    pub(super) fn write(&self, lib: &Utf8Path) -> anyhow::Result<()> {
        let exit = self.compile("compile-exit", include_str!("exit.c"), None)?;
        fs_err::write(lib.join(pywasm_build::EXIT_OBJECT), exit)?;
        let bytes = self.compile("compile-start", include_str!("start.c"), None)?;
        let start = Member { name: "pywasm-start.o".to_owned(), bytes };
        fs_err::write(lib.join(START), pywasm_stubs::archive(&[start]))?;
        let bytes = self.compile("compile-files", guest::FILES, None)?;
        fs_err::write(lib.join(freeze::FILES_OBJECT), bytes)?;
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
        let mut args: Vec<String> = [
            "--target=wasm32-wasip1",
            "-Os",
            "-Wall",
            "-Werror",
            "-c",
            "source.c",
            "-o",
            "source.o",
        ]
        .map(str::to_owned)
        .into();
        args.push(format!("--sysroot={}", self.toolchain.sysroot()));
        args.push(format!("-I{}", self.include));
        let object = dir.join("source.o");
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
