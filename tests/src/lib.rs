//! Support for tests: a context with its own store, a server that misbehaves, and a package
//! archive.

pub mod archive;
pub mod hostile;
pub mod hostile_runtime;
mod server;

pub use server::{Answer, Server};

use std::io::Write as _;

use camino::Utf8PathBuf;
use pywasm_recipes::Digest;
use pywasm_store::Ctx;
use pywasm_store::fetch::Wanted;
use sha2::{Digest as _, Sha256};

/// A context with its own store, in a temporary directory that is removed on drop.
#[derive(Debug)]
pub struct Fresh {
    dir: tempfile::TempDir,
    /// The context.
    pub ctx: Ctx,
}

impl Fresh {
    /// Creates a context whose environment contains only these variables.
    ///
    /// # Panics
    /// If no temporary directory can be created.
    #[must_use]
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = utf8(dir.path());
        let ctx = Ctx { offline: false, ..Ctx::for_tests(&root, variables) };
        Self { dir, ctx }
    }

    /// Returns the directory.
    #[must_use]
    pub fn root(&self) -> Utf8PathBuf {
        utf8(self.dir.path())
    }
}

/// Converts a path to the type that the tool uses.
///
/// # Panics
/// If the path is not UTF-8.
#[must_use]
pub fn utf8(path: &std::path::Path) -> Utf8PathBuf {
    Utf8PathBuf::from_path_buf(path.to_path_buf()).expect("a path in UTF-8")
}

/// Returns a pin for a file with this name and these bytes.
#[must_use]
pub fn wanted(file: &str, bytes: &[u8]) -> Wanted {
    let sha256 = Digest::from_bytes(Sha256::digest(bytes).into());
    Wanted { file: file.to_owned(), sha256, size: Some(bytes.len() as u64) }
}

/// Reports why the current test, or a part of it, is skipped. The report is written directly to
/// stderr, so that the test harness does not capture it.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // The test must not fail if stderr is closed.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}

/// Returns the path of the Rust toolchain's linker, which must be called with `-flavor wasm`.
///
/// # Panics
/// If the toolchain does not contain a linker. All toolchains installed by rustup contain one.
#[must_use]
pub fn rust_lld() -> std::path::PathBuf {
    let output =
        std::process::Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc");
    let sysroot = std::path::PathBuf::from(String::from_utf8(output.stdout).expect("UTF-8").trim());
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).expect("a sysroot");
    let found = hosts.map(|host| host.expect("an entry").path().join("bin/rust-lld"));
    found.into_iter().find(|path| path.is_file()).expect("rust-lld comes with every Rust")
}
