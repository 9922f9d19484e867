//! Recipes, which specify the CPython release, the modules and the flags of a build.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Build, PythonRequest};

mod check;
mod error;

pub use error::RecipeError;

/// A recipe file. `docs/guide/recipes.md` describes the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Recipe {
    /// The format version, currently 1.
    pub schema: u32,
    /// The recipe's name. It consists of lowercase letters, digits and hyphens, because it becomes
    /// part of a directory name.
    pub name: String,
    /// A one-sentence description, which `recipe list` prints.
    pub description: String,
    /// The CPython to build, unless `--python` requests another one.
    pub python: PythonRequest,
    /// The standard library modules to freeze into every wasm module that is linked with this
    /// build, together with the modules that they import. Entries look like `json`, `email.*`, `*`
    /// or `!name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// True if only the modules that `freeze` lists, and the modules that they import, are linked.
    /// This applies to libpython's frozen modules and to its extension modules.
    #[serde(default)]
    pub closed: bool,
    /// The extension modules.
    #[serde(default)]
    pub modules: Modules,
    /// The C libraries that are built and linked, by name, such as `zlib = "pinned"`. An extension
    /// module whose library is not listed is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub libraries: BTreeMap<String, LibraryChoice>,
    /// The settings for compiling the interpreter.
    #[serde(default)]
    pub build: Build,
    /// The part of the standard library to install.
    #[serde(default)]
    pub stdlib: Stdlib,
    /// Stub behaviours for undefined symbols, keyed by symbol name or pattern, such as `getlogin =
    /// "null"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stubs: BTreeMap<String, String>,
}

/// The extension modules that are built into the interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Modules {
    /// Modules listed under `*disabled*` in CPython's `Modules/Setup.local`.
    #[serde(default)]
    pub disabled: BTreeSet<String>,
    /// True if CPython's test modules, such as `_testcapi`, are built.
    #[serde(default)]
    pub tests: bool,
}

/// The choice between the pinned version of a C library and one that was built elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LibraryChoice {
    /// The version that this crate pins, compiled from source.
    Pinned,
    /// The path of an archive for wasm32-wasip1, such as `/opt/wasi/lib/libz.a`. The headers are in
    /// the directory `include` beside the archive's directory.
    Archive(String),
}

impl TryFrom<String> for LibraryChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "pinned" => Ok(Self::Pinned),
            path if path.ends_with(".a") => Ok(Self::Archive(text)),
            _ => Err(format!("`{text}` is neither \"pinned\" nor the path of an archive (*.a)")),
        }
    }
}

impl From<LibraryChoice> for String {
    fn from(choice: LibraryChoice) -> Self {
        match choice {
            LibraryChoice::Pinned => "pinned".to_owned(),
            LibraryChoice::Archive(path) => path,
        }
    }
}

/// The part of the standard library to install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct Stdlib {
    /// Top-level packages and modules in `Lib/` to leave out.
    pub exclude: BTreeSet<String>,
    /// The bytecode optimization level, as for Python's `-O`. Level 1 removes `assert` statements.
    /// Level 2 also removes docstrings.
    pub optimize: Optimize,
    /// True if tracebacks mark the part of the line that failed. Without this information (`-X
    /// no_debug_ranges`), bytecode is smaller.
    pub debug_ranges: bool,
}

/// A level for Python's `-O` option: 0, 1 or 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Optimize(u8);

impl TryFrom<u8> for Optimize {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        if level > 2 {
            return Err(format!("`optimize` must be 0, 1 or 2, not {level}"));
        }
        Ok(Self(level))
    }
}

impl From<Optimize> for u8 {
    fn from(level: Optimize) -> Self {
        level.0
    }
}

impl Default for Stdlib {
    fn default() -> Self {
        // `ensurepip` only installs pip, `verify --tests` reads `test` from the source tree, and
        // the others need a display.
        let exclude = ["ensurepip", "idlelib", "test", "tkinter", "turtle", "turtledemo"];
        let exclude = exclude.map(str::to_owned).into();
        Self { exclude, optimize: Optimize::default(), debug_ranges: true }
    }
}

impl Recipe {
    /// Parses and checks a recipe.
    ///
    /// # Errors
    /// If the text is not TOML, contains unknown keys, wrong types or a newer schema, or if the
    /// name, a module, a file or a flag is invalid. The message contains the line number.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|error| RecipeError::Parse(error.to_string().trim_end().to_owned()))?;
        recipe.check(text)?;
        Ok(recipe)
    }

    /// Returns the recipe as TOML with every default written out. [`Recipe::parse`] reads it back.
    ///
    /// # Panics
    /// Never, because every field can be represented in TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every recipe field can be represented in TOML")
    }
}

const BUILTIN: &[(&str, &str)] = &[
    ("canister", include_str!("../builtin/canister.toml")),
    ("default", include_str!("../builtin/default.toml")),
    ("full", include_str!("../builtin/full.toml")),
    ("speed", include_str!("../builtin/speed.toml")),
];

/// Returns the names of the built-in recipes, sorted.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// Returns the text of a built-in recipe.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_recipes_have_their_file_name() {
        for name in builtin_names() {
            let recipe = Recipe::parse(builtin(name).unwrap()).unwrap();
            assert_eq!(recipe.name, name);
        }
    }

    #[test]
    fn default_recipe_disables_four_modules() {
        let recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        let disabled: Vec<_> = recipe.modules.disabled.iter().map(String::as_str).collect();
        assert_eq!(disabled, ["_decimal", "_elementtree", "_hashlib", "pyexpat"]);
    }

    #[test]
    fn to_toml_round_trips() {
        let recipe = Recipe::parse(builtin("full").unwrap()).unwrap();
        assert_eq!(Recipe::parse(&recipe.to_toml()).unwrap(), recipe);
    }
}
