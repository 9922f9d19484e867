//! `.pywasm/cargo.toml`: Cargo configuration for this machine only. The project's own configuration
//! includes it.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Item, Table, value};

use super::DIRECTORY;
use super::helper::NAME;
use super::linked::replace;
use super::pyo3;
use crate::config::Pyo3;
use pywasm_toolchain::Rust;

/// The file's name.
const FILE: &str = "cargo.toml";

/// The settings in the file.
#[derive(Debug)]
pub(super) struct Local<'a> {
    /// The directory of the project.
    pub(super) project: &'a Utf8Path,
    /// The Rust toolchain to use instead of the user's.
    pub(super) rust: Option<Rust>,
    /// The directory of the copy of `pywasm-build` that replaces the crate from the registry, if
    /// any.
    pub(super) helper: Option<Utf8PathBuf>,
    /// The variables through which build scripts find the C compiler.
    pub(super) compiler: BTreeMap<&'static str, String>,
    /// How the project uses PyO3.
    pub(super) pyo3: Pyo3,
    /// The minor version of the project's Python.
    pub(super) minor: u8,
}

/// Returns the path of the file in a project.
pub(super) fn path(project: &Utf8Path) -> Utf8PathBuf {
    project.join(DIRECTORY).join(FILE)
}

impl Local<'_> {
    /// Writes the file. Returns true if it changed.
    ///
    /// # Errors
    /// When the file cannot be written, or the project's PyO3 configuration cannot be read.
    pub(super) fn write(&self) -> anyhow::Result<bool> {
        replace(&path(self.project), &self.text()?)
    }

    fn text(&self) -> anyhow::Result<String> {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix("# For this machine only. Written by `cargo pywasm`.\n");
        if let Some(rust) = &self.rust {
            document["build"] = Item::Table(Table::new());
            document["build"]["rustc"] = value(rust.rustc().into_string());
            document["build"]["rustdoc"] = value(rust.rustdoc().into_string());
        }
        let env = self.compiler.iter().map(|(name, text)| (*name, value(text)));
        document["env"] = Item::Table(env.collect());
        pyo3::configure(&mut document, self.pyo3, self.project, self.minor)?;
        if let Some(helper) = &self.helper {
            let mut registry = Table::new();
            registry[NAME]["path"] = value(helper.as_str());
            let mut patch = Table::new();
            patch.set_implicit(true);
            patch["crates-io"] = Item::Table(registry);
            document["patch"] = Item::Table(patch);
        }
        Ok(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pyo3: Pyo3) -> String {
        let dir = tempfile::tempdir().unwrap();
        let project = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::create_dir(project.join(DIRECTORY)).unwrap();
        fs_err::write(pyo3::path(project), "version=3.8\n").unwrap();
        let local = Local {
            project,
            rust: Some(Rust { root: "/store/rust".into() }),
            helper: Some("/project/.pywasm/pywasm-build".into()),
            compiler: [("CC_wasm32_wasip1", "/sdk/bin/clang".to_owned())].into(),
            pyo3,
            minor: 8,
        };
        assert!(local.write().unwrap() && !local.write().unwrap());
        fs_err::read_to_string(path(project)).unwrap().replace(project.as_str(), "/project")
    }

    #[test]
    fn settings_apply_to_wasm_only() {
        insta::assert_snapshot!(text(Pyo3::Current));
    }

    #[test]
    fn old_pyo3_needs_a_variable() {
        let variable = "PYO3_CONFIG_FILE = \"/project/.pywasm/pyo3-config.txt\"\n";
        assert!(text(Pyo3::Old).contains(variable));
        assert_eq!(text(Pyo3::Unused), text(Pyo3::Current));
    }
}
