//! The locations of a file, in the order in which they are tried. Nothing here uses the network or
//! the disk.

use std::fmt;

use camino::Utf8Path;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pywasm_recipes::Artifact;
use pywasm_session::Environment;
use pywasm_session::variables::{PYWASM_MIRROR, PYWASM_UPSTREAM};

use super::Wanted;

/// One location of a file. `Display` omits credentials in the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The kind of the location, for messages: `upstream`, `mirror` or `package source`.
    pub label: String,
    /// The URL of the file: https, http or file.
    pub url: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, redacted(&self.url))
    }
}

impl Location {
    /// Creates a location.
    #[must_use]
    pub fn new(label: &str, url: impl Into<String>) -> Self {
        Self { label: label.to_owned(), url: url.into() }
    }

    /// Creates the location of a file on this machine.
    #[must_use]
    pub fn file(label: &str, path: &Utf8Path) -> Self {
        Self::new(label, format!("file://{}", utf8_percent_encode(path.as_str(), RESERVED)))
    }
}

/// Returns the locations of a pinned artifact: upstream (or the server that `PYWASM_UPSTREAM` sets
/// instead), then the mirror. If a Debian source package contains the same file, the package
/// archives come last.
#[must_use]
pub fn locations(artifact: &Artifact, env: &Environment, apt_archives: &[String]) -> Vec<Location> {
    let mut locations = vec![upstream(&artifact.url, env)];
    locations.extend(mirror_locations(&Wanted::from(artifact), env));
    if let Some(path) = artifact.debian_source.as_deref().and_then(pool_path) {
        for archive in apt_archives {
            let location = Location::new("package source", below(archive, &path));
            if !locations.contains(&location) {
                locations.push(location);
            }
        }
    }
    locations
}

/// Returns the locations of a file on the mirror, or none if no mirror is set. A mirror is either a
/// copy of the store's `downloads-v0`, or a directory of files under their original names.
#[must_use]
pub fn mirror_locations(wanted: &Wanted, env: &Environment) -> Vec<Location> {
    let Some(base) = env.text(PYWASM_MIRROR) else { return Vec::new() };
    let base = if base.starts_with('/') { format!("file://{base}") } else { base.to_owned() };
    let file = utf8_percent_encode(&wanted.file, RESERVED);
    let prefix = &wanted.sha256.to_string()[..16];
    vec![
        Location::new("mirror", below(&base, &format!("{prefix}-{file}"))),
        Location::new("mirror", below(&base, &file.to_string())),
    ]
}

/// Returns the upstream location. If `PYWASM_UPSTREAM` is set to a base URL, the location is
/// `<base>/<host>/<path>`.
#[must_use]
pub fn upstream(url: &str, env: &Environment) -> Location {
    let Some(base) = env.text(PYWASM_UPSTREAM) else { return Location::new("upstream", url) };
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    Location::new("upstream", below(base, path))
}

/// Returns the path of a source package's file in an archive's pool, such as
/// `pool/main/p/python3.13/python3.13_3.13.15.orig.tar.xz`. The third component is the first letter
/// of the package's name, or the first four letters if the name begins with `lib`:
/// <https://www.debian.org/doc/manuals/debian-faq/pkg-ftparchives>.
fn pool_path(debian_source: &str) -> Option<String> {
    let (source, file) = debian_source.split_once('/')?;
    let letters = if source.starts_with("lib") { 4 } else { 1 };
    Some(format!("pool/main/{}/{source}/{file}", source.get(..letters)?))
}

fn below(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}

/// The characters of a file name that are escaped in a URL. File names of packages can contain
/// `%3a`, whose `%` must be escaped. They can also contain `+` and `~`, which need no escaping.
const RESERVED: &AsciiSet = &CONTROLS.add(b'%').add(b'#').add(b'?').add(b' ');

/// Returns a URL without its user name and password, for messages.
#[must_use]
pub fn redacted(url: &str) -> String {
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

    fn urls(locations: &[Location]) -> Vec<&str> {
        locations.iter().map(|location| location.url.as_str()).collect()
    }

    #[test]
    fn upstream_then_mirror_then_package_sources() {
        let env = Environment::of(&[(PYWASM_MIRROR, "https://mirror.example/x/")]);
        let archives = vec!["http://archive.example/debian/".to_owned(); 2];
        assert_eq!(
            urls(&locations(&artifact(), &env, &archives)),
            [
                "https://www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz",
                "https://mirror.example/x/1e66a7945a48390e-Python-3.13.15.tar.xz",
                "https://mirror.example/x/Python-3.13.15.tar.xz",
                "http://archive.example/debian/pool/main/p/python3.13/python3.13_3.13.15.orig.tar.xz",
            ]
        );
    }

    #[test]
    fn replaced_upstream_keeps_host_and_path() {
        let env = Environment::of(&[(PYWASM_UPSTREAM, "http://127.0.0.1:1/up")]);
        assert_eq!(
            urls(&locations(&artifact(), &env, &[])),
            ["http://127.0.0.1:1/up/www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz"]
        );
    }

    #[test]
    fn mirror_may_be_a_directory() {
        let env = Environment::of(&[(PYWASM_MIRROR, "/srv/mirror")]);
        let locations = locations(&artifact(), &env, &[]);
        assert!(locations[1].url.starts_with("file:///srv/mirror/1e66"));
    }

    #[test]
    fn reserved_characters_of_names_are_escaped() {
        let env = Environment::of(&[(PYWASM_MIRROR, "/srv/mirror")]);
        let file = "clang_1%3a22+b~1 #?.deb".to_owned();
        let wanted = Wanted { file, ..Wanted::from(&artifact()) };
        let url = &mirror_locations(&wanted, &env)[1].url;
        assert_eq!(url, "file:///srv/mirror/clang_1%253a22+b~1%20%23%3F.deb");
    }

    #[test]
    fn paths_of_files_are_escaped() {
        let location = Location::file("Cargo", "/home/a b/x-1+2.crate".into());
        assert_eq!(location.url, "file:///home/a%20b/x-1+2.crate");
    }

    #[test]
    fn libraries_have_longer_pool_prefixes() {
        assert_eq!(pool_path("libffi/f.tar.gz").unwrap(), "pool/main/libf/libffi/f.tar.gz");
        assert_eq!(pool_path("no slash"), None);
    }

    #[test]
    fn password_is_not_displayed() {
        assert_eq!(redacted("https://me:secret@mirror.example/a@b"), "https://mirror.example/a@b");
        assert_eq!(redacted("https://mirror.example/a@b"), "https://mirror.example/a@b");
        assert_eq!(
            redacted("https://me:secret@mirror.example:8443/a"),
            "https://mirror.example:8443/a"
        );
        assert_eq!(redacted("/srv/mirror"), "/srv/mirror");
    }
}
