//! Where an artifact may lie, in the order in which the places are asked. Pure:
//! nothing here uses the network or the disk.

use std::fmt;

use pywasm_recipes::Artifact;

use super::Wanted;
use pywasm_session::Environment;

/// A place to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is, for messages: `upstream`, `mirror`, `package source`.
    pub label: String,
    /// The file's URL there: https, http or file.
    pub url: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, shown(&self.url))
    }
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(label: &str, url: impl Into<String>) -> Self {
        Self { label: label.to_owned(), url: url.into() }
    }
}

/// The places of a pinned artifact: upstream (or what stands in for it), the
/// mirror, and the package archives that publish the same bytes as a source package.
#[must_use]
pub fn places(artifact: &Artifact, env: &Environment, apt_archives: &[String]) -> Vec<Place> {
    let mut places = vec![upstream(&artifact.url, env)];
    places.extend(mirror_places(&Wanted::from(artifact), env));
    if let Some(path) = artifact.debian_source.as_deref().and_then(pool_path) {
        for archive in apt_archives {
            let place = Place::new("package source", below(archive, &path));
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// The mirror's places of a file. A copy of the store's `downloads-v0` is a mirror;
/// so is a directory of the files under their own names.
#[must_use]
pub fn mirror_places(wanted: &Wanted, env: &Environment) -> Vec<Place> {
    let Some(base) = env.text("PYWASM_MIRROR") else { return Vec::new() };
    let base = if base.starts_with('/') { format!("file://{base}") } else { base.to_owned() };
    let file = escaped(&wanted.file);
    let prefix = &wanted.sha256.to_string()[..16];
    vec![
        Place::new("mirror", below(&base, &format!("{prefix}-{file}"))),
        Place::new("mirror", below(&base, &file)),
    ]
}

/// `PYWASM_UPSTREAM` keeps host and path of the real URL below its own base.
fn upstream(url: &str, env: &Environment) -> Place {
    let Some(base) = env.text("PYWASM_UPSTREAM") else { return Place::new("upstream", url) };
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    Place::new("upstream", below(base, path))
}

/// `python3.13/python3.13_3.13.15.orig.tar.xz` in an archive's pool: a source
/// package lies below its first letter, or its first four when they begin with
/// `lib` (Debian's ftp-master, `poolify`).
fn pool_path(debian_source: &str) -> Option<String> {
    let (source, file) = debian_source.split_once('/')?;
    let letters = if source.starts_with("lib") { 4 } else { 1 };
    Some(format!("pool/main/{}/{source}/{file}", source.get(..letters)?))
}

fn below(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}

/// A file name as a URL segment. Package files have `+`, `~` and `%3a` in their names.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('#', "%23").replace('?', "%3f").replace(' ', "%20")
}

/// A URL for messages: without a password.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact() -> Artifact {
        Artifact {
            file: "Python-3.13.15.tar.xz".into(),
            sha256: "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76"
                .parse()
                .unwrap(),
            size: Some(23_160_540),
            url: "https://www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz".into(),
            debian_source: Some("python3.13/python3.13_3.13.15.orig.tar.xz".into()),
        }
    }

    fn urls(places: &[Place]) -> Vec<&str> {
        places.iter().map(|place| place.url.as_str()).collect()
    }

    #[test]
    fn upstream_then_mirror_then_package_sources() {
        let env = Environment::of(&[("PYWASM_MIRROR", "https://mirror.example/x/")]);
        let archives = vec!["http://archive.example/debian/".to_owned(); 2];
        assert_eq!(
            urls(&places(&artifact(), &env, &archives)),
            [
                "https://www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz",
                "https://mirror.example/x/1e66a7945a48390e-Python-3.13.15.tar.xz",
                "https://mirror.example/x/Python-3.13.15.tar.xz",
                "http://archive.example/debian/pool/main/p/python3.13/python3.13_3.13.15.orig.tar.xz",
            ]
        );
    }

    #[test]
    fn another_upstream_replaces_the_host_and_keeps_it_in_the_path() {
        let env = Environment::of(&[("PYWASM_UPSTREAM", "http://127.0.0.1:1/up")]);
        assert_eq!(
            urls(&places(&artifact(), &env, &[])),
            ["http://127.0.0.1:1/up/www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz"]
        );
    }

    #[test]
    fn a_mirror_may_be_a_plain_directory() {
        let env = Environment::of(&[("PYWASM_MIRROR", "/srv/mirror")]);
        assert!(places(&artifact(), &env, &[])[1].url.starts_with("file:///srv/mirror/1e66"));
    }

    #[test]
    fn libraries_have_longer_pool_prefixes() {
        assert_eq!(pool_path("libffi/f.tar.gz").unwrap(), "pool/main/libf/libffi/f.tar.gz");
        assert_eq!(pool_path("no slash"), None);
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("https://me:secret@mirror.example/a@b"), "https://mirror.example/a@b");
        assert_eq!(shown("https://mirror.example/a@b"), "https://mirror.example/a@b");
    }
}
