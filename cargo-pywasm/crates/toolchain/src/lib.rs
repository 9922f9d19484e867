//! A compiler and a sysroot for wasm32-wasip1, in the shape of a WASI SDK.
//!
//! Roads, in the order in which `auto` tries them: a path that is given; the store; the pinned
//! official WASI SDK; the same tools from the machine's own signed package archives. A file that
//! is not what its digest says ends the search: that is an error, never a reason to go on.

pub mod apt;
mod binaryen;
mod choice;
mod foreign;
mod fresh;
mod layout;
mod official;
mod packages;
mod path;
mod prove;
mod record;
mod request;
mod resolve;
mod rust;
mod shims;
#[cfg(test)]
mod upstream;

pub use binaryen::version;
pub use binaryen::{Binaryen, BinaryenRequest, Origin};
pub use request::ToolchainRequest;
pub use resolve::{installed, resolve};
pub use rust::Rust;

use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use serde::{Deserialize, Serialize};

/// Where a toolchain came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A directory that the user named.
    Path,
    /// A release of the official WASI SDK.
    Official(u32),
    /// Packages of the machine's own distribution.
    Packages {
        /// LLVM's version.
        llvm: String,
        /// wasi-libc's version.
        wasi_libc: String,
    },
}

/// A road that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The road's name.
    pub road: String,
    /// Why it was not taken.
    pub reason: String,
}

/// A file a toolchain was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub file: String,
    /// Its digest.
    pub sha256: Digest,
    /// Where it came from.
    pub from: String,
}

/// A toolchain that is there and whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Its directory.
    pub root: Utf8PathBuf,
    /// Where it came from.
    pub kind: Kind,
    /// What it is: equal texts stand for equal tools. Part of every build's key.
    pub identity: String,
    /// The digest of the sysroot's `libc.a`.
    pub libc: Digest,
    /// The first line of `clang --version`.
    pub clang_version: String,
    /// What it was made of; nothing is known of a path's.
    pub inputs: Vec<Input>,
    /// The roads before it.
    pub passed_over: Vec<Passed>,
}

impl Kind {
    /// The road's name in manifests and on the command line.
    #[must_use]
    pub fn road(&self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Official(_) => "official",
            Self::Packages { .. } => "packages",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("a WASI SDK by path"),
            Self::Official(release) => write!(f, "WASI SDK {release}"),
            Self::Packages { llvm, wasi_libc } => {
                write!(f, "packages of this distribution: LLVM {llvm}, wasi-libc {wasi_libc}")
            }
        }
    }
}

impl Toolchain {
    /// The C compiler; the target has to be named.
    #[must_use]
    pub fn clang(&self) -> Utf8PathBuf {
        self.root.join("bin/clang")
    }

    /// The archiver.
    #[must_use]
    pub fn ar(&self) -> Utf8PathBuf {
        self.root.join("bin/llvm-ar")
    }

    /// The major version of its compiler, where it says one: `Debian clang version 22.1.8`.
    #[must_use]
    pub fn clang_major(&self) -> Option<u32> {
        let (_, version) = self.clang_version.split_once("clang version ")?;
        version.split('.').next()?.parse().ok()
    }

    /// The linker, which clang calls otherwise.
    #[must_use]
    pub fn linker(&self) -> Utf8PathBuf {
        self.root.join("bin/wasm-ld")
    }

    /// The archive indexer. The official SDK calls it `ranlib`.
    #[must_use]
    pub fn ranlib(&self) -> Utf8PathBuf {
        let own = self.root.join("bin/llvm-ranlib");
        if own.exists() { own } else { self.root.join("bin/ranlib") }
    }

    /// The stripper. The official SDK calls it `strip`.
    #[must_use]
    pub fn strip(&self) -> Utf8PathBuf {
        let own = self.root.join("bin/llvm-strip");
        if own.exists() { own } else { self.root.join("bin/strip") }
    }

    /// compiler-rt's library for the target, which is where this compiler says.
    ///
    /// # Errors
    /// When the compiler can't be asked.
    pub fn builtins(&self) -> anyhow::Result<Utf8PathBuf> {
        let args = ["--target=wasm32-wasip1", "--rtlib=compiler-rt", "--print-libgcc-file-name"];
        let said = prove::call(&self.clang(), &args, &self.root)?;
        Ok(Utf8PathBuf::from(said.trim()))
    }

    /// Headers and libraries.
    #[must_use]
    pub fn sysroot(&self) -> Utf8PathBuf {
        sysroot(&self.root)
    }

    /// The libraries of the target.
    #[must_use]
    pub fn lib_dir(&self) -> Utf8PathBuf {
        lib_dir(&self.root)
    }
}

fn sysroot(root: &Utf8Path) -> Utf8PathBuf {
    root.join("share/wasi-sysroot")
}

/// SDKs before 22 name the target `wasm32-wasi` only.
fn lib_dir(root: &Utf8Path) -> Utf8PathBuf {
    let lib = sysroot(root).join("lib");
    let preview1 = lib.join("wasm32-wasip1");
    if preview1.exists() { preview1 } else { lib.join("wasm32-wasi") }
}
