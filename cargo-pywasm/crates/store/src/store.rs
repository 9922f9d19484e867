//! The layout of the store: every file that the tool keeps, in versioned buckets.
//!
//! ```text
//! <cache>/CACHEDIR.TAG
//!   downloads-v0/<first 16 digits of the SHA-256>-<file>   verified files
//!   toolchains-v0/<key>/                                    unpacked toolchains
//!   sources-v0/cpython-<version>/                           unpacked source trees
//!   packages-v0/<digest16>-<wheel>/                         unpacked Python packages
//!   builds-v0/<key>/                                        objects and logs of builds
//!   wasm-v1/<digest>                                        compiled wasm modules
//!   locks-v0/<name>.lock
//!   staging-v0/                                             incomplete entries
//! <data>/installs-v0/cpython-3.13.15-wasm32-wasip1-<recipe>-<digest8>/
//! ```
//!
//! `<cache>` and `<data>` are `cache` and `data` in `PYWASM_STORE`, if it is set. Otherwise, they
//! are `pywasm` in the directories of the XDG Base Directory Specification:
//! <https://specifications.freedesktop.org/basedir-spec/latest/>.
//!
//! An entry appears only when a complete file or [`Stage`](crate::Stage) is renamed, so an entry
//! that exists is complete. When the layout of a bucket changes, the version in its name is
//! incremented, so that no version of the tool reads entries in a layout that it does not know.

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::Digest;
use pywasm_session::Environment;
use pywasm_session::variables::{HOME, PYWASM_STORE, XDG_CACHE_HOME, XDG_DATA_HOME};

/// A directory of the store that contains one kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// Verified downloads.
    Downloads,
    /// Unpacked toolchains.
    Toolchains,
    /// Unpacked sources.
    Sources,
    /// Unpacked Python packages.
    Packages,
    /// Build trees and their logs.
    Builds,
    /// Compiled wasm modules.
    Wasm,
    /// Lock files.
    Locks,
    /// Incomplete entries.
    Staging,
    /// Complete installations.
    Installs,
}

/// The store: one directory for caches and one for installations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    cache: Utf8PathBuf,
    data: Utf8PathBuf,
}

/// The text of `CACHEDIR.TAG`, which excludes the cache from backups:
/// <https://bford.info/cachedir/>.
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This directory is a cache of cargo-pywasm and may be deleted.\n";

impl Bucket {
    /// The buckets of the cache: all but the installations.
    pub const CACHE: [Self; 8] = [
        Self::Downloads,
        Self::Toolchains,
        Self::Sources,
        Self::Packages,
        Self::Builds,
        Self::Wasm,
        Self::Locks,
        Self::Staging,
    ];

    /// Returns the name of the directory, which includes the version of its layout.
    #[must_use]
    pub const fn dir_name(self) -> &'static str {
        match self {
            Self::Downloads => "downloads-v0",
            Self::Toolchains => "toolchains-v0",
            Self::Sources => "sources-v0",
            Self::Packages => "packages-v0",
            Self::Builds => "builds-v0",
            Self::Wasm => "wasm-v1",
            Self::Locks => "locks-v0",
            Self::Staging => "staging-v0",
            Self::Installs => "installs-v0",
        }
    }
}

impl Store {
    /// Returns the store that the environment selects. Does not access the disk.
    ///
    /// # Errors
    /// When neither `PYWASM_STORE` nor a home directory is set.
    pub fn of(env: &Environment) -> anyhow::Result<Self> {
        if let Some(root) = env.path(PYWASM_STORE) {
            return Ok(Self::at(&camino::absolute_utf8(root)?));
        }
        let home = env.path(HOME);
        let root = |variable: &str, below_home: &str| {
            env.path(variable)
                .filter(|path| path.is_absolute())
                .or_else(|| home.as_ref().map(|home| home.join(below_home)))
                .map(|path| path.join("pywasm"))
        };
        // The XDG directories are used even on macOS, because `pywasm-build` can find them without
        // a dependency.
        match (root(XDG_CACHE_HOME, ".cache"), root(XDG_DATA_HOME, ".local/share")) {
            (Some(cache), Some(data)) => Ok(Self { cache, data }),
            _ => anyhow::bail!("no directory for the store: neither PYWASM_STORE nor HOME is set"),
        }
    }

    /// Returns the store in the directory `root`, as if `PYWASM_STORE` were set to it.
    #[must_use]
    pub fn at(root: &Utf8Path) -> Self {
        Self { cache: root.join("cache"), data: root.join("data") }
    }

    /// Returns the path of a bucket, which need not exist.
    #[must_use]
    pub fn bucket(&self, bucket: Bucket) -> Utf8PathBuf {
        let root = if bucket == Bucket::Installs { &self.data } else { &self.cache };
        root.join(bucket.dir_name())
    }

    /// Returns the cache directory.
    #[must_use]
    pub fn cache(&self) -> &Utf8Path {
        &self.cache
    }

    /// Returns the directory that contains the installations.
    #[must_use]
    pub fn data(&self) -> &Utf8Path {
        &self.data
    }

    /// Returns the path of an entry, which need not exist.
    #[must_use]
    pub fn entry(&self, bucket: Bucket, key: &str) -> Utf8PathBuf {
        self.bucket(bucket).join(key)
    }

    /// Returns the path of a verified download, which need not exist.
    #[must_use]
    pub fn download(&self, sha256: &Digest, file: &str) -> Utf8PathBuf {
        self.entry(Bucket::Downloads, &format!("{}-{file}", &sha256.to_string()[..16]))
    }

    /// Creates the directory of a bucket if it is missing.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn ensure(&self, bucket: Bucket) -> anyhow::Result<Utf8PathBuf> {
        let dir = self.bucket(bucket);
        fs_err::create_dir_all(&dir)?;
        if bucket != Bucket::Installs {
            let tag = self.cache.join("CACHEDIR.TAG");
            if !tag.exists() {
                fs_err::write(&tag, CACHEDIR_TAG)?;
            }
        }
        Ok(dir)
    }

    /// Returns the sorted keys of a bucket's entries, or an empty list if the bucket is missing.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub fn keys(&self, bucket: Bucket) -> anyhow::Result<Vec<String>> {
        let dir = self.bucket(bucket);
        if !dir.exists() {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for entry in fs_err::read_dir(&dir)? {
            if let Ok(name) = entry?.file_name().into_string() {
                keys.push(name);
            }
        }
        keys.sort();
        Ok(keys)
    }
}

/// Returns the total size of all files below a path, in bytes. Does not follow links.
///
/// # Errors
/// When a directory cannot be read.
pub fn tree_size(path: &Utf8Path) -> anyhow::Result<u64> {
    let data = fs_err::symlink_metadata(path)?;
    if !data.is_dir() {
        return Ok(data.len());
    }
    let mut size = 0;
    for entry in path.read_dir_utf8()? {
        size += tree_size(entry?.path())?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_follow_the_environment() {
        let home = Environment::of(&[(HOME, "/h")]);
        let store = Store::of(&home).unwrap();
        assert_eq!(store.cache(), "/h/.cache/pywasm");
        assert_eq!(store.bucket(Bucket::Installs), "/h/.local/share/pywasm/installs-v0");

        let xdg = Environment::of(&[
            (HOME, "/h"),
            (XDG_CACHE_HOME, "/c"),
            (XDG_DATA_HOME, "relative is ignored"),
        ]);
        let store = Store::of(&xdg).unwrap();
        assert_eq!(store.cache(), "/c/pywasm");
        assert_eq!(store.data(), "/h/.local/share/pywasm");

        let one = Environment::of(&[(PYWASM_STORE, "/s"), (HOME, "/h")]);
        assert_eq!(Store::of(&one).unwrap(), Store::at("/s".into()));
    }

    #[test]
    fn missing_home_is_refused_by_name() {
        let error = Store::of(&Environment::default()).unwrap_err();
        assert!(error.to_string().contains(PYWASM_STORE));
    }
}
