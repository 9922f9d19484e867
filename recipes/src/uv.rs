//! The pinned release of uv, which resolves requirements for Python packages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Digest, HostPlatform};

/// A release of uv.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UvPin {
    /// The version, such as `0.13.9`.
    pub version: String,
    /// The wheel for each host. It contains the program.
    #[serde(rename = "wheel")]
    pub wheels: BTreeMap<HostPlatform, PinnedWheel>,
}

/// A wheel on the Python Package Index. It has no URL: the index is the one that pip is configured
/// for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedWheel {
    /// The file name.
    pub file: String,
    /// The SHA-256 digest of the file.
    pub sha256: Digest,
    /// The size in bytes.
    pub size: u64,
}

/// Returns the pinned release of uv.
///
/// Source of the digests: `recipes/pins/uv.toml`.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn uv_pin() -> &'static UvPin {
    static PIN: LazyLock<UvPin> =
        LazyLock::new(|| toml::from_str(include_str!("../pins/uv.toml")).expect("pins/uv.toml"));
    &PIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_a_wheel_of_the_version() {
        let pin = uv_pin();
        assert_eq!(pin.wheels.len(), 4);
        for wheel in pin.wheels.values() {
            assert!(wheel.file.starts_with(&format!("uv-{}-", pin.version)), "{}", wheel.file);
        }
    }
}
