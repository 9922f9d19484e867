//! The C libraries that extension modules of the standard library need, and their pinned sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Digest, MinorVersion, OptLevel};

/// A C library, with everything that is needed to compile it. The paths are relative to the root of
/// the crate that contains the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Library {
    /// The library's name, as recipes use it.
    pub name: String,
    /// Upstream's version of the library.
    pub version: String,
    /// The SPDX expression of the licence of the compiled files.
    pub license: String,
    /// The files with the licence texts. Empty for a library in the public domain.
    #[serde(default)]
    pub license_files: Vec<String>,
    /// The extension modules that need the library.
    pub modules: BTreeSet<String>,
    /// The first CPython series whose standard library has these modules. If it is unset, all
    /// supported series have them.
    #[serde(default)]
    pub since: Option<MinorVersion>,
    /// The prefix of the variables with which CPython's configure finds the library: `ZLIB` for
    /// `ZLIB_CFLAGS` and `ZLIB_LIBS`.
    pub configure: String,
    /// Results for checks that configure runs even if these variables are set.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// The file name of the archive, such as `libz.a`.
    pub archive: String,
    /// The directory of the public headers.
    pub headers: String,
    /// The directories that are searched for headers when the library is compiled.
    pub include: Vec<String>,
    /// The compiler flags, beyond those of all libraries.
    pub flags: Vec<String>,
    /// The optimization level, unless a recipe optimizes for speed. The default is `2`.
    #[serde(default)]
    pub opt_level: Option<OptLevel>,
    /// The pinned sources.
    #[serde(rename = "crate")]
    pub source: CratePin,
    /// The C files to compile, without the suffix `.c`, by directory.
    pub sources: BTreeMap<String, Vec<String>>,
    /// The texts of C files of this project that are added to the sources, by path.
    #[serde(default)]
    pub own: BTreeMap<String, String>,
}

/// A crate in the Rust registry.
///
/// The `-sys` crates contain the sources of C libraries, and Cargo downloads them on every machine
/// that can build Rust programs, from whichever registry or mirror is configured there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CratePin {
    /// The crate's name.
    pub name: String,
    /// The crate's version.
    pub version: String,
    /// The SHA-256 digest of the `.crate` file, which Cargo.lock files call the checksum.
    pub sha256: Digest,
    /// The size of the `.crate` file in bytes.
    pub size: u64,
}

impl CratePin {
    /// Returns the name of the `.crate` file.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}-{}.crate", self.name, self.version)
    }
}

impl Library {
    /// Returns true if CPython releases of this series have modules that need the library.
    #[must_use]
    pub fn is_for(&self, series: MinorVersion) -> bool {
        self.since.is_none_or(|since| since <= series)
    }

    /// Returns the paths of the C files to compile.
    pub fn c_files(&self) -> impl Iterator<Item = String> {
        let own = self.own.keys().filter(|path| path.ends_with(".c")).cloned();
        let in_dir = |(dir, names): (&String, &Vec<String>)| {
            names.iter().map(|name| format!("{dir}/{name}.c")).collect::<Vec<_>>()
        };
        self.sources.iter().flat_map(in_dir).chain(own)
    }

    /// Returns the name of an object file in libpython that is compiled from the C file `stem`.
    #[must_use]
    pub fn member(&self, stem: &str) -> String {
        format!("{}-{stem}.o", self.name)
    }

    /// Returns the library that an object file in libpython belongs to, by the name that
    /// [`Library::member`] returns.
    #[must_use]
    pub fn of_member(name: &str) -> Option<&'static Self> {
        let (library, _) = name.split_once('-')?;
        libraries().iter().find(|one| one.name == library)
    }

    /// Returns everything that the compiled library depends on, for keys of builds.
    ///
    /// # Panics
    /// Never, because every field can be represented in TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a library can be represented in TOML")
    }
}

/// Returns all libraries, sorted by name.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn libraries() -> &'static [Library] {
    static ALL: LazyLock<Vec<Library>> = LazyLock::new(|| {
        [
            include_str!("../libraries/bzip2.toml"),
            include_str!("../libraries/sqlite.toml"),
            include_str!("../libraries/xz.toml"),
            include_str!("../libraries/zlib.toml"),
            include_str!("../libraries/zstd.toml"),
        ]
        .map(|text| {
            let mut library: Library = toml::from_str(text).expect("a file in `libraries/`");
            if library.name == "sqlite" {
                let text = include_str!("../libraries/sqlite-wasi.c").to_owned();
                library.own.insert("sqlite-wasi.c".to_owned(), text);
            }
            library
        })
        .into()
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::is_known_module;

    #[test]
    fn libraries_are_sorted_and_name_known_modules() {
        assert!(libraries().is_sorted_by_key(|library| &library.name));
        let newest: MinorVersion = "3.14".parse().unwrap();
        for library in libraries() {
            for module in &library.modules {
                assert!(is_known_module(newest, module), "{module}");
            }
        }
    }

    #[test]
    fn zstd_is_for_new_releases_only() {
        let is_for = |name: &str, series: &str| {
            let library = libraries().iter().find(|library| library.name == name).unwrap();
            library.is_for(series.parse().unwrap())
        };
        assert!(is_for("zstd", "3.14") && !is_for("zstd", "3.13") && is_for("zlib", "3.13"));
    }

    /// The objects of a library are all in one directory.
    #[test]
    fn names_of_c_files_are_unique() {
        for library in libraries() {
            let names = library.c_files().map(|path| path.rsplit('/').next().unwrap().to_owned());
            let names: Vec<String> = names.collect();
            assert_eq!(
                names.iter().collect::<BTreeSet<_>>().len(),
                names.len(),
                "{}",
                library.name
            );
        }
    }

    #[test]
    fn files_have_directory_and_suffix() {
        let bzip2 = &libraries()[0];
        assert_eq!(bzip2.c_files().next().unwrap(), "bzip2-1.0.8/blocksort.c");
        assert_eq!(bzip2.source.file(), "bzip2-sys-0.1.13+1.0.8.crate");
    }

    #[test]
    fn object_is_attributed_to_its_library() {
        for library in libraries() {
            assert_eq!(Library::of_member(&library.member("a-b")), Some(library));
        }
        for other in ["zlib", "call.o", "unicode-data.o"] {
            assert_eq!(Library::of_member(other), None);
        }
    }
}
