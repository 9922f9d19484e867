//! `.pywasm/pywasm-build/`: a copy of the source of the `pywasm-build` crate that has the same
//! version as this tool.
//!
//! A project that depends on `pywasm-build` by version uses this copy. The copy always matches the
//! tool, and no registry is needed.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_build::source;
use toml_edit::{DocumentMut, Item, Table};

use super::DIRECTORY;
use super::linked::replace;

/// The name of the crate.
pub(crate) const NAME: &str = "pywasm-build";
/// The version of the crate, which is also the tool's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Unpacks `pywasm-build` into the project and returns the crate's directory.
///
/// # Errors
/// When the directory cannot be written.
pub(super) fn unpack(project: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let root = project.join(DIRECTORY).join(NAME);
    fs_err::create_dir_all(root.join("src"))?;
    replace(&root.join("Cargo.toml"), &manifest(source::MANIFEST)?)?;
    for (name, text) in source::FILES {
        replace(&root.join("src").join(name), text)?;
    }
    Ok(root)
}

/// Returns the manifest of `pywasm-build` without the keys that it inherits from the tool's
/// workspace.
fn manifest(text: &str) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse().context("the manifest of pywasm-build")?;
    let inherited =
        |item: &Item| item.as_table_like().is_some_and(|table| table.contains_key("workspace"));
    if let Some(package) = document["package"].as_table_mut() {
        package.retain(|_, item| !inherited(item));
        package["version"] = toml_edit::value(VERSION);
        package["publish"] = toml_edit::value(false);
    }
    document.remove("lints");
    document.remove("dev-dependencies");
    // The crate must not become a member of the project's workspace.
    document["workspace"] = Item::Table(Table::new());
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helper_is_self_contained_and_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let helper = unpack(root).unwrap();
        let text = fs_err::read_to_string(helper.join("Cargo.toml")).unwrap();
        let version = format!("version = \"{VERSION}\"");
        assert!(text.contains(&version) && text.contains("[workspace]"), "{text}");
        assert!(!text.contains("workspace = true"), "{text}");
        let written = fs_err::metadata(helper.join("src/lib.rs")).unwrap().modified().unwrap();
        unpack(root).unwrap();
        let again = fs_err::metadata(helper.join("src/lib.rs")).unwrap().modified().unwrap();
        assert_eq!(written, again);
    }
}
