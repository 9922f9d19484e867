//! The release of CPython to build, and the evidence for the digest of its tarball.

use anyhow::Context;
use pywasm_recipes::{
    Artifact, CpythonPin, Digest, MinorVersion, PatchVersion, PythonRequest, cpython_pins,
};
use pywasm_session::{WithHint, one_line};
use pywasm_store::{Bucket, Ctx};
use pywasm_toolchain::IndexedRelease;
use serde::{Deserialize, Serialize};

use super::sigstore;

/// The source of the digest that identifies CPython's source. The manifest contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// This tool pins the digest.
    Pin,
    /// The digest is in the signed index of a package archive.
    PackageIndex,
    /// The digest was signed by the release manager.
    Sigstore,
    /// The user has provided the digest.
    CommandLine,
    /// The user has provided the source, from which the digest was computed.
    LocalSource,
}

/// A release of CPython whose digest is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The release, which this tool may not pin.
    pub pin: CpythonPin,
    /// The source of its digest.
    pub evidence: Evidence,
}

impl Release {
    /// Returns the pinned release that satisfies a request. If an exact release is requested that is
    /// not pinned, takes its digest from an existing installation, from the signed indexes of the
    /// machine's package archives, or from Sigstore.
    ///
    /// # Errors
    /// When the series is not supported, or when no source contains the digest.
    pub fn resolve(request: PythonRequest, ctx: &Ctx) -> anyhow::Result<Self> {
        is_supported(request.series())?;
        let version = match (CpythonPin::resolve(request), request) {
            (Ok(pin), _) => return Ok(Self { pin: pin.clone(), evidence: Evidence::Pin }),
            (Err(_), PythonRequest::Exact(version)) => version,
            (Err(error), PythonRequest::Series(_)) => return Err(error.into()),
        };
        if let Some(release) = installed(version, ctx)? {
            return Ok(release);
        }
        let index = match ctx.offline {
            true => "not searched while offline".to_owned(),
            false => match IndexedRelease::find(version, ctx)? {
                Some(IndexedRelease { source, suite, .. }) => {
                    ctx.reporter
                        .status("Found", format!("the digest of {} in {suite}", source.file));
                    return Self::new(version, source, Evidence::PackageIndex);
                }
                None => "no suite contains the release".to_owned(),
            },
        };
        let sigstore = match sigstore::digest(version, ctx) {
            Ok(sha256) => {
                ctx.reporter.status("Verified", format!("the signature of CPython {version}"));
                let source = Artifact::cpython(version, sha256);
                return Self::new(version, source, Evidence::Sigstore);
            }
            Err(error) => one_line(&error),
        };
        let error = anyhow::anyhow!(
            "CPython {version} is not pinned, and no other source of its digest is available\n  \
             package archives: {index}\n  Sigstore: {sigstore}"
        );
        Err(error).hint(|| {
            let pinned: Vec<String> = pins_of(version.series).collect();
            format!(
                "add `--sha256` with the digest of `Python-{version}.tar.xz`, or choose a pinned \
                 release: {}",
                pinned.join(", ")
            )
        })
    }

    /// Returns a release whose digest the user knows.
    ///
    /// # Errors
    /// When the series is not supported, or when the release is pinned with a different digest.
    pub fn given(version: PatchVersion, sha256: Digest) -> anyhow::Result<Self> {
        let Some(pin) = cpython_pins().iter().find(|pin| pin.version == version) else {
            return Self::new(version, Artifact::cpython(version, sha256), Evidence::CommandLine);
        };
        anyhow::ensure!(
            pin.source.sha256 == sha256,
            "CPython {version} is pinned with the SHA-256 {}, not {sha256}",
            pin.source.sha256
        );
        Ok(Self { pin: pin.clone(), evidence: Evidence::Pin })
    }

    /// Returns a release that is not pinned.
    ///
    /// # Errors
    /// When the series is not supported.
    pub(super) fn new(
        version: PatchVersion,
        source: Artifact,
        evidence: Evidence,
    ) -> anyhow::Result<Self> {
        is_supported(version.series)?;
        let pin = CpythonPin::unpinned(version, source).context("a series without a pin")?;
        Ok(Self { pin, evidence })
    }
}

/// The source from which an installation was built, as its manifest records it.
#[derive(Deserialize)]
pub(super) struct BuiltFrom {
    pub(super) file: String,
    pub(super) sha256: Digest,
    /// `None` if an earlier version of this tool built the installation.
    pub(super) evidence: Option<Evidence>,
}

impl BuiltFrom {
    /// Reads the manifest of an installation.
    ///
    /// # Errors
    /// When the manifest does not contain the source.
    pub(super) fn of(python: &pywasm_build::Installation) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Manifest {
            python: Python,
        }
        #[derive(Deserialize)]
        struct Python {
            source: BuiltFrom,
        }
        Ok(serde_json::from_str::<Manifest>(python.manifest())?.python.source)
    }
}

fn is_supported(series: MinorVersion) -> anyhow::Result<()> {
    let mut known: Vec<MinorVersion> = cpython_pins().iter().map(CpythonPin::series).collect();
    known.sort_unstable();
    known.dedup();
    if known.contains(&series) {
        return Ok(());
    }
    let known: Vec<String> = known.iter().map(MinorVersion::to_string).collect();
    Err(anyhow::anyhow!("CPython {series} is not supported"))
        .hint(|| format!("the supported series are {}", known.join(", ")))
}

fn pins_of(series: MinorVersion) -> impl Iterator<Item = String> {
    let of_series = cpython_pins().iter().filter(move |pin| pin.series() == series);
    of_series.map(|pin| pin.version.to_string())
}

/// Returns the release of an installation with this version, so that a build that has succeeded once
/// needs no network. An installation from local sources does not count, because its tarball may have
/// any content.
fn installed(version: PatchVersion, ctx: &Ctx) -> anyhow::Result<Option<Release>> {
    let prefix = format!("cpython-{version}-");
    for key in ctx.store.keys(Bucket::Installs)?.iter().filter(|key| key.starts_with(&prefix)) {
        let root = ctx.store.entry(Bucket::Installs, key);
        let Ok(python) = pywasm_build::Installation::open(&root) else { continue };
        let Ok(BuiltFrom { sha256, evidence, .. }) = BuiltFrom::of(&python) else { continue };
        if let Some(evidence) = evidence.filter(|one| *one != Evidence::LocalSource) {
            let source = Artifact::cpython(version, sha256);
            return Release::new(version, source, evidence).map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8Path;

    #[test]
    fn given_digest_must_be_that_of_the_pin() {
        let pinned = CpythonPin::resolve("3.13.15".parse().unwrap()).unwrap();
        let given = |version: &str, sha256| Release::given(version.parse().unwrap(), sha256);
        assert_eq!(&given("3.13.15", pinned.source.sha256).unwrap().pin, pinned);
        let other = Digest::from_bytes([7; 32]);
        assert!(given("3.13.15", other).is_err());
        let Release { pin, evidence } = given("3.14.200", other).unwrap();
        assert_eq!((pin.source.sha256, evidence), (other, Evidence::CommandLine));
        assert!(pin.source.url.ends_with("/3.14.200/Python-3.14.200.tar.xz"), "{}", pin.source.url);
    }

    #[test]
    fn unknown_release_error_lists_sources_and_pins() {
        let dir = tempfile::tempdir().unwrap();
        let ctx = Ctx::for_tests(Utf8Path::from_path(dir.path()).unwrap(), &[]);
        let error = Release::resolve("3.14.200".parse().unwrap(), &ctx).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("package archives: not searched while offline"), "{text}");
        assert!(text.contains("Sigstore: there is no `sigstore` on PATH"), "{text}");
        let hint = pywasm_session::hint_of(&error).unwrap();
        assert!(hint.contains("--sha256") && hint.contains("3.14.7"), "{hint}");
        let error = Release::resolve("3.9".parse().unwrap(), &ctx).unwrap_err();
        assert!(pywasm_session::hint_of(&error).unwrap().contains("3.13, 3.14, 3.15"), "{error}");
    }
}
