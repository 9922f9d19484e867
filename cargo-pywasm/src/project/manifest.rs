//! Adds missing keys to the Cargo.toml of a crate that embeds Python. Existing keys are kept.

use anyhow::Context;
use toml_edit::{DocumentMut, Item, Table, value};

use super::helper;
use crate::config::Selection;
use pywasm_session::WithHint;

/// A manifest with the table `[package.metadata.pywasm]` and the build-dependency `pywasm-build`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ready {
    /// The text of the manifest.
    pub(super) text: String,
    /// The path of the build script, `build.rs` by default.
    pub(super) build_script: String,
}

/// Adds the table and `pywasm-build` to a manifest. A new table contains the selection.
///
/// # Errors
/// When the text is not valid TOML, is not the manifest of a package, or disables the build script.
pub(super) fn ready(text: &str, selection: &Selection) -> anyhow::Result<Ready> {
    let mut document: DocumentMut = text.parse()?;
    let package = document
        .get_mut("package")
        .and_then(Item::as_table_like_mut)
        .context("it has no `[package]`")
        .hint(|| "run this command in the crate that is compiled to a wasm module".to_owned())?;
    let build_script = match package.get("build").map(|item| (item.as_str(), item.as_bool())) {
        Some((Some(path), _)) => path.to_owned(),
        Some((_, Some(false))) => {
            anyhow::bail!("`build = false` disables the build script, which links Python")
        }
        _ => "build.rs".to_owned(),
    };
    let metadata = package.entry("metadata").or_insert_with(implicit);
    let metadata = metadata.as_table_like_mut().context("`package.metadata` is not a table")?;
    if !metadata.contains_key("pywasm") {
        let mut table = Table::new();
        let python = selection.python.map_or_else(|| "3.13".to_owned(), |it| it.to_string());
        table["python"] = value(python);
        table["recipe"] = value(selection.recipe.as_deref().unwrap_or("default"));
        metadata.insert("pywasm", Item::Table(table));
    }
    let dependencies = document.entry("build-dependencies").or_insert(Item::Table(Table::new()));
    let dependencies =
        dependencies.as_table_like_mut().context("`build-dependencies` is not a table")?;
    if !dependencies.contains_key(helper::NAME) {
        dependencies.insert(helper::NAME, value(helper::VERSION));
    }
    Ok(Ready { text: document.to_string(), build_script })
}

fn implicit() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(manifest: &str) -> String {
        let ready_once = ready(manifest, &Selection::default()).unwrap();
        assert_eq!(ready(&ready_once.text, &Selection::default()).unwrap(), ready_once);
        ready_once.text
    }

    #[test]
    fn missing_keys_are_added() {
        let own = "[package]\nname = \"x\" # mine\n\n[dependencies]\npyo3 = \"0.30\"\n";
        insta::assert_snapshot!(text(own), @r#"
        [package]
        name = "x" # mine

        [package.metadata.pywasm]
        python = "3.13"
        recipe = "default"

        [dependencies]
        pyo3 = "0.30"

        [build-dependencies]
        pywasm-build = "0.1.0"
        "#);
    }

    #[test]
    fn existing_table_and_helper_are_kept() {
        for own in [
            "[package]\nmetadata.pywasm.python = \"3.14\"\n[build-dependencies.pywasm-build]\npath = \"p\"\n",
            "[package]\n[package.metadata]\npywasm = {}\n[build-dependencies]\npywasm-build.path = \"p\"\n",
        ] {
            assert_eq!(text(own), own);
        }
    }

    #[test]
    fn new_table_contains_the_selection() {
        let selection =
            Selection { python: Some("3.14".parse().unwrap()), recipe: Some("full".to_owned()) };
        let ready = ready("[package]\nbuild = \"build/main.rs\"\n", &selection).unwrap();
        assert!(ready.text.contains("python = \"3.14\"\nrecipe = \"full\"\n"), "{}", ready.text);
        assert_eq!(ready.build_script, "build/main.rs");
    }

    #[test]
    fn manifest_without_build_script_is_refused() {
        for own in ["[workspace]\n", "[package]\nbuild = false\n", "x ="] {
            assert!(ready(own, &Selection::default()).is_err(), "{own}");
        }
    }
}
