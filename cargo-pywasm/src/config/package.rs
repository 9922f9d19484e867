//! The package settings that are recorded in `.pywasm/project.json`.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Package, TargetKind};
use pywasm_recipes::{Digest, HostStack};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::table::{Stdlib, Table};

/// The resolved settings that the build script of a package needs. `pywasm-build` reads them, and
/// uses the digests to check that no manifest has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageSettings {
    /// The package's name.
    pub name: String,
    /// The manifests that the settings were read from: first the package's, then the workspace's
    /// if it is a different file.
    pub manifests: Vec<ManifestDigest>,
    /// True if the package has a `cdylib` target, which becomes a reactor.
    pub cdylib: bool,
    /// True if the `metadata.pywasm` table of the package or its workspace has the key `snapshot`.
    pub snapshot: bool,
    /// Modules of the standard library to embed.
    pub freeze: Vec<String>,
    /// Absolute paths of Python packages and files to embed.
    pub packages: Vec<Utf8PathBuf>,
    /// True if the package requires Python packages by name.
    #[serde(default)]
    pub requirements: bool,
    /// The source of the standard library at run time.
    pub stdlib: Stdlib,
    /// True if only embedded Python modules can be imported. If unset, the recipe decides.
    pub closed: Option<bool>,
    /// The size of the host's stack in bytes. If unset, the recipe decides.
    #[serde(rename = "host-stack")]
    pub host_stack: Option<HostStack>,
}

/// Two digests of a manifest's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDigest {
    /// The path of the Cargo.toml.
    pub path: Utf8PathBuf,
    /// The SHA-256 digest of the file.
    pub sha256: Digest,
    /// The hash that build scripts compare instead of the SHA-256 digest; see
    /// [`pywasm_build::fingerprint`].
    pub fnv1a64: String,
}

impl ManifestDigest {
    fn read(path: &Utf8Path) -> anyhow::Result<Self> {
        let bytes = fs_err::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            sha256: Digest::from_bytes(Sha256::digest(&bytes).into()),
            fnv1a64: pywasm_build::fingerprint(&bytes),
        })
    }
}

impl PackageSettings {
    /// Returns true if no manifest has changed since the settings were read from it.
    #[cfg(feature = "runtime")]
    pub(crate) fn is_fresh(&self) -> bool {
        self.manifests.iter().all(|manifest| {
            fs_err::read(&manifest.path)
                .is_ok_and(|bytes| pywasm_build::fingerprint(&bytes) == manifest.fnv1a64)
        })
    }

    /// Resolves the settings of a package from its table `[package.metadata.pywasm]`, to which the
    /// keys of `[workspace.metadata.pywasm]` have been added.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub(super) fn resolve(
        package: &Package,
        table: &Table,
        workspace: &Utf8Path,
    ) -> anyhow::Result<Self> {
        let mut manifests = vec![ManifestDigest::read(&package.manifest_path)?];
        if workspace != package.manifest_path {
            manifests.push(
                ManifestDigest::read(workspace).context("cannot read the workspace manifest")?,
            );
        }
        let is_cdylib = |target: &cargo_metadata::Target| target.kind.contains(&TargetKind::CDyLib);
        let packages = table.packages.iter().flatten();
        let required = table.requirements.as_ref();
        Ok(Self {
            name: package.name.to_string(),
            manifests,
            cdylib: package.targets.iter().any(is_cdylib),
            snapshot: table.snapshot.is_some(),
            freeze: table.freeze.clone().unwrap_or_default(),
            packages: packages.map(|package| package.path.clone()).collect(),
            requirements: required.is_some_and(|it| !it.requirements.is_empty()),
            stdlib: table.stdlib.unwrap_or_default(),
            closed: table.closed,
            host_stack: table.host_stack,
        })
    }
}
