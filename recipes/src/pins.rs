//! Pins: upstream files known by their SHA-256, with the places they were published at.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{Digest, MinorVersion, PatchVersion, PythonRequest};

/// A file to fetch. Its digest is what it is; URLs are only places to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The file name upstream gave it.
    pub file: String,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Size in bytes, where it is known: a wrong size stops a download early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where upstream publishes it.
    pub url: String,
    /// The name of the Debian source package whose `.orig` tarball is the same
    /// bytes, as `source/file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debian_source: Option<String>,
}

/// One CPython release that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpythonPin {
    /// The release.
    pub version: PatchVersion,
    /// The WASI SDK that CPython's own documentation names for this series (PEP 816).
    pub wasi_sdk: u32,
    /// The source tarball.
    pub source: Artifact,
}

/// What is known of a WASI SDK release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status", content = "reason")]
pub enum SdkStatus {
    /// Works.
    Usable,
    /// Must not be used, and why.
    Refused(String),
}

/// The machine a WASI SDK runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostPlatform {
    /// x86-64 Linux.
    #[serde(rename = "x86_64-linux")]
    X86_64Linux,
    /// 64-bit Arm Linux.
    #[serde(rename = "arm64-linux")]
    Arm64Linux,
    /// Intel Macs.
    #[serde(rename = "x86_64-macos")]
    X86_64Macos,
    /// Apple silicon.
    #[serde(rename = "arm64-macos")]
    Arm64Macos,
}

/// One release of the official WASI SDK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkPin {
    /// The release number, 25 for `wasi-sdk-25`.
    pub release: u32,
    /// Whether it may be used.
    pub status: SdkStatus,
    /// The archive of each host that has one pinned.
    pub hosts: BTreeMap<HostPlatform, Artifact>,
}

/// Why there is no pin for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// No release of this series is pinned.
    #[error("no CPython {0} is pinned; pinned are {1}")]
    UnknownVersion(PythonRequest, String),
}

impl HostPlatform {
    /// The platform of Rust's `OS` and `ARCH` constants, where there is a WASI SDK for it.
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

    /// The platform as WASI SDK's file names spell it.
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

/// Every pinned CPython release, newest first.
///
/// Source of the digests: `recipes/pins/cpython.toml`.
///
/// # Panics
/// Never in a build that passed this crate's tests: the data is compiled in.
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

/// Every known release of the official WASI SDK, oldest first.
///
/// Source of the digests: `recipes/pins/wasi-sdk.toml`.
///
/// # Panics
/// Never in a build that passed this crate's tests: the data is compiled in.
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
    /// The newest pin that answers `request`.
    ///
    /// # Errors
    /// When nothing pinned answers it; the error lists what is pinned.
    pub fn resolve(request: PythonRequest) -> Result<&'static Self, PinError> {
        cpython_pins().iter().find(|pin| request.matches(pin.version)).ok_or_else(|| {
            let known: Vec<String> =
                cpython_pins().iter().map(|pin| pin.version.to_string()).collect();
            PinError::UnknownVersion(request, known.join(", "))
        })
    }

    /// The series this release belongs to.
    #[must_use]
    pub const fn series(&self) -> MinorVersion {
        self.version.series
    }
}

impl SdkPin {
    /// The pin of release `number`, where there is one.
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
                // Since release 23 the name carries the architecture.
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
    fn a_series_resolves_to_its_newest_release() {
        let pin = CpythonPin::resolve("3.13".parse().unwrap()).unwrap();
        assert_eq!(pin.version.to_string(), "3.13.15");
    }

    #[test]
    fn an_unknown_release_lists_the_known_ones() {
        let error = CpythonPin::resolve("3.9".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("3.13.15"), "{error}");
    }

    #[test]
    fn releases_that_hang_cpython_are_refused_with_the_reason() {
        for number in [26, 27] {
            let SdkStatus::Refused(reason) = &SdkPin::find(number).unwrap().status else {
                panic!("{number} is not refused");
            };
            assert!(reason.contains("wasi-libc#617"));
        }
    }

    #[test]
    fn every_cpython_names_an_sdk_that_is_usable() {
        for pin in cpython_pins() {
            let sdk = SdkPin::find(pin.wasi_sdk).unwrap();
            assert_eq!(sdk.status, SdkStatus::Usable, "{}", pin.version);
            for host in [HostPlatform::X86_64Linux, HostPlatform::Arm64Macos] {
                assert!(sdk.hosts.contains_key(&host));
            }
        }
    }
}
