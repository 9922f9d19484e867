//! The machine's package sources, from `.sources` files (deb822) and `.list` files (one-line
//! style): <https://manpages.debian.org/sources.list.5>.

use std::slice::from_ref;

use camino::Utf8PathBuf;

use super::stanza::stanzas;

/// The keys that are trusted to sign the release file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// The keys in these files.
    Files(Vec<Utf8PathBuf>),
    /// An armored key in the `.sources` file itself.
    Embedded(String),
    /// The keys that apt trusts for every archive.
    Default,
}

/// One suite of one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The base URI of the archive, without a trailing slash.
    pub uri: String,
    /// The suite, such as `bookworm` or `bookworm-security`.
    pub suite: String,
    /// The components, such as `main` and `universe`.
    pub components: Vec<String>,
    /// The trusted keys.
    pub keyring: Keyring,
    /// The architectures for which the source is used. If empty, the source is used for all
    /// architectures of the machine.
    pub architectures: Vec<String>,
}

impl Source {
    /// Returns true if the source is used for this architecture.
    #[must_use]
    pub fn serves(&self, architecture: &str) -> bool {
        self.architectures.is_empty() || self.architectures.iter().any(|it| it == architecture)
    }

    /// Returns another suite of the same archive, with the same keys.
    #[must_use]
    pub fn other_suite(&self, suite: &str) -> Self {
        Self { suite: suite.to_owned(), ..self.clone() }
    }
}

impl Keyring {
    /// Returns true if these are the archive keys of Debian or Ubuntu.
    #[must_use]
    pub fn is_distribution(&self) -> bool {
        match self {
            Self::Default => true,
            Self::Embedded(_) => false,
            Self::Files(files) => files.iter().any(|file| {
                let name = file.file_name().unwrap_or_default();
                name.starts_with("debian-archive") || name.starts_with("ubuntu-archive")
            }),
        }
    }
}

/// Parses a `.sources` file.
#[must_use]
pub fn parse_deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for stanza in stanzas(text) {
        let words = |field| -> Vec<String> {
            let value = stanza.get(field).unwrap_or_default();
            value.split_whitespace().map(str::to_owned).collect()
        };
        if stanza.get("Enabled").is_some_and(|it| is_no(&it))
            || !words("Types").iter().any(|kind| kind == "deb")
        {
            continue;
        }
        let keyring = match stanza.get("Signed-By") {
            None => Keyring::Default,
            Some(key) if key.contains("BEGIN PGP PUBLIC KEY BLOCK") => Keyring::Embedded(key),
            Some(files) => {
                Keyring::Files(files.split_whitespace().map(Utf8PathBuf::from).collect())
            }
        };
        let part = Part {
            components: words("Components"),
            keyring,
            architectures: words("Architectures"),
        };
        push(&mut sources, &words("URIs"), &words("Suites"), &part);
    }
    sources
}

/// Parses a `.list` file: `deb [signed-by=/k.gpg] URI suite component…`.
#[must_use]
pub fn parse_one_line(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(("deb", rest)) = line.split_once([' ', '\t']) else { continue };
        let (options, rest) = match rest.trim_start().strip_prefix('[') {
            Some(bracket) => bracket.split_once(']').unwrap_or((bracket, "")),
            None => ("", rest),
        };
        let option = |name: &str| {
            let value = options
                .split_whitespace()
                .filter_map(|option| option.split_once('='))
                .find_map(|(key, value)| (key == name).then_some(value));
            value.map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        };
        let keyring = option("signed-by").map_or(Keyring::Default, |files| {
            Keyring::Files(files.into_iter().map(Utf8PathBuf::from).collect())
        });
        let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        if let [uri, suite, components @ ..] = words.as_slice() {
            let part = Part {
                components: components.to_vec(),
                keyring,
                architectures: option("arch").unwrap_or_default(),
            };
            push(&mut sources, from_ref(uri), from_ref(suite), &part);
        }
    }
    sources
}

/// The fields that all suites of an entry have in common.
struct Part {
    components: Vec<String>,
    keyring: Keyring,
    architectures: Vec<String>,
}

fn push(sources: &mut Vec<Source>, uris: &[String], suites: &[String], part: &Part) {
    let known = ["http://", "https://", "file:///"];
    for uri in uris.iter().filter(|uri| known.iter().any(|scheme| uri.starts_with(scheme))) {
        // A suite with a trailing slash is a flat repository, which has no components.
        for suite in suites.iter().filter(|suite| !suite.ends_with('/')) {
            sources.push(Source {
                uri: uri.trim_end_matches('/').to_owned(),
                suite: suite.clone(),
                components: part.components.clone(),
                keyring: part.keyring.clone(),
                architectures: part.architectures.clone(),
            });
        }
    }
}

/// Returns true for a value that apt interprets as false, according to `StringToBool` in apt's
/// `strutl.cc`.
fn is_no(value: &str) -> bool {
    let words = ["no", "false", "without", "off", "disable", "0"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEB822: &str = "\
Types: deb deb-src
# a comment
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/
Suites: x
Components: main

Types: deb-src
URIs: http://sources.example/
Suites: x
Components: main
";

    #[test]
    fn deb822_has_one_source_per_enabled_binary_suite() {
        let sources = parse_deb822(DEB822);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[1].uri, "http://mirror.example/debian");
        assert_eq!(sources[1].suite, "bookworm-updates");
        assert!(sources[1].keyring.is_distribution());
    }

    #[test]
    fn one_line_sources_have_options() {
        let text = "# deb http://no.example x main\n\
            deb [arch=amd64 signed-by=/k/other.gpg] https://third.example/apt any main extra # tail\n\
            deb http://mirror.example/ubuntu noble main universe\n\
            deb-src http://mirror.example/ubuntu noble main\n";
        let sources = parse_one_line(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].keyring, Keyring::Files(vec!["/k/other.gpg".into()]));
        assert!(!sources[0].keyring.is_distribution());
        assert_eq!(sources[0].components, ["main", "extra"]);
        assert_eq!(sources[1].keyring, Keyring::Default);
    }

    #[test]
    fn source_serves_its_architectures_only() {
        let lines = "deb [arch=arm64,armhf] http://a.example s main\n\
            deb\thttp://b.example s main\n";
        let sources = parse_one_line(lines);
        assert!(sources[0].serves("arm64") && !sources[0].serves("amd64"));
        assert!(sources[1].serves("amd64"));
        let text = "Types: deb\nURIs: http://a.example\nSuites: s\nComponents: main\n\
            Architectures: amd64 i386\n";
        assert!(!parse_deb822(text)[0].serves("arm64"));
    }

    #[test]
    fn disabled_entries_are_ignored() {
        for (word, count) in [("No", 0), ("off", 0), ("0", 0), ("yes", 1)] {
            let text = format!("Types: deb\nURIs: http://a.example\nSuites: s\nEnabled: {word}\n");
            assert_eq!(parse_deb822(&text).len(), count, "{word}");
        }
    }

    #[test]
    fn unsupported_uris_are_ignored() {
        let text = "deb cdrom:[disc] s main\ndeb http://flat.example ./\ndeb ftp://a.example s m\n";
        assert!(parse_one_line(text).is_empty());
    }

    #[test]
    fn embedded_key_is_kept_verbatim() {
        let text = "Types: deb\nURIs: http://a.example\nSuites: s\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abcd\n \
            -----END PGP PUBLIC KEY BLOCK-----\n";
        let sources = parse_deb822(text);
        assert!(matches!(&sources[0].keyring, Keyring::Embedded(key) if key.contains("abcd")));
    }
}
