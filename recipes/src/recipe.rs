//! The recipe: which CPython, with which modules and flags.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Build, PythonRequest, is_known_module, known_modules};

/// The newest recipe schema this version reads.
const SCHEMA: u32 = 1;

/// A recipe file, checked. The file format is described in `docs/guide/recipes.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// Version of the format, 1 today.
    pub schema: u32,
    /// Lowercase letters, digits and hyphens: it becomes part of a directory name.
    pub name: String,
    /// One sentence for `recipe list`.
    pub description: String,
    /// The CPython this recipe is for, where `--python` says nothing else.
    pub python: PythonRequest,
    /// Modules of the standard library that travel inside of every module which is linked with it:
    /// `json`, `email.*`, `*`, `!name`, each with what it imports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// Whether what travels inside is all that there is: of libpython's own modules, frozen or in C, those
    /// that `freeze` leads to are linked, and no others.
    #[serde(default)]
    pub closed: bool,
    /// Extension modules.
    #[serde(default)]
    pub modules: Modules,
    /// How the interpreter is compiled.
    #[serde(default)]
    pub build: Build,
    /// What of the standard library is installed.
    #[serde(default)]
    pub stdlib: Stdlib,
    /// What stands in for symbols that nothing has, by name or pattern: `getlogin = "null"`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stubs: BTreeMap<String, String>,
}

/// Which extension modules are built into the interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Modules {
    /// Modules named under `*disabled*` in CPython's `Modules/Setup.local`.
    #[serde(default)]
    pub disabled: BTreeSet<String>,
    /// Whether CPython's own test modules (`_testcapi` and the like) are built.
    #[serde(default)]
    pub tests: bool,
}

/// What of the standard library is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Stdlib {
    /// Top-level packages and modules of `Lib/` that are left out.
    pub exclude: BTreeSet<String>,
    /// The level of Python's own `-O` that it is compiled with: 1 leaves out `assert`, 2 docstrings, too.
    pub optimize: Optimize,
    /// Whether tracebacks point at the part of a line that failed; without, bytecode is smaller
    /// (`-X no_debug_ranges`).
    pub debug_ranges: bool,
}

/// The level of Python's `-O`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Optimize(u8);

impl TryFrom<u8> for Optimize {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        if level > 2 {
            return Err(format!("`optimize` is 0, 1 or 2, as Python's own -O, not {level}"));
        }
        Ok(Self(level))
    }
}

impl From<Optimize> for u8 {
    fn from(level: Optimize) -> Self {
        level.0
    }
}

/// Why a recipe is refused. Every message names the line where the parser knows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// Not TOML, or not the schema; the text carries line and column.
    #[error("{0}")]
    Parse(String),
    /// Written for a newer version of this tool.
    #[error("schema {0} is newer than this version reads ({SCHEMA})")]
    Schema(u32),
    /// A name that can't be part of a directory name.
    #[error(
        "line {line}: recipe name `{name}` may hold lowercase letters, digits and hyphens only"
    )]
    Name {
        /// The name.
        name: String,
        /// The line it stands on, counted from 1.
        line: usize,
    },
    /// Not a module CPython builds.
    #[error("line {line}: CPython {python} has no extension module `{module}`{suggestion}")]
    UnknownModule {
        /// What was named.
        module: String,
        /// The release it was looked up in.
        python: PythonRequest,
        /// A near name, with its leading words, or nothing.
        suggestion: String,
        /// The line it stands on, counted from 1.
        line: usize,
    },
    /// A path that is none of a file of CPython's.
    #[error(
        "line {line}: `{file}` is not the path of a C file of CPython, as `Objects/typeobject.c` is"
    )]
    File {
        /// The entry.
        file: String,
        /// The line it stands on, counted from 1.
        line: usize,
    },
    /// A flag that would be taken for something else.
    #[error(
        "line {line}: `{flag}` is not a compiler flag: each entry of `cflags` starts with `-` and holds no white space"
    )]
    Flag {
        /// The entry.
        flag: String,
        /// The line it stands on, counted from 1.
        line: usize,
    },
}

impl Default for Stdlib {
    fn default() -> Self {
        // What needs a screen, a compiler or an installer, and the test suite:
        // `verify --tests` reads that from the source tree.
        let exclude = ["ensurepip", "idlelib", "test", "tkinter", "turtle", "turtledemo"];
        let exclude = exclude.map(str::to_owned).into();
        Self { exclude, optimize: Optimize::default(), debug_ranges: true }
    }
}

impl Recipe {
    /// Reads and checks a recipe.
    ///
    /// # Errors
    /// For text that is not TOML, unknown keys, wrong types, a newer schema, a bad
    /// name, an unknown module or a malformed flag; each names its line.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|error| RecipeError::Parse(error.to_string().trim_end().to_owned()))?;
        recipe.check(text)?;
        Ok(recipe)
    }

    /// The recipe as TOML, every default written out. `parse` reads it back.
    ///
    /// # Panics
    /// Never: all its fields have a TOML form.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a recipe has a TOML form")
    }

    fn check(&self, text: &str) -> Result<(), RecipeError> {
        if self.schema > SCHEMA {
            return Err(RecipeError::Schema(self.schema));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let name = &self.name;
        if !name.chars().all(plain) || !edge(name.chars().next()) || !edge(name.chars().last()) {
            return Err(RecipeError::Name { name: name.clone(), line: line_of(text, name) });
        }
        for module in &self.modules.disabled {
            if !is_known_module(self.python.series(), module) {
                return Err(RecipeError::UnknownModule {
                    module: module.clone(),
                    python: self.python,
                    suggestion: suggestion(self.python, module),
                    line: line_of(text, module),
                });
            }
        }
        for file in self.build.files.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
            let inside = !file.starts_with('/') && !file.contains("..");
            if !file.ends_with(".c") || !file.chars().all(plain) || !inside {
                let line = line_of(text, file);
                return Err(RecipeError::File { file: file.clone(), line });
            }
        }
        for flag in &self.build.cflags {
            if !flag.starts_with('-') || flag.contains(char::is_whitespace) {
                return Err(RecipeError::Flag { flag: flag.clone(), line: line_of(text, flag) });
            }
        }
        Ok(())
    }
}

/// The line on which the string value `value` stands: TOML's data model has lost it by now.
fn line_of(text: &str, value: &str) -> usize {
    let quoted = [format!("\"{value}\""), format!("'{value}'")];
    text.lines()
        .position(|line| quoted.iter().any(|value| line.contains(value.as_str())))
        .map_or(1, |index| index + 1)
}

/// "; did you mean `x`?" where a known module differs in case, underscores or an end.
fn suggestion(python: PythonRequest, module: &str) -> String {
    let plain = |name: &str| name.trim_matches('_').to_ascii_lowercase();
    let wanted = plain(module);
    known_modules(python.series())
        .find(|known| {
            let known = plain(known);
            known == wanted || (wanted.len() > 3 && known.starts_with(&wanted))
        })
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

const BUILTIN: &[(&str, &str)] = &[
    ("canister", include_str!("../builtin/canister.toml")),
    ("default", include_str!("../builtin/default.toml")),
    ("full", include_str!("../builtin/full.toml")),
    ("speed", include_str!("../builtin/speed.toml")),
];

/// The names of the built-in recipes, sorted.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// The built-in recipe `name`, as text, where there is one.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "schema = 1\nname = \"mine\"\ndescription = \"d\"\npython = \"3.13\"\n";

    #[test]
    fn builtin_recipes_parse_and_carry_their_own_name() {
        for name in builtin_names() {
            let recipe = Recipe::parse(builtin(name).unwrap()).unwrap();
            assert_eq!(recipe.name, name);
        }
    }

    #[test]
    fn default_disables_what_the_owner_asked_for() {
        let recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        let disabled: Vec<_> = recipe.modules.disabled.iter().map(String::as_str).collect();
        assert_eq!(disabled, ["_decimal", "_elementtree", "_hashlib", "pyexpat"]);
    }

    #[test]
    fn a_recipe_round_trips_through_its_own_toml() {
        let recipe = Recipe::parse(builtin("full").unwrap()).unwrap();
        assert_eq!(Recipe::parse(&recipe.to_toml()).unwrap(), recipe);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = Recipe::parse(&format!("{MINIMAL}colour = \"red\"\n")).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("line 5") && message.contains("colour"), "{message}");
    }

    #[test]
    fn an_unknown_module_is_refused_with_its_line_and_a_suggestion() {
        let text = format!("{MINIMAL}[modules]\ndisabled = [\n  \"decimal\",\n]\n");
        let message = Recipe::parse(&text).unwrap_err().to_string();
        assert!(message.contains("line 7"), "{message}");
        assert!(message.contains("did you mean `_decimal`?"), "{message}");
    }

    #[test]
    fn a_flag_that_is_no_flag_is_refused() {
        for flag in ["O3", "-DA=1 -DB=2", ""] {
            let text = format!("{MINIMAL}[build]\ncflags = [\"{flag}\"]\n");
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::Flag { .. })), "{flag}");
        }
    }

    #[test]
    fn a_file_that_is_none_of_cpythons_is_refused() {
        for file in ["/etc/x.c", "../x.c", "Objects/typeobject", "a b.c", "x.c: evil.c"] {
            let text = format!("{MINIMAL}[build.files]\n\"{file}\" = \"2\"\n");
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::File { .. })), "{file}");
        }
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["../x", "A", "-x", "", "a b"] {
            let text = MINIMAL.replace("mine", name);
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let text = MINIMAL.replace("schema = 1", "schema = 2");
        assert_eq!(Recipe::parse(&text), Err(RecipeError::Schema(2)));
    }
}
