//! Kept bytecode of installed packages. A package is compiled once for each interpreter, and for each
//! selection of its modules.
//!
//! An entry of the store contains the file `code` with the bytecode of all modules, and the file
//! `modules.json` with the place of each module in it and an outline of its imports.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_store::{Bucket, Store};
use sha2::{Digest as _, Sha256};

use super::collect::SCRIPT;
use super::{Wanted, Wheel};

/// The place of the kept modules of packages, for one interpreter.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    store: &'a Store,
    /// A hash of the interpreter and of the program that compiles.
    interpreter: Sha256,
    wanted: &'a Wanted,
    excluded: &'a [Utf8PathBuf],
}

impl<'a> Kept<'a> {
    pub(super) fn new(
        store: &'a Store,
        installation: &str,
        wanted: &'a Wanted,
        excluded: &'a [Utf8PathBuf],
    ) -> Self {
        let interpreter = Sha256::new().chain_update(installation).chain_update(SCRIPT);
        Self { store, interpreter, wanted, excluded }
    }

    /// Returns the directory with the kept modules of a package, which need not exist. Modules that
    /// are excluded are not compiled, so the name of the directory depends on them.
    pub(super) fn directory(&self, wheel: &Wheel) -> Utf8PathBuf {
        let mut hash = self.interpreter.clone();
        let of_wheel = |file: &&Utf8PathBuf| wheel.root.join(file).exists();
        let files = self.excluded.iter().filter(of_wheel).map(|file| file.as_str());
        let modules = self.wanted.modules.iter().map(String::as_str);
        for part in files.chain(modules.filter(|word| word.starts_with('!'))) {
            hash.update(part);
            hash.update([0]);
        }
        let digest = Digest::from_bytes(hash.finalize().into());
        let key = wheel.root.file_name().unwrap_or_default();
        self.store.entry(Bucket::Packages, &format!("{key}+{}", digest.short()))
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
