//! Validates what the types of the recipe fields cannot express.

use strsim::levenshtein;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Recipe, RecipeError};
use crate::{PythonRequest, is_known_module, known_modules, libraries};

/// The newest schema that this version supports.
pub(super) const SCHEMA: u32 = 1;

impl Recipe {
    /// Checks the recipe that was parsed from `text`.
    pub(super) fn check(&self, text: &str) -> Result<(), RecipeError> {
        if self.schema > SCHEMA {
            return Err(RecipeError::Schema(self.schema));
        }
        if !is_valid_name(&self.name) {
            let (name, line) = (self.name.clone(), line_of(text, &["name"], &self.name));
            return Err(RecipeError::Name { name, line });
        }
        for module in &self.modules.disabled {
            if !is_known_module(self.python.series(), module) {
                return Err(RecipeError::UnknownModule {
                    module: module.clone(),
                    python: self.python,
                    suggestion: suggestion(self.python, module),
                    line: line_of(text, &["modules", "disabled"], module),
                });
            }
        }
        for name in self.libraries.keys() {
            if !libraries().iter().any(|library| library.name == *name) {
                let known = libraries().iter().map(|library| library.name.as_str());
                return Err(RecipeError::UnknownLibrary {
                    name: name.clone(),
                    known: known.collect::<Vec<_>>().join(", "),
                    line: line_of(text, &["libraries"], name),
                });
            }
        }
        for file in self.build.files.keys() {
            if !is_valid_file(file) {
                let line = line_of(text, &["build", "files"], file);
                return Err(RecipeError::File { file: file.clone(), line });
            }
        }
        for flag in &self.build.cflags {
            if !flag.starts_with('-') || flag.contains(char::is_whitespace) {
                let line = line_of(text, &["build", "cflags"], flag);
                return Err(RecipeError::Flag { flag: flag.clone(), line });
            }
        }
        Ok(())
    }
}

fn is_valid_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('-') && !name.ends_with('-')
}

/// Returns true if `file` is the relative path of a C file in CPython's source tree.
fn is_valid_file(file: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
    file.ends_with(".c")
        && file.chars().all(is_plain)
        && !file.starts_with('/')
        && !file.contains("..")
}

/// Returns the number of the line that contains a string, counted from 1. The path of keys leads to
/// the string itself, to an array that contains it, or to a table in which it is a key. The text is
/// parsed again, because deserialized types do not store lines.
fn line_of(text: &str, path: &[&str], string: &str) -> usize {
    let offset = || {
        let document = DeTable::parse(text).ok()?;
        let (first, rest) = path.split_first()?;
        let mut value = document.get_ref().get(*first)?;
        for key in rest {
            value = value.get_ref().get(*key)?;
        }
        let is_string = |it: &&Spanned<DeValue<'_>>| it.get_ref().as_str() == Some(string);
        let span = match value.get_ref() {
            DeValue::Array(elements) => elements.iter().find(is_string)?.span(),
            DeValue::Table(table) => table.get_key_value(string)?.0.span(),
            _ => value.span(),
        };
        Some(span.start)
    };
    let before = text.get(..offset().unwrap_or(0)).unwrap_or_default();
    before.matches('\n').count() + 1
}

/// Returns "; did you mean `x`?", where `x` is the most similar module, or an empty string if no
/// module is similar.
fn suggestion(python: PythonRequest, module: &str) -> String {
    let module = module.to_lowercase();
    let limit = module.chars().count() / 3 + 1;
    known_modules(python.series())
        .map(|known| (levenshtein(&module, known), known))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "schema = 1\nname = \"mine\"\ndescription = \"d\"\npython = \"3.13\"\n";

    fn refused(text: &str) -> String {
        Recipe::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn unknown_key_is_refused_with_its_line() {
        let message = refused(&format!("{MINIMAL}colour = \"red\"\n"));
        assert!(message.contains("line 5") && message.contains("colour"), "{message}");
    }

    #[test]
    fn unknown_module_is_refused_with_line_and_suggestion() {
        let message = refused(&format!("{MINIMAL}[modules]\ndisabled = [\n  \"decimal\",\n]\n"));
        assert!(message.contains("line 7"), "{message}");
        assert!(message.contains("did you mean `_decimal`?"), "{message}");
        let message = refused(&format!("{MINIMAL}[modules]\ndisabled = [\"zzzzzzzz\"]\n"));
        assert!(message.ends_with("no extension module `zzzzzzzz`"), "{message}");
    }

    #[test]
    fn unknown_libraries_and_choices_are_refused() {
        let message =
            refused(&format!("{MINIMAL}[libraries]\nzlib = \"pinned\"\nz = \"pinned\"\n"));
        assert!(message.starts_with("line 7: ") && message.contains("xz, zlib"), "{message}");
        let message = refused(&format!("{MINIMAL}[libraries]\nzlib = \"1.4\"\n"));
        assert!(message.contains("line 6") && message.contains("(*.a)"), "{message}");
        let recipe = format!("{MINIMAL}[libraries]\nzlib = \"wasi/lib/libz.a\"\n");
        let recipe = Recipe::parse(&recipe).unwrap();
        assert_eq!(Recipe::parse(&recipe.to_toml()).unwrap(), recipe);
    }

    #[test]
    fn line_is_that_of_the_value_itself() {
        let comment = format!("# not \"decimal\", \"O3\" or \"a b.c\"\n{MINIMAL}");
        let module = refused(&format!("{comment}[modules]\ndisabled = ['decimal']\n"));
        assert!(module.starts_with("line 7: "), "{module}");
        let flag = refused(&format!("{comment}[build]\ncflags = [\"-DA=1\",\n\"O3\"]\n"));
        assert!(flag.starts_with("line 8: "), "{flag}");
        let file = refused(&format!("{comment}build.files.\"a b.c\" = \"2\"\n"));
        assert!(file.starts_with("line 6: "), "{file}");
        let name = refused(&comment.replace("name = \"mine\"", "name = \"d\\u0020d\""));
        assert!(name.starts_with("line 3: "), "{name}");
    }

    #[test]
    fn small_stack_of_the_host_is_refused_with_its_line() {
        let message = refused(&format!("{MINIMAL}[build]\nhost-stack = 65536\n"));
        assert!(message.contains("line 6") && message.contains("262144"), "{message}");
        let larger = format!("{MINIMAL}[build]\nhost-stack = 1048576\n");
        assert_eq!(Recipe::parse(&larger).unwrap().build.host_stack.bytes(), 1 << 20);
    }

    #[test]
    fn malformed_flags_are_refused() {
        for flag in ["O3", "-DA=1 -DB=2", ""] {
            let text = format!("{MINIMAL}[build]\ncflags = [\"{flag}\"]\n");
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::Flag { .. })), "{flag}");
        }
    }

    #[test]
    fn files_outside_of_cpython_are_refused() {
        for file in ["/etc/x.c", "../x.c", "Objects/typeobject", "a b.c", "x.c: evil.c"] {
            let text = format!("{MINIMAL}[build.files]\n\"{file}\" = \"2\"\n");
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::File { .. })), "{file}");
        }
    }

    #[test]
    fn names_unfit_for_a_directory_are_refused() {
        for name in ["../x", "A", "-x", "", "a b"] {
            let text = MINIMAL.replace("mine", name);
            assert!(matches!(Recipe::parse(&text), Err(RecipeError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn newer_schema_is_refused() {
        let text = MINIMAL.replace("schema = 1", "schema = 2");
        assert_eq!(Recipe::parse(&text), Err(RecipeError::Schema(2)));
    }
}
