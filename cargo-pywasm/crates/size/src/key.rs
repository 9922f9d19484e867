//! The keys of a size budget.

use std::fmt;
use std::str::FromStr;

use pywasm_session::nearest;

use crate::{Breakdown, By, Kind, Object, Origin, Row, Section, View, view};

/// The budget key that specifies a baseline instead of a limit.
pub(crate) const BASELINE: &str = "baseline";

/// The part of a module that a limit applies to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The module.
    Total,
    /// The module, compressed by gzip.
    Gzip,
    /// The code section.
    Code,
    /// The data section.
    Data,
    /// All bytes of a kind.
    Kind(Kind),
    /// A Python module and its submodules.
    Module(String),
    /// A Rust crate.
    Crate(String),
    /// A C library in libpython, such as `sqlite`.
    Library(String),
    /// An object file: `unicodeobject.o` or, with its archive, `libpython3.13.a(unicodeobject.o)`.
    Object(String),
}

/// The keys that do not contain a name.
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

type NewKey = fn(String) -> Key;

/// The prefixes of keys that contain a name.
const PREFIXES: [(&str, NewKey); 4] = [
    ("module:", Key::Module),
    ("crate:", Key::Crate),
    ("library:", Key::Library),
    ("object:", Key::Object),
];

impl Key {
    /// Returns the number of bytes that the key applies to, or `None` for [`Key::Gzip`] if the
    /// compressed size was not measured.
    #[must_use]
    pub fn bytes(&self, all: &Breakdown) -> Option<u64> {
        match self {
            Self::Total => Some(all.total),
            Self::Gzip => all.gzip,
            key => Some(all.sum(|row| key.applies_to(all, row))),
        }
    }

    /// Returns true if the key applies to a row.
    pub(crate) fn applies_to(&self, all: &Breakdown, row: &Row) -> bool {
        match (self, all.origin(row)) {
            (Self::Total | Self::Gzip, _) => true,
            (Self::Code, _) => *all.section(row) == Section::CODE,
            (Self::Data, _) => *all.section(row) == Section::DATA,
            (Self::Kind(kind), _) => row.kind == *kind,
            (Self::Module(name), Origin::Python(module)) => module
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            // The data of a package counts for the package.
            (Self::Module(name), Origin::File(path)) => {
                let rest = Origin::below_directory(path).strip_prefix(&name.replace('.', "/"));
                rest.is_some_and(|rest| rest.starts_with('/'))
            }
            (Self::Crate(name), Origin::Crate(found)) => found == name,
            (Self::Library(name), _) => {
                let library = all.object(row).and_then(Object::library);
                library.is_some_and(|library| library.name == *name)
            }
            (Self::Object(name), _) => all.object(row).is_some_and(|it| is_named(it, name)),
            (Self::Module(_) | Self::Crate(_), _) => false,
        }
    }

    /// Returns names in the module that are similar to the key's name. Returns `None` if the key
    /// contains no name, or if it applies to at least one byte of the module.
    pub(crate) fn suggestions(&self, all: &Breakdown) -> Option<Vec<String>> {
        let (by, name) = match self {
            Self::Module(name) => (By::Module, name),
            Self::Crate(name) => (By::Crate, name),
            Self::Library(name) => (By::Library, name),
            Self::Object(name) => (By::Object, name),
            _ => return None,
        };
        (self.bytes(all) == Some(0)).then_some(())?;
        let labels = View::of(all, by).entries.into_iter().filter(|it| !it.is_rest);
        let known: Vec<String> = labels
            .map(|it| match by {
                By::Object => {
                    let Ok(object) = it.label.parse::<Object>();
                    object.name
                }
                By::Module if !name.contains('.') => view::package(&it.label).to_owned(),
                _ => it.label,
            })
            .collect();
        let mut near = nearest(name, known.iter().map(String::as_str));
        near.sort();
        near.dedup();
        Some(near)
    }

    /// Returns the most detailed grouping for the bytes that the key applies to. `is_named` is
    /// false if the rows have no function names, as in a baseline.
    pub(crate) fn table(&self, is_named: bool) -> By {
        match self {
            Self::Total | Self::Gzip | Self::Code | Self::Data => By::Origin,
            Self::Kind(Kind::Python) | Self::Module(_) => By::Module,
            Self::Kind(_) => By::Origin,
            Self::Crate(_) | Self::Library(_) | Self::Object(_) if is_named => By::Function,
            Self::Crate(_) | Self::Library(_) | Self::Object(_) => By::Section,
        }
    }
}

/// Returns true if an object has this name, with or without its archive.
fn is_named(object: &Object, name: &str) -> bool {
    match &object.archive {
        None => object.name == name,
        Some(_) => object.name == name || object.to_string() == name,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "module:{name}"),
            Self::Crate(name) => write!(f, "crate:{name}"),
            Self::Library(name) => write!(f, "library:{name}"),
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
        for (prefix, new) in PREFIXES {
            match text.strip_prefix(prefix) {
                Some("") => return Err(format!("`{text}` lacks a name")),
                Some(name) if prefix == "crate:" => return Ok(new(name.replace('-', "_"))),
                Some(name) => return Ok(new(name.to_owned())),
                None => {}
            }
        }
        let words = || WORDS.iter().map(|(word, _)| *word).chain([BASELINE]);
        let prefixes = PREFIXES.iter().map(|(prefix, _)| prefix.trim_end_matches(':'));
        let first = text.split(':').next().unwrap_or(text);
        let near = nearest(first, words().chain(prefixes)).join(" or ");
        let near = if near.is_empty() { String::new() } else { format!(", did you mean {near}?") };
        let words: Vec<&str> = words().collect();
        Err(format!(
            "`{text}` is not a size budget key{near}; the keys are {}, module:NAME, \
             crate:NAME, library:NAME, object:NAME",
            words.join(", ")
        ))
    }
}
