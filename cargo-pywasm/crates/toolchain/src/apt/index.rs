//! A suite's index of packages.

use anyhow::Context;
use pywasm_recipes::Digest;
use serde::{Deserialize, Serialize};

use super::release::Release;
use super::sources::Source;
use super::stanza::{Stanza, stanzas};
use pywasm_store::Ctx;
use pywasm_store::fetch::{Place, Wanted, fetch};
use pywasm_store::unpack::{Limits, decompress};

/// One package of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, epoch and all.
    pub version: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is.
    pub url: String,
    /// What it depends on, as the index writes it.
    #[serde(default)]
    pub depends: String,
}

impl Package {
    /// What `fetch` is asked for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let file = self.url.rsplit('/').next().unwrap_or(&self.name).to_owned();
        Wanted { file, sha256: self.sha256, size: Some(self.size) }
    }

    /// Where `fetch` looks.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        vec![Place::new("package archive", self.url.clone())]
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

/// The packages of a suite for an architecture whose names are wanted, in the index's order.
///
/// # Errors
/// When an index can't be had or is not what the release says.
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
            ["xz", "gz"].iter().find_map(|end| release.file(&format!("{dir}/Packages.{end}")));
        let Some((index, urls)) = compressed else { continue };
        let places: Vec<Place> =
            urls.into_iter().map(|url| Place::new("package index", url)).collect();
        let index = fetch(&index, &places, ctx)?;
        let bytes = fs_err::read(index.path())?;
        let bytes = decompress(&bytes, &dir, &Limits::default())?;
        let text =
            String::from_utf8(bytes).with_context(|| format!("the index {dir} is not text"))?;
        found.extend(
            stanzas(&text)
                .filter(|stanza| stanza.leading("Package").is_some_and(wanted))
                .filter_map(|stanza| Package::of(&stanza, &source.uri)),
        );
    }
    Ok(found)
}
