//! Reads lock files.

use std::collections::BTreeMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_recipes::{Digest, MinorVersion};
use pywasm_session::WithHint;
use serde::{Deserialize, Serialize};

use crate::Name;

/// A lock file. Keys that are not needed here are ignored, as PEP 751 requires.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lock {
    lock_version: String,
    #[serde(default)]
    pub(super) packages: Vec<Package>,
    #[serde(default)]
    tool: Tool,
    /// The directory that contains the file. Paths in it are relative to this directory.
    #[serde(skip)]
    pub(super) dir: Utf8PathBuf,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Tool {
    pywasm: Option<Origin>,
}

/// The requirements that a lock was resolved for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Origin {
    pub(crate) python: MinorVersion,
    /// The requirements, or the name of a file with them.
    pub(crate) requirements: Vec<String>,
    /// The digest of the file with the requirements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Digest>,
}

/// A package at one version.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Package {
    pub(super) name: Name,
    pub(super) version: Option<String>,
    pub(super) marker: Option<String>,
    #[serde(default)]
    pub(super) wheels: Vec<File>,
    pub(super) archive: Option<File>,
    pub(super) sdist: Option<toml::Value>,
}

/// A file of a package.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) path: Option<Utf8PathBuf>,
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) hashes: BTreeMap<String, String>,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When the file cannot be read, is not a lock file, or has an unsupported version.
    pub fn read(path: &Utf8Path) -> anyhow::Result<Self> {
        let text = fs_err::read_to_string(path)?;
        Self::parse(&text, path.parent().unwrap_or(Utf8Path::new("")))
            .with_context(|| format!("`{path}` is not a valid lock file"))
            .hint(|| "`cargo pywasm lock` writes it again".to_owned())
    }

    /// Parses the text of a lock file in the directory `dir`.
    ///
    /// # Errors
    /// When the text is not a lock file, or has an unsupported version.
    pub fn parse(text: &str, dir: &Utf8Path) -> anyhow::Result<Self> {
        let mut lock: Self = toml::from_str(text)?;
        let major = lock.lock_version.split('.').next().unwrap_or_default();
        let version = &lock.lock_version;
        anyhow::ensure!(major == "1", "its `lock-version` is {version}, which is not supported");
        lock.dir = dir.to_owned();
        Ok(lock)
    }

    /// Returns the requirements that the lock was resolved for, if this tool wrote it.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.tool.pywasm.as_ref()
    }
}

impl Origin {
    /// Returns the table for the end of a lock file.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        Ok(format!("\n[tool.pywasm]\n{}", toml::to_string(self)?))
    }
}
