//! Data about symbols, looked up by name: families, shims, macros, and functions that return a
//! struct through their first parameter.

use std::sync::LazyLock;

use glob::Pattern;
use serde::Deserialize;

use crate::macros::{Macro, macros};

const LIST: &str = include_str!("../data/families.toml");

/// Symbols that come from the same source, and the remedies if they are undefined.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Family {
    /// The name, such as `libmpdec`.
    pub name: String,
    /// A one-line description.
    pub about: String,
    symbols: Vec<Glob>,
    /// The Python modules that use these symbols.
    #[serde(default)]
    pub modules: Vec<String>,
    /// The remedies, best first.
    pub cures: Vec<String>,
    /// The shim that defines some of these symbols.
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
    LazyLock::new(|| toml::from_str(LIST).expect("the list is compiled in, and tested"));

/// The name and C source of each shim. Shims compile for wasm32-wasip1 without any headers.
const SHIMS: [(&str, &str); 1] = [("dl", include_str!("../shims/dl.c"))];

static MACROS: LazyLock<Vec<Macro>> = LazyLock::new(macros);

/// Returns the family that a symbol belongs to.
#[must_use]
pub fn family(symbol: &str) -> Option<&'static Family> {
    let matches = |family: &&Family| family.symbols.iter().any(|glob| glob.0.matches(symbol));
    FAMILIES.family.iter().find(matches)
}

/// Returns the name and C source of the shim that defines a symbol.
#[must_use]
pub(crate) fn shim(symbol: &str) -> Option<(&'static str, &'static str)> {
    let shim = family(symbol)?.shim.as_ref()?;
    let has = |source: &str| source.contains(&format!("{symbol}("));
    SHIMS.into_iter().find(|(name, source)| name == shim && has(source))
}

/// Returns the macro with this name, or the macro for which this symbol is the [`Macro::message`].
#[must_use]
pub fn find_macro(symbol: &str) -> Option<&'static Macro> {
    let name = symbol.split(' ').next().unwrap_or(symbol);
    MACROS.iter().find(|it| it.name == name && (symbol == name || symbol == it.message()))
}

/// Returns true if a function is known to return a struct through its first parameter.
#[must_use]
pub(crate) fn returns_struct(function: &str) -> bool {
    FAMILIES.sret.functions.iter().any(|glob| glob.0.matches(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_map_to_families() {
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
    fn every_family_has_cures_and_is_reachable() {
        for family in &FAMILIES.family {
            assert!(!family.cures.is_empty() && !family.symbols.is_empty(), "{}", family.name);
            // An example symbol: the pattern with its wildcards filled in.
            let example =
                |glob: &Glob| glob.0.as_str().replace("[A-Z]", "A").replace(['*', '?'], "x");
            let own = |glob: &Glob| {
                super::family(&example(glob)).is_some_and(|it| it.name == family.name)
            };
            assert!(family.symbols.iter().any(own), "{} is hidden", family.name);
        }
    }

    #[test]
    fn shims_define_their_functions() {
        assert_eq!(shim("dlopen").unwrap().0, "dl");
        assert!(shim("dladdr").is_some() && shim("mpd_add").is_none());
        for it in FAMILIES.family.iter().filter_map(|family| family.shim.as_ref()) {
            assert!(SHIMS.iter().any(|(name, _)| name == it), "{it}");
        }
    }

    #[test]
    fn macros_are_found_by_name_and_message() {
        let create = find_macro("PyModule_Create").unwrap();
        assert_eq!(find_macro(&create.message()), Some(create));
        assert_eq!(find_macro("PyModule_Create2"), None);
    }

    #[test]
    fn struct_returning_functions_are_known() {
        assert!(returns_struct("PyConfig_SetString") && returns_struct("div"));
        assert!(!returns_struct("PyConfig_Clear") && !returns_struct("divide"));
    }
}
