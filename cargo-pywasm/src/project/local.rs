//! `.pywasm/cargo.toml`: what Cargo has to know of this machine alone. The project's own Cargo
//! configuration includes it.

use camino::{Utf8Path, Utf8PathBuf};
use toml_edit::{DocumentMut, Item, Table, value};

use super::DIRECTORY;
use super::helper::NAME;
use super::linked::replace;
use pywasm_toolchain::Rust;

/// The file's name.
const FILE: &str = "cargo.toml";

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// A Rust instead of the user's.
    pub(super) rust: Option<Rust>,
    /// Where the build script's helper lies, if it is taken from there.
    pub(super) helper: Option<Utf8PathBuf>,
}

/// Where it lies in a project.
pub(super) fn path(project: &Utf8Path) -> Utf8PathBuf {
    project.join(DIRECTORY).join(FILE)
}

impl Local {
    /// Writes the file, or removes one that would say nothing; whether something changed.
    ///
    /// # Errors
    /// When the project can't be written.
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
        document.decor_mut().set_prefix("# Of this machine: written by `cargo pywasm`.\n");
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
    fn it_says_what_is_needed_and_is_gone_when_nothing_is() {
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
            "# Of this machine: written by `cargo pywasm`.\n\
             [build]\nrustc = \"/store/rust/bin/rustc\"\nrustdoc = \"/store/rust/bin/rustdoc\"\n\n\
             [patch.crates-io]\npywasm-build = { path = \"/project/.pywasm/pywasm-build\" }\n"
        );
        assert!(Local::default().write(root).unwrap() && !path(root).exists());
    }
}
