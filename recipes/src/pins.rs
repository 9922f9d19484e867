//! Pinned upstream releases: files identified by SHA-256, with their download URLs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Digest, MinorVersion, PatchVersion, PythonRequest};

/// A file to fetch. The digest identifies the file. The URL is only one location to fetch it from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The file name that upstream uses.
    pub file: String,
    /// The SHA-256 digest of the file.
    pub sha256: Digest,
    /// The size in bytes, if known. If it is known, the download of a wrong file stops early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The URL that upstream publishes.
    pub url: String,
    /// The Debian source package whose `.orig` tarball contains the same bytes, and the name of
    /// this tarball, in the form `source/file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian_source: Option<String>,
}

impl Artifact {
    /// Returns the tarball of a CPython release. Debian's archive may contain it as well.
    #[must_use]
    pub fn cpython(version: PatchVersion, sha256: Digest) -> Self {
        let file = format!("Python-{version}.tar.xz");
        let url = format!("https://www.python.org/ftp/python/{version}/{file}");
        let series = version.series;
        let debian_source = Some(format!("python{series}/python{series}_{version}.orig.tar.xz"));
        Self { file, sha256, size: None, url, debian_source }
    }
}

const fn yes() -> bool {
    true
}

/// A CPython release that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CpythonPin {
    /// The release.
    pub version: PatchVersion,
    /// The WASI SDK release to build CPython with. `pins/cpython.toml` explains the choice.
    pub wasi_sdk: u32,
    /// The WASI SDK release to build CPython with if the recipe uses training data, which needs a
    /// newer compiler. If unset, it is `wasi_sdk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_wasi_sdk: Option<u32>,
    /// True if this project's tests build the release.
    #[serde(default = "yes")]
    pub tested: bool,
    /// The source tarball.
    pub source: Artifact,
}

/// The verdict on a WASI SDK release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status", content = "reason")]
pub enum SdkStatus {
    /// The release works.
    Usable,
    /// The release must not be used, for this reason.
    Refused(String),
}

/// The platform that a tool runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HostPlatform {
    /// x86-64 Linux.
    #[serde(rename = "x86_64-linux")]
    X86_64Linux,
    /// 64-bit Arm Linux.
    #[serde(rename = "arm64-linux")]
    Arm64Linux,
    /// macOS on Intel.
    #[serde(rename = "x86_64-macos")]
    X86_64Macos,
    /// macOS on Apple silicon.
    #[serde(rename = "arm64-macos")]
    Arm64Macos,
}

/// A release of the official WASI SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SdkPin {
    /// The release number, such as 25 for `wasi-sdk-25`.
    pub release: u32,
    /// The verdict on the release.
    pub status: SdkStatus,
    /// The pinned archive for each host.
    pub hosts: BTreeMap<HostPlatform, Artifact>,
}

/// The error for a request that no pin satisfies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// The requested release is not pinned. The second field lists the pinned releases.
    #[error("CPython {0} is not pinned; the pinned releases are {1}")]
    UnknownVersion(PythonRequest, String),
}

impl HostPlatform {
    /// Returns the platform for these values of Rust's `OS` and `ARCH` constants, if it is
    /// supported.
    #[must_use]
    pub fn of(os: &str, arch: &str) -> Option<Self> {
        match (os, arch) {
            ("linux", "x86_64") => Some(Self::X86_64Linux),
            ("linux", "aarch64") => Some(Self::Arm64Linux),
            ("macos", "x86_64") => Some(Self::X86_64Macos),
            ("macos", "aarch64") => Some(Self::Arm64Macos),
            _ => None,
        }
    }

    /// Returns the name of the platform in WASI SDK's file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64Linux => "x86_64-linux",
            Self::Arm64Linux => "arm64-linux",
            Self::X86_64Macos => "x86_64-macos",
            Self::Arm64Macos => "arm64-macos",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CpythonFile {
    release: Vec<CpythonPin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SdkFile {
    release: Vec<SdkEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SdkEntry {
    number: u32,
    #[serde(default)]
    refused: Option<String>,
    #[serde(default)]
    sha256: BTreeMap<HostPlatform, Digest>,
}

/// Returns the pinned CPython releases, newest first.
///
/// Source of the digests: `recipes/pins/cpython.toml`.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn cpython_pins() -> &'static [CpythonPin] {
    static PINS: LazyLock<Vec<CpythonPin>> = LazyLock::new(|| {
        let file: CpythonFile =
            toml::from_str(include_str!("../pins/cpython.toml")).expect("pins/cpython.toml");
        let mut pins = file.release;
        pins.sort_by_key(|pin| std::cmp::Reverse(pin.version));
        pins
    });
    &PINS
}

/// Returns the known releases of the official WASI SDK, oldest first.
///
/// Source of the digests: `recipes/pins/wasi-sdk.toml`.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn sdk_pins() -> &'static [SdkPin] {
    static PINS: LazyLock<Vec<SdkPin>> = LazyLock::new(|| {
        let file: SdkFile =
            toml::from_str(include_str!("../pins/wasi-sdk.toml")).expect("pins/wasi-sdk.toml");
        let mut pins: Vec<SdkPin> = file.release.into_iter().map(SdkPin::from).collect();
        pins.sort_by_key(|pin| pin.release);
        pins
    });
    &PINS
}

impl CpythonPin {
    /// Returns the newest tested pin that satisfies `request`, or else the newest pin that satisfies
    /// it.
    ///
    /// # Errors
    /// If no pin satisfies the request. The error lists the pinned releases.
    pub fn resolve(request: PythonRequest) -> Result<&'static Self, PinError> {
        let fitting = || cpython_pins().iter().filter(|pin| request.matches(pin.version));
        fitting().find(|pin| pin.tested).or_else(|| fitting().next()).ok_or_else(|| {
            let known: Vec<String> =
                cpython_pins().iter().map(|pin| pin.version.to_string()).collect();
            PinError::UnknownVersion(request, known.join(", "))
        })
    }

    /// Returns a pin for a release that this crate does not pin. The WASI SDK is that of the newest
    /// pin in the series, or `None` is returned if the series has no pins.
    #[must_use]
    pub fn unpinned(version: PatchVersion, source: Artifact) -> Option<Self> {
        let newest = cpython_pins().iter().find(|pin| pin.version.series == version.series)?;
        Some(Self { version, tested: false, source, ..newest.clone() })
    }

    /// Returns the series of this release.
    #[must_use]
    pub const fn series(&self) -> MinorVersion {
        self.version.series
    }
}

impl SdkPin {
    /// Returns the pin for release `number`.
    #[must_use]
    pub fn find(number: u32) -> Option<&'static Self> {
        sdk_pins().iter().find(|pin| pin.release == number)
    }
}

impl From<SdkEntry> for SdkPin {
    fn from(entry: SdkEntry) -> Self {
        let number = entry.number;
        let hosts = entry
            .sha256
            .into_iter()
            .map(|(host, sha256)| {
                // Since release 23, file names contain the architecture.
                let file = format!("wasi-sdk-{number}.0-{}.tar.gz", host.as_str());
                let url = format!(
                    "https://github.com/WebAssembly/wasi-sdk/releases/download/wasi-sdk-{number}/{file}"
                );
                (host, Artifact { file, sha256, size: None, url, debian_source: None })
            })
            .collect();
        let status = entry.refused.map_or(SdkStatus::Usable, SdkStatus::Refused);
        Self { release: number, status, hosts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_resolves_to_newest_tested_release() {
        let resolved = |text: &str| {
            let pin = CpythonPin::resolve(text.parse().unwrap()).unwrap();
            (pin.version.to_string(), pin.tested)
        };
        assert_eq!(resolved("3.13"), ("3.13.15".to_owned(), true));
        assert_eq!(resolved("3.13.18"), ("3.13.18".to_owned(), false));
        assert_eq!(resolved("3.15"), ("3.15.2".to_owned(), false));
    }

    #[test]
    fn unknown_release_error_lists_pins() {
        let error = CpythonPin::resolve("3.9".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("3.13.15"), "{error}");
    }

    #[test]
    fn releases_that_hang_cpython_are_refused() {
        for number in [26, 27] {
            let SdkStatus::Refused(reason) = &SdkPin::find(number).unwrap().status else {
                panic!("{number} is not refused");
            };
            assert!(reason.contains("wasi-libc#617"));
        }
    }

    #[test]
    fn every_cpython_pin_has_a_usable_sdk() {
        for pin in cpython_pins() {
            for release in [Some(pin.wasi_sdk), pin.trained_wasi_sdk].into_iter().flatten() {
                let sdk = SdkPin::find(release).unwrap();
                assert_eq!(sdk.status, SdkStatus::Usable, "{}", pin.version);
                for host in [HostPlatform::X86_64Linux, HostPlatform::Arm64Macos] {
                    assert!(sdk.hosts.contains_key(&host));
                }
            }
        }
    }
}
