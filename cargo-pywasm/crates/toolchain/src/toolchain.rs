//! A toolchain and its files.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use serde::{Deserialize, Serialize};

use super::run::call;
use super::source::{Skipped, ToolchainSource};

/// A file that a toolchain was unpacked from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub file: String,
    /// Its digest.
    pub sha256: Digest,
    /// The URL from which the file was fetched, or the text `store` if the file was already in the
    /// store.
    pub from: String,
}

/// A complete toolchain on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Its directory.
    pub root: Utf8PathBuf,
    /// Its source.
    pub source: ToolchainSource,
    /// A string that is the same for identical tools. It is part of the key of every build.
    pub identity: String,
    /// The digest of the sysroot's `libc.a`.
    pub libc: Digest,
    /// The first line of `clang --version`.
    pub clang_version: String,
    /// The files that the toolchain was unpacked from. Empty for a directory that the user
    /// specified.
    pub inputs: Vec<Input>,
    /// The sources that were skipped before the one that was used.
    pub skipped: Vec<Skipped>,
}

impl Toolchain {
    /// Returns the path of the C compiler. The caller must pass the target to it.
    #[must_use]
    pub fn clang(&self) -> Utf8PathBuf {
        self.root.join("bin/clang")
    }

    /// Returns the path of the archiver.
    #[must_use]
    pub fn ar(&self) -> Utf8PathBuf {
        self.root.join("bin/llvm-ar")
    }

    /// Returns the major version of the compiler: 22 for `Debian clang version 22.1.8`.
    #[must_use]
    pub fn clang_major(&self) -> Option<u32> {
        let (_, version) = self.clang_version.split_once("clang version ")?;
        version.split('.').next()?.parse().ok()
    }

    /// Returns the path of the linker.
    #[must_use]
    pub fn linker(&self) -> Utf8PathBuf {
        self.root.join("bin/wasm-ld")
    }

    /// Returns the path of `llvm-ranlib`, which the official SDK names `ranlib`.
    #[must_use]
    pub fn ranlib(&self) -> Utf8PathBuf {
        self.tool("ranlib")
    }

    /// Returns the path of `llvm-strip`, which the official SDK names `strip`.
    #[must_use]
    pub fn strip(&self) -> Utf8PathBuf {
        self.tool("strip")
    }

    fn tool(&self, name: &str) -> Utf8PathBuf {
        let llvm = self.root.join(format!("bin/llvm-{name}"));
        if llvm.exists() { llvm } else { self.root.join("bin").join(name) }
    }

    /// Returns the path of compiler-rt's library for the target, as the compiler reports it.
    ///
    /// # Errors
    /// When the compiler cannot be run or fails.
    pub fn builtins(&self) -> anyhow::Result<Utf8PathBuf> {
        let args = ["--target=wasm32-wasip1", "--rtlib=compiler-rt", "--print-libgcc-file-name"];
        let printed = call(&self.clang(), &args, &self.root)?;
        Ok(Utf8PathBuf::from(printed.trim()))
    }

    /// Returns the directory of headers and libraries.
    #[must_use]
    pub fn sysroot(&self) -> Utf8PathBuf {
        sysroot(&self.root)
    }

    /// Returns the directory of the target's libraries.
    #[must_use]
    pub fn lib_dir(&self) -> Utf8PathBuf {
        lib_dir(&self.root)
    }
}

pub(super) fn sysroot(root: &Utf8Path) -> Utf8PathBuf {
    root.join("share/wasi-sysroot")
}

/// Returns the directory of the target's libraries. SDKs before 22 contain only `wasm32-wasi`.
pub(super) fn lib_dir(root: &Utf8Path) -> Utf8PathBuf {
    let lib = sysroot(root).join("lib");
    let preview1 = lib.join("wasm32-wasip1");
    if preview1.exists() { preview1 } else { lib.join("wasm32-wasi") }
}
