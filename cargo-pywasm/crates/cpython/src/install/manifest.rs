//! `manifest.json`: the inputs and contents of an installation.
//!
//! `docs/guide/installation.md` describes the fields.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Digest, Recipe};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::release::Evidence;
use super::request::{Request, RequestKey};
use crate::build::{BuildPython, Inventory};
use crate::libraries::Compiled;
use pywasm_toolchain::{Skipped, Toolchain};

/// The version of the manifest format. `pywasm-build` refuses other versions.
const VERSION: u32 = 2;

/// The manifest of an installation.
#[derive(Debug, Serialize)]
pub struct Manifest<'a> {
    version: u32,
    tool: &'static str,
    target: &'static str,
    key: String,
    request: String,
    python: Python,
    recipe: RecipeEntry<'a>,
    toolchain: ToolchainEntry<'a>,
    build_python: &'a str,
    inputs: &'a [Input],
    modules: &'a Inventory,
    libraries: Vec<LibraryEntry<'a>>,
    imports: &'a [String],
    libc: Libc<'a>,
    files: BTreeMap<Utf8PathBuf, FileEntry>,
}

/// The contents of an installation, apart from its files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents<'a> {
    pub(super) modules: &'a Inventory,
    pub(super) libraries: &'a [Compiled],
    pub(super) imports: &'a [String],
    pub(super) libc_needs: &'a BTreeSet<String>,
}

/// The libc that libpython was built against, and the symbols that libpython takes from it.
#[derive(Debug, Serialize)]
struct Libc<'a> {
    sha256: Digest,
    needs: &'a BTreeSet<String>,
}

#[derive(Debug, Serialize)]
struct Python {
    version: String,
    series: String,
    source: Source,
}

/// The tarball or directory that CPython was built from.
#[derive(Debug, Serialize)]
struct Source {
    file: String,
    sha256: Digest,
    evidence: Evidence,
}

#[derive(Debug, Serialize)]
struct RecipeEntry<'a> {
    name: &'a str,
    content: &'a Recipe,
}

#[derive(Debug, Serialize)]
struct ToolchainEntry<'a> {
    source: &'static str,
    root: &'a Utf8Path,
    identity: &'a str,
    clang: &'a str,
    skipped: &'a [Skipped],
}

/// A C library that is part of libpython.
#[derive(Debug, Serialize)]
struct LibraryEntry<'a> {
    name: &'a str,
    /// Upstream's version. `None` for an archive of the user.
    version: Option<&'a str>,
    /// The file that it was built from. `inputs` contains this file.
    sha256: Digest,
}

impl<'a> From<&'a Compiled> for LibraryEntry<'a> {
    fn from(one: &'a Compiled) -> Self {
        let version = one.licenses.is_some().then_some(one.library.version.as_str());
        Self { name: &one.library.name, version, sha256: one.input.sha256 }
    }
}

/// A file that the installation was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its file name.
    pub file: String,
    /// Its SHA-256 digest.
    pub sha256: Digest,
    /// The URL or path that the file came from.
    pub from: String,
}

/// The manifest's entry for a file of the installation.
#[derive(Debug, Serialize)]
struct FileEntry {
    sha256: Digest,
    size: u64,
}

impl From<&pywasm_toolchain::Input> for Input {
    fn from(input: &pywasm_toolchain::Input) -> Self {
        Self { file: input.file.clone(), sha256: input.sha256, from: input.from.clone() }
    }
}

impl<'a> Manifest<'a> {
    /// Creates the manifest of the installation at `root` and hashes its files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn new(
        request: &'a Request<'_>,
        key: &RequestKey,
        toolchain: &'a Toolchain,
        inputs: &'a [Input],
        contents: Contents<'a>,
        root: &Utf8Path,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            version: VERSION,
            tool: concat!("cargo-pywasm ", env!("CARGO_PKG_VERSION")),
            target: pywasm_build::TARGET,
            key: key.to_string(),
            request: request.digest().to_string(),
            python: Python {
                version: request.pin.version.to_string(),
                series: request.pin.series().to_string(),
                source: Source {
                    file: request.pin.source.file.clone(),
                    sha256: request.pin.source.sha256,
                    evidence: request.evidence,
                },
            },
            recipe: RecipeEntry { name: &request.recipe.name, content: request.recipe },
            toolchain: ToolchainEntry {
                source: toolchain.source.name(),
                root: &toolchain.root,
                identity: &toolchain.identity,
                clang: &toolchain.clang_version,
                skipped: &toolchain.skipped,
            },
            build_python: match &request.build_python {
                BuildPython::None => "none (CPython's C freezer ran as a wasm program)",
                BuildPython::Given { version, .. } => version.as_str(),
            },
            inputs,
            modules: contents.modules,
            libraries: contents.libraries.iter().map(LibraryEntry::from).collect(),
            imports: contents.imports,
            libc: Libc { sha256: toolchain.libc, needs: contents.libc_needs },
            files: hash_files(root)?,
        })
    }

    /// Writes the manifest as indented JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, root: &Utf8Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs_err::write(root.join("manifest.json"), text)?;
        Ok(())
    }
}

/// Returns the digest and size of each file that is linked or run. The files of the standard
/// library are covered by the digest of the library's zip.
fn hash_files(root: &Utf8Path) -> anyhow::Result<BTreeMap<Utf8PathBuf, FileEntry>> {
    let mut files = BTreeMap::new();
    let lib = Utf8Path::new("lib");
    for dir in
        [&lib.join(pywasm_build::LIBC_DIR), &lib.join(pywasm_build::ZIP_DIR), lib, "bin".into()]
    {
        for entry in root.join(dir).read_dir_utf8()? {
            let path = entry?.into_path();
            if path.is_file() {
                let bytes = fs_err::read(&path)?;
                let sha256 = Digest::from_bytes(Sha256::digest(&bytes).into());
                let size = bytes.len() as u64;
                let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
                files.insert(name, FileEntry { sha256, size });
            }
        }
    }
    Ok(files)
}
