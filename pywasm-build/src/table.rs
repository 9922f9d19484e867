//! The table `[package.metadata.pywasm]` of a package, as the tool resolved it.

use std::path::{Path, PathBuf};

use crate::fingerprint::fingerprint;
use crate::json::{self, Json};

/// The settings of a package that a build script needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The manifests that it was read from: the package's own, then the one of its workspace.
    manifests: Vec<Manifest>,
    /// The package has a library with `crate-type = ["cdylib"]`: it becomes a reactor.
    pub(crate) cdylib: bool,
    /// A snapshot will be made of its modules.
    pub(crate) snapshot: bool,
    /// It names modules of the standard library or packages to freeze.
    pub(crate) freezes: bool,
    /// The set of frozen modules is closed; unset, the recipe decides.
    pub(crate) closed: Option<bool>,
}

/// A Cargo.toml as it was when the tool read it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manifest {
    path: PathBuf,
    fingerprint: String,
}

impl Table {
    /// Parses an entry of `packages` in `project.json`. `None` if a field is missing.
    pub(crate) fn parse(value: &Json) -> Option<Self> {
        let manifest = |value: &Json| {
            let path = json::text(value, "path")?.into();
            let fingerprint = json::text(value, "fnv1a64")?.to_owned();
            Some(Manifest { path, fingerprint })
        };
        let manifests = json::list(value, "manifests").iter().map(manifest);
        let names_any = |key: &str| !json::list(value, key).is_empty();
        Some(Self {
            manifests: manifests.collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())?,
            cdylib: json::flag(value, "cdylib")?,
            snapshot: json::flag(value, "snapshot")?,
            freezes: names_any("freeze") || names_any("packages"),
            closed: json::flag(value, "closed"),
        })
    }

    /// Returns true if this is the table of the package with this Cargo.toml.
    pub(crate) fn is_of(&self, manifest: &Path) -> bool {
        self.manifests.first().is_some_and(|own| own.path == manifest)
    }

    /// Returns true if no manifest has changed since the tool read it.
    pub(crate) fn is_fresh(&self) -> bool {
        self.manifests.iter().all(|manifest| {
            std::fs::read(&manifest.path)
                .is_ok_and(|bytes| fingerprint(&bytes) == manifest.fingerprint)
        })
    }

    /// The manifests that it was read from.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Path> {
        self.manifests.iter().map(|manifest| manifest.path.as_path())
    }
}
