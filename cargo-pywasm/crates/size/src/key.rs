//! What a limit can be of.

use std::fmt;
use std::str::FromStr;

use pywasm_session::nearest;

use super::{Breakdown, By, Kind, Row, View, view};

/// The key of a budget that is no limit.
pub(super) const BASELINE: &str = "baseline";

/// What a limit is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The module.
    Total,
    /// The module, compressed by gzip.
    Gzip,
    /// Its code section.
    Code,
    /// Its data section.
    Data,
    /// All of a kind.
    Kind(Kind),
    /// A Python module, with all modules below it.
    Module(String),
    /// A crate of Rust.
    Crate(String),
    /// An object: `unicodeobject.o`, or with its archive, `libpython3.13.a(unicodeobject.o)`.
    Object(String),
}

/// The keys that stand for themselves.
const WORDS: [(&str, Key); 10] = [
    ("total", Key::Total),
    ("gzip", Key::Gzip),
    ("code", Key::Code),
    ("data", Key::Data),
    ("python", Key::Kind(Kind::Python)),
    ("c", Key::Kind(Kind::C)),
    ("rust", Key::Kind(Kind::Rust)),
    ("unknown", Key::Kind(Kind::Unknown)),
    ("debug", Key::Kind(Kind::Debug)),
    ("format", Key::Kind(Kind::Format)),
];

/// A key of a name.
type Named = fn(String) -> Key;

/// Those that a name follows.
const PREFIXES: [(&str, Named); 3] =
    [("module:", Key::Module), ("crate:", Key::Crate), ("object:", Key::Object)];

impl Key {
    /// How much of it there is; of what is compressed, where that is known.
    #[must_use]
    pub fn bytes(&self, all: &Breakdown) -> Option<u64> {
        match self {
            Self::Total => Some(all.total),
            Self::Gzip => all.gzip,
            key => Some(all.sum(|row| key.has(all, row))),
        }
    }

    /// Whether a row counts.
    pub(super) fn has(&self, all: &Breakdown, row: &Row) -> bool {
        let origin = all.text(row.origin);
        match self {
            Self::Total | Self::Gzip => true,
            Self::Code => all.text(row.section) == "code",
            Self::Data => all.text(row.section) == "data",
            Self::Kind(kind) => row.kind == *kind,
            Self::Module(name) => {
                let rest = origin.strip_prefix(name.as_str());
                row.kind == Kind::Python
                    && rest.is_some_and(|it| it.is_empty() || it.starts_with('.'))
            }
            Self::Crate(name) => origin.strip_prefix("crate ") == Some(name),
            Self::Object(name) => {
                let object = all.text(row.object);
                let member = object.rsplit_once('(').and_then(|(_, it)| it.strip_suffix(')'));
                !object.is_empty() && (object == name || member == Some(name))
            }
        }
    }

    /// What it may have meant, where nothing is of this name.
    pub(super) fn near(&self, all: &Breakdown) -> Option<Vec<String>> {
        let (by, name) = match self {
            Self::Module(name) => (By::Module, name),
            Self::Crate(name) => (By::Crate, name),
            Self::Object(name) => (By::Object, name),
            _ => return None,
        };
        (self.bytes(all) == Some(0)).then_some(())?;
        let entries = View::of(all, by).entries;
        let known = entries.iter().filter(|it| !it.is_rest).map(|it| match by {
            By::Object => {
                it.label.rsplit_once('(').map_or(&*it.label, |it| it.1.trim_end_matches(')'))
            }
            By::Module if !name.contains('.') => view::package(&it.label),
            _ => it.label.as_str(),
        });
        let mut near = nearest(name, known);
        near.sort();
        near.dedup();
        Some(near)
    }

    /// The table that tells most of it.
    pub(super) fn by(&self, is_named: bool) -> By {
        match self {
            Self::Total | Self::Gzip | Self::Code | Self::Data => By::Origin,
            Self::Kind(Kind::Python) | Self::Module(_) => By::Module,
            Self::Kind(_) => By::Origin,
            Self::Crate(_) | Self::Object(_) if is_named => By::Function,
            Self::Crate(_) | Self::Object(_) => By::Section,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Crate(name) => write!(f, "crate:{name}"),
            Self::Object(name) => write!(f, "object:{name}"),
            key => f.write_str(WORDS.iter().find(|(_, it)| it == key).map_or("", |(word, _)| word)),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, key)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(key.clone());
        }
        for (prefix, key) in PREFIXES {
            match text.strip_prefix(prefix) {
                Some("") => return Err(format!("`{text}` has no name")),
                Some(name) if prefix == "crate:" => return Ok(key(name.replace('-', "_"))),
                Some(name) => return Ok(key(name.to_owned())),
                None => {}
            }
        }
        let words = || WORDS.iter().map(|(word, _)| *word).chain([BASELINE]);
        let prefixes = PREFIXES.iter().map(|(prefix, _)| prefix.trim_end_matches(':'));
        let first = text.split(':').next().unwrap_or(text);
        let near = nearest(first, words().chain(prefixes)).join(" or ");
        let near = if near.is_empty() { String::new() } else { format!("; near is {near}") };
        let words: Vec<&str> = words().collect();
        Err(format!(
            "`{text}` has no size{near}; there are {}, module:NAME, crate:NAME, object:NAME",
            words.join(", ")
        ))
    }
}
