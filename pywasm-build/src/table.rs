//! The table `[package.metadata.pywasm]` of a package, as resolved by the tool.

use std::path::{Path, PathBuf};

use crate::fingerprint::fingerprint;
use crate::json::{self, Json};

/// The settings of a package that a build script needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The manifests that the table was read from: the package's, followed by the workspace's if it
    /// is a different file.
    manifests: Vec<Manifest>,
    /// True if the package has a library with `crate-type = ["cdylib"]`, which becomes a reactor.
    pub(crate) cdylib: bool,
    /// True if the table contains the key `snapshot`.
    pub(crate) snapshot: bool,
    /// True if the table lists standard library modules, packages or requirements to embed.
    pub(crate) freezes: bool,
    /// True if the standard library is embedded.
    pub(crate) embeds_library: bool,
    /// Whether only frozen modules can be imported. If unset, the recipe decides.
    pub(crate) closed: Option<bool>,
    /// The size of the host's stack in bytes. If unset, the recipe decides.
    pub(crate) host_stack: Option<u32>,
}

/// The path of a Cargo.toml, and the hash of the text that the tool read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Manifest {
    path: PathBuf,
    fingerprint: String,
}

impl Table {
    /// Parses an entry of `packages` in `project.json`. Returns `None` if a field is missing.
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
            freezes: names_any("freeze")
                || names_any("packages")
                || json::flag(value, "requirements") == Some(true),
            embeds_library: json::text(value, "stdlib")? == "embedded",
            closed: json::flag(value, "closed"),
            host_stack: json::number(value, "host-stack"),
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

    /// Returns the paths of the manifests that the table was read from.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &Path> {
        self.manifests.iter().map(|manifest| manifest.path.as_path())
    }
}
