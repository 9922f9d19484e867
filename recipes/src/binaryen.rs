//! The pinned release of Binaryen, which provides `wasm-opt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Artifact, Digest, HostPlatform};

/// A release of Binaryen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BinaryenPin {
    /// The release number, such as 123 for `version_123`.
    pub release: u32,
    /// The archive for each host.
    pub hosts: BTreeMap<HostPlatform, Artifact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    number: u32,
    sha256: BTreeMap<HostPlatform, Digest>,
}

/// Returns the pinned release of Binaryen.
///
/// Source of the digests: `recipes/pins/binaryen.toml`.
///
/// # Panics
/// Never, because the data is compiled in and tests parse it.
#[must_use]
pub fn binaryen_pin() -> &'static BinaryenPin {
    static PIN: LazyLock<BinaryenPin> = LazyLock::new(|| {
        let file: File =
            toml::from_str(include_str!("../pins/binaryen.toml")).expect("pins/binaryen.toml");
        BinaryenPin::from(file)
    });
    &PIN
}

impl From<File> for BinaryenPin {
    fn from(file: File) -> Self {
        let release = file.number;
        let artifact = |(host, sha256)| {
            let file = format!("binaryen-version_{release}-{}.tar.gz", file_suffix(host));
            let url = format!(
                "https://github.com/WebAssembly/binaryen/releases/download/version_{release}/{file}"
            );
            (host, Artifact { file, sha256, size: None, url, debian_source: None })
        };
        Self { release, hosts: file.sha256.into_iter().map(artifact).collect() }
    }
}

/// Returns the name of the platform in Binaryen's file names. WASI SDK uses a different name for
/// Linux on Arm.
const fn file_suffix(host: HostPlatform) -> &'static str {
    match host {
        HostPlatform::Arm64Linux => "aarch64-linux",
        _ => host.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_upstream_names() {
        let pin = binaryen_pin();
        let files: Vec<&str> = pin.hosts.values().map(|it| it.file.as_str()).collect();
        assert_eq!(
            files,
            [
                "binaryen-version_123-x86_64-linux.tar.gz",
                "binaryen-version_123-aarch64-linux.tar.gz",
                "binaryen-version_123-x86_64-macos.tar.gz",
                "binaryen-version_123-arm64-macos.tar.gz",
            ]
        );
        let url = &pin.hosts[&HostPlatform::Arm64Linux].url;
        assert!(url.ends_with("/version_123/binaryen-version_123-aarch64-linux.tar.gz"), "{url}");
        let mut digests: Vec<String> = pin.hosts.values().map(|it| it.sha256.to_string()).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), pin.hosts.len(), "two archives have the same digest");
    }
}
