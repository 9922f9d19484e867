//! The package index of a suite:
//! <https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices>.

use anyhow::Context;
use pywasm_recipes::Digest;
use pywasm_store::Ctx;
use pywasm_store::fetch::{Location, Wanted, fetch};
use pywasm_store::unpack::{Limits, decompress};
use serde::{Deserialize, Serialize};

use super::release::Release;
use super::sources::Source;
use super::stanza::{Stanza, stanzas};

/// A package in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The package's version, including the epoch.
    pub version: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its URL.
    pub url: String,
    /// The text of the package's `Depends` field.
    #[serde(default)]
    pub depends: String,
}

impl Package {
    /// Returns the file to fetch.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let file = self.url.rsplit('/').next().unwrap_or(&self.name).to_owned();
        Wanted { file, sha256: self.sha256, size: Some(self.size) }
    }

    /// Returns the locations of the file.
    #[must_use]
    pub fn locations(&self) -> Vec<Location> {
        vec![Location::new("package archive", self.url.clone())]
    }

    fn of(stanza: &Stanza<'_>, uri: &str) -> Option<Self> {
        Some(Self {
            name: stanza.get("Package")?,
            version: stanza.get("Version")?,
            sha256: stanza.get("SHA256")?.parse().ok()?,
            size: stanza.get("Size")?.parse().ok()?,
            url: format!("{uri}/{}", stanza.get("Filename")?),
            depends: stanza.get("Depends").unwrap_or_default(),
        })
    }
}

/// Returns the packages of a suite for one architecture, in the order of the index. Includes only
/// packages whose names `wanted` accepts.
///
/// # Errors
/// When an index is unavailable, or its digest differs from the one in the release file.
pub fn packages(
    source: &Source,
    release: &Release,
    architecture: &str,
    wanted: &dyn Fn(&str) -> bool,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Package>> {
    let mut found = Vec::new();
    for component in &source.components {
        let dir = format!("{component}/binary-{architecture}");
        let compressed =
            ["xz", "gz"].iter().find_map(|it| release.file(&format!("{dir}/Packages.{it}")));
        let Some((index, urls)) = compressed else { continue };
        let locations: Vec<Location> =
            urls.into_iter().map(|url| Location::new("package index", url)).collect();
        let index = fetch(&index, &locations, ctx)?;
        let bytes = fs_err::read(index.path())?;
        let bytes = decompress(&bytes, &dir, &Limits::default())?;
        let text = String::from_utf8(bytes)
            .with_context(|| format!("the package index of {dir} is not UTF-8"))?;
        found.extend(
            stanzas(&text)
                .filter(|stanza| stanza.leading("Package").is_some_and(wanted))
                .filter_map(|stanza| Package::of(&stanza, &source.uri)),
        );
    }
    Ok(found)
}
