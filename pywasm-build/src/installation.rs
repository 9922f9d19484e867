//! A CPython installation. Its layout is the contract between `cargo pywasm install` and the
//! programs that use the installation.

use std::path::{Path, PathBuf};

use crate::{json, Error};

/// The only supported target.
pub const TARGET: &str = "wasm32-wasip1";

/// The version of `manifest.json` that this crate reads.
const MANIFEST_VERSION: u32 = 2;
/// The directory in `lib/` that contains the libc and the start files that libpython was built
/// against. The directory is separate so that the linker finds this libc only when it has been
/// chosen.
pub const LIBC_DIR: &str = "wasi-libc";
/// The directory in `lib/` that contains only the standard library's zip file, for hosts that can
/// mount directories but not files.
pub const ZIP_DIR: &str = "zip";
/// The object file in `lib/` that finalizes Python when a command exits.
pub const EXIT_OBJECT: &str = "pywasm-exit.o";
/// The name of the library in `lib/` that contains the Python modules that the recipe freezes, if
/// any.
pub const FROZEN_LIBRARY: &str = "pywasm_frozen";

/// An installed CPython for wasm32-wasip1.
///
/// ```no_run
/// let python = pywasm_build::Installation::open("/path/to/installation")?;
/// assert_eq!(python.series(), "3.13");
/// # Ok::<(), pywasm_build::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Installation {
    root: PathBuf,
    manifest: String,
    version: String,
    series: String,
    recipe: String,
    toolchain: PathBuf,
    modules: Vec<String>,
    libc_needs: Vec<String>,
}

impl Installation {
    /// Opens the installation at `root` and reads its manifest.
    ///
    /// # Errors
    /// When `manifest.json` is missing, is not JSON, or has an unsupported version.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        let path = root.join("manifest.json");
        let read = std::fs::read_to_string(&path);
        let manifest = read.map_err(|error| Error::Read(path.clone(), error))?;
        let invalid = |problem: String| Error::manifest(&path, problem);
        let value = json::parse(manifest.as_bytes()).map_err(invalid)?;
        json::check_version(&value, MANIFEST_VERSION).map_err(invalid)?;
        let text = |path: &str| {
            let text = json::text(&value, path).map(str::to_owned);
            text.ok_or_else(|| invalid(format!("it has no string at `{path}`")))
        };
        let texts = |path: &str| json::texts(&value, path).map(str::to_owned).collect();
        Ok(Self {
            version: text("python.version")?,
            series: text("python.series")?,
            recipe: text("recipe.name")?,
            toolchain: text("toolchain.root")?.into(),
            modules: texts("modules.builtin"),
            libc_needs: texts("libc.needs"),
            manifest,
            root,
        })
    }

    /// Returns the installation's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the text of `manifest.json`, for fields that have no method here. The [guide]
    /// describes all fields.
    ///
    /// [guide]: https://github.com/cargo-pywasm/cargo-pywasm/blob/main/docs/guide/installation.md
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// Returns the version of CPython, such as `3.13.15`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the series of CPython, such as `3.13`.
    #[must_use]
    pub fn series(&self) -> &str {
        &self.series
    }

    /// Returns the name of the recipe that CPython was built with.
    #[must_use]
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Returns the names of the built-in extension modules, sorted.
    #[must_use]
    pub fn modules(&self) -> Vec<&str> {
        self.modules.iter().map(String::as_str).collect()
    }

    /// Returns the directory that contains `Python.h` and this build's `pyconfig.h`.
    #[must_use]
    pub fn include_dir(&self) -> PathBuf {
        self.root.join("include").join(format!("python{}", self.series))
    }

    /// Returns the directory that contains `libpythonX.Y.a` and the libraries linked with it.
    #[must_use]
    pub fn lib_dir(&self) -> PathBuf {
        self.root.join("lib")
    }

    /// Returns the directory that contains the libc and the start files that libpython was built
    /// against.
    #[must_use]
    pub fn libc_dir(&self) -> PathBuf {
        self.lib_dir().join(LIBC_DIR)
    }

    /// Returns the functions that libpython needs from libc, sorted.
    #[must_use]
    pub fn libc_needs(&self) -> Vec<&str> {
        self.libc_needs.iter().map(String::as_str).collect()
    }

    /// Returns the directory that contains the standard library.
    #[must_use]
    pub fn stdlib(&self) -> PathBuf {
        self.lib_dir().join(format!("python{}", self.series))
    }

    /// Returns the path of the uncompressed zip file that contains the standard library.
    #[must_use]
    pub fn stdlib_zip(&self) -> PathBuf {
        self.lib_dir().join(ZIP_DIR).join(format!("python{}.zip", self.series.replace('.', "")))
    }

    /// Returns the path of the interpreter, a WASI command.
    #[must_use]
    pub fn python_wasm(&self) -> PathBuf {
        self.root.join("bin/python.wasm")
    }

    /// Returns the directory of the toolchain that built this Python. The directory has the layout
    /// of a WASI SDK.
    #[must_use]
    pub fn toolchain(&self) -> &Path {
        &self.toolchain
    }

    /// Returns a `cc::Build` with the toolchain, sysroot and headers of this Python.
    ///
    /// In a build script, cc gets the output directory and the optimization level from Cargo.
    /// Elsewhere, set `out_dir`, `opt_level` and `host` on the result.
    ///
    /// ```no_run
    /// if let Some(python) = pywasm_build::link() {
    ///     python.cc().file("src/glue.c").compile("glue");
    /// }
    /// ```
    #[cfg(feature = "cc")]
    #[must_use]
    pub fn cc(&self) -> cc::Build {
        let mut build = cc::Build::new();
        build
            .target(TARGET)
            .compiler(self.toolchain.join("bin/clang"))
            .archiver(self.toolchain.join("bin/llvm-ar"))
            .flag(format!("--sysroot={}", self.toolchain.join("share/wasi-sysroot").display()))
            .include(self.include_dir())
            .warnings(true);
        build
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Creates the manifest of a CPython 3.13.15 installation that needs these libc functions.
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
    fn missing_manifest_is_named_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        let message = Installation::open(dir.path()).unwrap_err().to_string();
        assert!(message.contains("manifest.json") && message.contains("hint: "), "{message}");
    }

    #[test]
    fn unsupported_manifest_is_refused() {
        for text in ["", "{}", r#"{"version": 2}"#, r#"{"version": 1}"#] {
            let (_dir, opened) = with_manifest(text);
            assert!(matches!(opened, Err(Error::Manifest(..))), "{text}");
        }
    }

    #[test]
    fn older_manifest_is_refused_with_a_hint() {
        let (_dir, opened) = with_manifest(r#"{"version": 1}"#);
        let message = opened.unwrap_err().to_string();
        for part in ["format version is 1, but 2 is expected", "`cargo pywasm install --force`"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
