//! Kept bytecode of installed packages. A package is compiled once for each interpreter.
//!
//! An entry of the store contains the file `code` with the bytecode of all modules, and the file
//! `modules.json` with the place of each module in it and an outline of its imports.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_store::{Bucket, Store};
use sha2::{Digest as _, Sha256};

use super::Wheel;
use super::collect::SCRIPT;

/// The place of the kept modules of packages, for one interpreter.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    store: &'a Store,
    /// The digest of the interpreter and of the program that compiles.
    interpreter: Digest,
}

impl<'a> Kept<'a> {
    pub(super) fn new(store: &'a Store, installation: &str) -> Self {
        let digest = Sha256::new().chain_update(installation).chain_update(SCRIPT).finalize();
        Self { store, interpreter: Digest::from_bytes(digest.into()) }
    }

    /// Returns the directory with the kept modules of a package, which need not exist.
    pub(super) fn directory(&self, wheel: &Wheel) -> Utf8PathBuf {
        let key = wheel.root.file_name().unwrap_or_default();
        let key = format!("{key}+{}", self.interpreter.short());
        self.store.entry(Bucket::Packages, &key)
    }

    /// Keeps the modules of a package.
    pub(super) fn keep(
        &self,
        wheel: &Wheel,
        modules: &serde_json::Value,
        code: &[u8],
    ) -> anyhow::Result<()> {
        let stage = self.store.stage(Bucket::Packages)?;
        fs_err::write(stage.path().join("code"), code)?;
        fs_err::write(stage.path().join(MODULES), serde_json::to_vec(modules)?)?;
        stage.commit(&self.directory(wheel))
    }
}

/// The file with the places and the outlines of modules.
const MODULES: &str = "modules.json";

/// Reads the bytecode in a directory of kept modules.
pub(super) fn code(directory: &Utf8Path) -> anyhow::Result<Vec<u8>> {
    Ok(fs_err::read(directory.join("code"))?)
}
