//! The source index of a suite:
//! <https://wiki.debian.org/DebianRepository/Format#A.22Sources.22_Indices>.

use pywasm_recipes::Digest;
use pywasm_store::Ctx;

use super::index::read_index;
use super::release::Release;
use super::sources::Source;
use super::stanza::{Stanza, stanzas};

/// An upstream tarball that an archive contains unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tarball {
    /// The source package, such as `python3.14`.
    pub package: String,
    /// Upstream's version, such as `3.14.10`.
    pub version: String,
    /// The name of the file in the archive, such as `python3.14_3.14.10.orig.tar.xz`.
    pub file: String,
    /// Its digest.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The suite, such as `Debian unstable`.
    pub suite: String,
}

/// Returns the upstream tarballs of a suite's source packages whose names `wanted` accepts.
///
/// # Errors
/// When an index is unavailable, or its digest differs from the one in the release file.
pub fn tarballs(
    source: &Source,
    release: &Release,
    wanted: &dyn Fn(&str) -> bool,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Tarball>> {
    let suite = release.suite();
    let mut found = Vec::new();
    for component in &source.components {
        let Some(text) = read_index(release, &format!("{component}/source"), "Sources", ctx)?
        else {
            continue;
        };
        found.extend(
            stanzas(&text)
                .filter(|stanza| stanza.leading("Package").is_some_and(wanted))
                .filter_map(|stanza| of(&stanza, &suite)),
        );
    }
    Ok(found)
}

/// Reads the `.orig` tarball of a package. Returns `None` if Debian has changed the tarball, which
/// the version shows (`1.0+dfsg`), or if it is compressed in a way other than upstream's.
fn of(stanza: &Stanza<'_>, suite: &str) -> Option<Tarball> {
    let package = stanza.get("Package")?;
    let files = stanza.get("Checksums-Sha256")?;
    files.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (sha256, size, file) = (words.next()?, words.next()?, words.next()?);
        let version = file.strip_prefix(&package)?.strip_prefix('_')?;
        let version = version.strip_suffix(".orig.tar.xz")?;
        version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then_some(())?;
        Some(Tarball {
            version: version.to_owned(),
            file: file.to_owned(),
            sha256: sha256.parse().ok()?,
            size: size.parse().ok()?,
            suite: suite.to_owned(),
            package: package.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: &str, end: &str) -> Option<Tarball> {
        let digest = "de414a57119abef52784d8993e341d53aed635fc2b05c2607d9f98a2c5b72032";
        let text = format!(
            "Package: python3.14\nChecksums-Sha256:\n {digest} 2 python3.14_{version}-1.dsc\n \
             {digest} 24 python3.14_{version}.orig.tar.{end}\nDirectory: pool/main/p/python3.14\n"
        );
        stanzas(&text).find_map(|stanza| of(&stanza, "Debian unstable"))
    }

    #[test]
    fn only_unchanged_tarballs_of_releases_are_returned() {
        let found = read("3.14.10", "xz").unwrap();
        assert_eq!((found.version.as_str(), found.size), ("3.14.10", 24));
        assert_eq!(found.file, "python3.14_3.14.10.orig.tar.xz");
        for (version, end) in [("3.14.10+dfsg", "xz"), ("3.15.0~rc2", "xz"), ("3.14.10", "gz")] {
            assert_eq!(read(version, end), None, "{version} {end}");
        }
    }
}
