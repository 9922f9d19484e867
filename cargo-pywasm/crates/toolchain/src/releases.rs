//! CPython's releases in the machine's package archives. Debian's source packages contain upstream's
//! tarballs unchanged, so the signed indexes of these packages vouch for the digests of the tarballs.

use pywasm_recipes::{Artifact, MinorVersion, PatchVersion};
use pywasm_store::Ctx;

use crate::apt::Tarball;
use crate::survey::find_tarballs;

/// A release whose digest is in a signed index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedRelease {
    /// The release.
    pub version: PatchVersion,
    /// Its tarball.
    pub source: Artifact,
    /// The suite whose index contains the digest, such as `Debian unstable`.
    pub suite: String,
}

impl IndexedRelease {
    /// Searches the machine's package archives for a release.
    ///
    /// # Errors
    /// When an index's digest differs from the one in the signed release file.
    pub fn find(version: PatchVersion, ctx: &Ctx) -> anyhow::Result<Option<Self>> {
        let (package, text) = (package(version.series), version.to_string());
        let has_version = |found: &[Tarball]| found.iter().any(|one| one.version == text);
        let found = find_tarballs(&|name| name == package, &has_version, ctx)?;
        Ok(found.into_iter().filter_map(Self::of).find(|one| one.version == version))
    }

    /// Returns all releases of these series, sorted by version.
    ///
    /// # Errors
    /// When an index's digest differs from the one in the signed release file.
    pub fn all(series: &[MinorVersion], ctx: &Ctx) -> anyhow::Result<Vec<Self>> {
        let names: Vec<String> = series.iter().map(|one| package(*one)).collect();
        let wanted = |name: &str| names.iter().any(|one| one == name);
        let found = find_tarballs(&wanted, &|_| false, ctx)?;
        let mut releases: Vec<Self> = found.into_iter().filter_map(Self::of).collect();
        releases.sort_by(|a, b| (a.version, &a.suite).cmp(&(b.version, &b.suite)));
        releases.dedup_by(|a, b| a.source == b.source);
        Ok(releases)
    }

    fn of(tarball: Tarball) -> Option<Self> {
        let version: PatchVersion = tarball.version.parse().ok()?;
        let Tarball { package, file, sha256, size, suite, .. } = tarball;
        let source = Artifact {
            size: Some(size),
            debian_source: Some(format!("{package}/{file}")),
            ..Artifact::cpython(version, sha256)
        };
        Some(Self { version, source, suite })
    }
}

/// Returns the name of Debian's source package for a series.
fn package(series: MinorVersion) -> String {
    format!("python{series}")
}
