//! What is known of symbols by their names.

use std::sync::LazyLock;

use glob::Pattern;
use serde::Deserialize;

use crate::macros::{Macro, macros};

/// The list.
const LIST: &str = include_str!("../data/families.toml");

/// Symbols that come from one place and have one cure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name: `libmpdec`.
    pub name: String,
    /// What it is.
    pub about: String,
    symbols: Vec<Glob>,
    /// The modules of Python that want it.
    #[serde(default)]
    pub modules: Vec<String>,
    /// What to do, the best first.
    pub cures: Vec<String>,
    /// The shim that can take its place.
    #[serde(default)]
    pub shim: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    family: Vec<Family>,
    sret: Structures,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Structures {
    functions: Vec<Glob>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Glob(Pattern);

impl TryFrom<String> for Glob {
    type Error = glob::PatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Pattern::new(&text).map(Self)
    }
}

static FAMILIES: LazyLock<List> =
    LazyLock::new(|| toml::from_str(LIST).expect("the list is part of this crate, and tested"));

/// The shims, by name: C for any compiler of wasm32-wasip1, without a header.
const SHIMS: [(&str, &str); 1] = [("dl", include_str!("../shims/dl.c"))];

static MACROS: LazyLock<Vec<Macro>> = LazyLock::new(macros);

/// The family of a symbol.
#[must_use]
pub fn family(symbol: &str) -> Option<&'static Family> {
    let matches = |family: &&Family| family.symbols.iter().any(|glob| glob.0.matches(symbol));
    FAMILIES.family.iter().find(matches)
}

/// The shim that has a symbol: its name and its source, in C.
#[must_use]
pub fn shim(symbol: &str) -> Option<(&'static str, &'static str)> {
    let wanted = family(symbol)?.shim.as_ref()?;
    let has = |source: &str| source.contains(&format!("{symbol}("));
    SHIMS.into_iter().find(|(name, source)| name == wanted && has(source))
}

/// The macro of this name, or the one that an answer to a call of it names.
#[must_use]
pub fn macro_of(symbol: &str) -> Option<&'static Macro> {
    let name = symbol.split(' ').next().unwrap_or(symbol);
    MACROS.iter().find(|it| it.name == name && (symbol == name || symbol == it.message()))
}

/// Whether a function is known to return a structure, through its first parameter.
#[must_use]
pub fn returns_a_structure(function: &str) -> bool {
    FAMILIES.sret.functions.iter().any(|glob| glob.0.matches(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_name() {
        let of = |symbol| family(symbol).map(|family| family.name.as_str());
        assert_eq!(of("mpd_qadd"), Some("libmpdec"));
        assert_eq!(of("PyExpat_XML_ParserCreate"), Some("libexpat"));
        assert_eq!(of("python_hashlib_Hacl_Hash_SHA2_free_256"), Some("HACL SHA-2"));
        assert_eq!(of("dlopen"), Some("dynamic loading"));
        assert_eq!(of("PyInit__ssl"), Some("initialization of a module"));
        assert_eq!(of("PyLong_AsInt"), Some("Python's C API"));
        assert_eq!(of("__SIG_IGN"), Some("libwasi-emulated-signal"));
        assert_eq!(of("my_own_function"), None);
    }

    #[test]
    fn every_family_has_a_cure_and_no_family_is_hidden_by_another() {
        for wanted in &FAMILIES.family {
            assert!(!wanted.cures.is_empty() && !wanted.symbols.is_empty(), "{}", wanted.name);
            // A pattern with its wildcards filled in is a symbol of it.
            let example =
                |glob: &Glob| glob.0.as_str().replace("[A-Z]", "A").replace(['*', '?'], "x");
            let own = |glob: &Glob| family(&example(glob)).is_some_and(|it| it.name == wanted.name);
            assert!(wanted.symbols.iter().any(own), "{} is hidden", wanted.name);
        }
    }

    #[test]
    fn a_shim_has_the_functions_it_is_for() {
        assert_eq!(shim("dlopen").unwrap().0, "dl");
        assert!(shim("dladdr").is_some() && shim("mpd_add").is_none());
        for it in FAMILIES.family.iter().filter_map(|family| family.shim.as_ref()) {
            assert!(SHIMS.iter().any(|(name, _)| name == it), "{it}");
        }
    }

    #[test]
    fn macros_are_known_by_their_name_and_by_the_answer() {
        let create = macro_of("PyModule_Create").unwrap();
        assert_eq!(macro_of(&create.message()), Some(create));
        assert_eq!(macro_of("PyModule_Create2"), None);
    }

    #[test]
    fn what_returns_a_structure_is_known() {
        assert!(returns_a_structure("PyConfig_SetString") && returns_a_structure("div"));
        assert!(!returns_a_structure("PyConfig_Clear") && !returns_a_structure("divide"));
    }
}
