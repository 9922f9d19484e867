//! One installation: the contract between `cargo pywasm install` and its users.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;

/// The only target there is today.
pub const TARGET: &str = "wasm32-wasip1";

/// The version of `manifest.json` that this crate reads.
const MANIFEST_VERSION: u64 = 2;
/// The directory in `lib/` with the libc and start files that libpython was built against. Apart
/// from libpython, so that a search path for one does not bring the other.
pub const LIBC_DIR: &str = "wasi-libc";
/// The directory in `lib/` with the standard library's zip and nothing else, for hosts that give
/// a module whole directories.
pub const ZIP_DIR: &str = "zip";
/// The object in `lib/` that finalizes Python when a command ends.
pub const EXIT_OBJECT: &str = "pywasm-exit.o";
/// The library in `lib/` with the modules that its recipe has travel inside, where it has any.
pub const FROZEN_LIBRARY: &str = "pywasm_frozen";

/// A finished CPython for wasm32-wasip1.
#[derive(Clone, Debug)]
pub struct Installation {
    root: PathBuf,
    manifest: Value,
}

impl Installation {
    /// Opens the installation at `root` and reads its manifest.
    ///
    /// # Errors
    /// When `manifest.json` is missing, is not JSON, or is of another version.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        let path = root.join("manifest.json");
        let text = std::fs::read(&path).map_err(|error| Error::Read(path.clone(), error))?;
        let manifest: Value = serde_json::from_slice(&text)
            .map_err(|error| Error::manifest(&path, error.to_string()))?;
        match manifest["version"].as_u64() {
            Some(MANIFEST_VERSION) => {}
            Some(other) => {
                let text = format!("its format version is {other} instead of {MANIFEST_VERSION}");
                return Err(Error::manifest(&path, text));
            }
            None => return Err(Error::manifest(&path, "no `version`")),
        }
        for pointer in ["/python/version", "/python/series", "/recipe/name", "/toolchain/root"] {
            if manifest.pointer(pointer).and_then(Value::as_str).is_none() {
                return Err(Error::manifest(&path, format!("no text at `{pointer}`")));
            }
        }
        Ok(Self { root, manifest })
    }

    /// The directory everything below lies in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The whole manifest; `docs/guide/installation.md` describes it.
    #[must_use]
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// CPython's version, `3.13.15`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.text("/python/version")
    }

    /// CPython's series, `3.13`.
    #[must_use]
    pub fn series(&self) -> &str {
        self.text("/python/series")
    }

    /// The name of the recipe it was built by.
    #[must_use]
    pub fn recipe(&self) -> &str {
        self.text("/recipe/name")
    }

    /// The names of the extension modules built in, sorted.
    #[must_use]
    pub fn modules(&self) -> Vec<&str> {
        let names = self.manifest.pointer("/modules/builtin").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `Python.h` and the `pyconfig.h` it was built with.
    #[must_use]
    pub fn include_dir(&self) -> PathBuf {
        self.root.join("include").join(format!("python{}", self.series()))
    }

    /// `libpythonX.Y.a` and what is linked beside it.
    #[must_use]
    pub fn lib_dir(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// The libc and start files that libpython was built against.
    #[must_use]
    pub fn libc_dir(&self) -> PathBuf {
        self.lib_dir().join(LIBC_DIR)
    }

    /// What libpython takes from libc, sorted.
    #[must_use]
    pub fn libc_needs(&self) -> Vec<&str> {
        let names = self.manifest.pointer("/libc/needs").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The standard library as a tree.
    #[must_use]
    pub fn stdlib(&self) -> PathBuf {
        self.lib_dir().join(format!("python{}", self.series()))
    }

    /// The standard library as one stored zip.
    #[must_use]
    pub fn stdlib_zip(&self) -> PathBuf {
        self.lib_dir().join(ZIP_DIR).join(format!("python{}.zip", self.series().replace('.', "")))
    }

    /// The interpreter as a command module.
    #[must_use]
    pub fn python_wasm(&self) -> PathBuf {
        self.root.join("bin/python.wasm")
    }

    /// The directory of the toolchain it was built with, which has the shape of a WASI SDK.
    #[must_use]
    pub fn toolchain(&self) -> &Path {
        Path::new(self.text("/toolchain/root"))
    }

    /// A C compiler invocation aimed at the same toolchain, sysroot and headers.
    ///
    /// Inside a build script `cc` reads the output directory and optimisation from
    /// Cargo; elsewhere set `out_dir`, `opt_level` and `host` on what is returned.
    #[must_use]
    pub fn cc(&self) -> cc::Build {
        let toolchain = self.toolchain();
        let mut build = cc::Build::new();
        build
            .target(TARGET)
            .compiler(toolchain.join("bin/clang"))
            .archiver(toolchain.join("bin/llvm-ar"))
            .flag(format!("--sysroot={}", toolchain.join("share/wasi-sysroot").display()))
            .include(self.include_dir())
            .warnings(true);
        build
    }

    fn text(&self, pointer: &str) -> &str {
        self.manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest of CPython 3.13.15 that takes these functions from libc.
    pub(crate) fn manifest(libc_needs: &[&str]) -> String {
        format!(
            r#"{{"version": 2, "python": {{"version": "3.13.15", "series": "3.13"}},
                "recipe": {{"name": "full"}}, "toolchain": {{"root": "/sdk"}},
                "libc": {{"needs": {libc_needs:?}}}}}"#
        )
    }

    fn with_manifest(text: &str) -> (tempfile::TempDir, Result<Installation, Error>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("manifest.json"), text).unwrap();
        let opened = Installation::open(dir.path());
        (dir, opened)
    }

    #[test]
    fn paths_follow_the_series() {
        let (_dir, python) = with_manifest(
            r#"{"version": 2, "python": {"version": "3.13.15", "series": "3.13"},
                "recipe": {"name": "full"}, "toolchain": {"root": "/sdk"},
                "modules": {"builtin": ["_abc", "math"]}}"#,
        );
        let python = python.unwrap();
        assert!(python.include_dir().ends_with("include/python3.13"));
        assert!(python.stdlib_zip().ends_with("lib/zip/python313.zip"));
        assert_eq!(python.modules(), ["_abc", "math"]);
        assert_eq!(python.toolchain(), Path::new("/sdk"));
    }

    #[test]
    fn a_missing_manifest_names_the_file_and_the_cure() {
        let dir = tempfile::tempdir().unwrap();
        let message = Installation::open(dir.path()).unwrap_err().to_string();
        assert!(message.contains("manifest.json") && message.contains("hint: "), "{message}");
    }

    #[test]
    fn a_manifest_of_another_version_or_shape_is_refused() {
        for text in ["", "{}", r#"{"version": 1}"#, r#"{"version": 2}"#] {
            let (_dir, opened) = with_manifest(text);
            assert!(matches!(opened, Err(Error::Manifest(..))), "{text}");
        }
    }

    #[test]
    fn an_older_manifest_is_refused_with_the_command_that_reinstalls() {
        let (_dir, opened) = with_manifest(r#"{"version": 1}"#);
        let message = opened.unwrap_err().to_string();
        for part in ["format version is 1 instead of 2", "`cargo pywasm install --force`"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
