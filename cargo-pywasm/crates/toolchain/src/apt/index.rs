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
        let Some(text) = read_index(release, &dir, "Packages", ctx)? else { continue };
        found.extend(
            stanzas(&text)
                .filter(|stanza| stanza.leading("Package").is_some_and(wanted))
                .filter_map(|stanza| Package::of(&stanza, &source.uri)),
        );
    }
    Ok(found)
}

/// Returns the text of a compressed index, or `None` if the suite does not have it. `dir` is relative
/// to the suite.
pub(super) fn read_index(
    release: &Release,
    dir: &str,
    name: &str,
    ctx: &Ctx,
) -> anyhow::Result<Option<String>> {
    let mut compressed = ["xz", "gz"].iter();
    let found = compressed.find_map(|end| release.file(&format!("{dir}/{name}.{end}")));
    let Some((index, urls)) = found else { return Ok(None) };
    let locations: Vec<Location> =
        urls.into_iter().map(|url| Location::new("package index", url)).collect();
    let index = fetch(&index, &locations, ctx)?;
    let bytes = decompress(&fs_err::read(index.path())?, dir, &Limits::default())?;
    let text = String::from_utf8(bytes)
        .with_context(|| format!("the package index of {dir} is not UTF-8"))?;
    Ok(Some(text))
}
