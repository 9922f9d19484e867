//! `.pywasm/cargo.toml`: Cargo configuration for this machine only. The project's own configuration
//! includes it.

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Item, Table, value};

use super::DIRECTORY;
use super::helper::NAME;
use super::linked::replace;
use pywasm_toolchain::Rust;

/// The file's name.
const FILE: &str = "cargo.toml";

/// The content of the file.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// The Rust toolchain to use instead of the user's.
    pub(super) rust: Option<Rust>,
    /// The directory of the copy of `pywasm-build` that replaces the crate from the registry, if
    /// any.
    pub(super) helper: Option<Utf8PathBuf>,
}

/// Returns the path of the file in a project.
pub(super) fn path(project: &Utf8Path) -> Utf8PathBuf {
    project.join(DIRECTORY).join(FILE)
}

impl Local {
    /// Writes the file, or removes it if it would be empty. Returns true if something changed.
    ///
    /// # Errors
    /// When the file cannot be written or removed.
    pub(super) fn write(&self, project: &Utf8Path) -> anyhow::Result<bool> {
        let path = path(project);
        if self.rust.is_some() || self.helper.is_some() {
            return replace(&path, &self.text());
        }
        match fs_err::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn text(&self) -> String {
        let mut document = DocumentMut::new();
        document.decor_mut().set_prefix("# For this machine only. Written by `cargo pywasm`.\n");
        if let Some(rust) = &self.rust {
            document["build"] = Item::Table(Table::new());
            document["build"]["rustc"] = value(rust.rustc().into_string());
            document["build"]["rustdoc"] = value(rust.rustdoc().into_string());
        }
        if let Some(helper) = &self.helper {
            let mut registry = Table::new();
            registry[NAME]["path"] = value(helper.as_str());
            let mut patch = Table::new();
            patch.set_implicit(true);
            patch["crates-io"] = Item::Table(registry);
            document["patch"] = Item::Table(patch);
        }
        document.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_exists_only_with_content() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::create_dir(root.join(DIRECTORY)).unwrap();
        let local = Local {
            rust: Some(Rust { root: "/store/rust".into() }),
            helper: Some("/project/.pywasm/pywasm-build".into()),
        };
        assert!(local.write(root).unwrap() && !local.write(root).unwrap());
        assert_eq!(
            fs_err::read_to_string(path(root)).unwrap(),
            "# For this machine only. Written by `cargo pywasm`.\n\
             [build]\nrustc = \"/store/rust/bin/rustc\"\nrustdoc = \"/store/rust/bin/rustdoc\"\n\n\
             [patch.crates-io]\npywasm-build = { path = \"/project/.pywasm/pywasm-build\" }\n"
        );
        assert!(Local::default().write(root).unwrap() && !path(root).exists());
    }
}
