//! New crates to start from. Their files lie in `templates/`.

use std::process::Command;

use anyhow::Context;
use camino::Utf8Path;
use clap::ValueEnum;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::ctx::Ctx;

/// What kind of module the crate becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A WASI command, with PyO3
    #[default]
    Command,
    /// A module whose exports a host calls, with PyO3
    Reactor,
    /// A WASI command over the C API alone
    Capi,
}

/// The release of PyO3 that the templates are written for.
const PYO3: &str = "0.30";

/// A file's path in the crate, and its text.
type File = (&'static str, &'static str);

impl Template {
    fn files(self) -> &'static [File] {
        match self {
            Self::Command => &[
                ("src/main.rs", include_str!("../../templates/command/src/main.rs")),
                ("python/app.py", include_str!("../../templates/command/python/app.py")),
            ],
            Self::Reactor => &[
                ("src/lib.rs", include_str!("../../templates/reactor/src/lib.rs")),
                ("python/app.py", include_str!("../../templates/reactor/python/app.py")),
            ],
            Self::Capi => &[("src/main.rs", include_str!("../../templates/capi/src/main.rs"))],
        }
    }

    /// Makes a crate in `dir`, which may not exist yet: as `cargo new` does, with these files.
    ///
    /// # Errors
    /// When Cargo refuses the directory or its name, or a file can't be written.
    pub fn make(self, dir: &Utf8Path, name: Option<&str>, ctx: &Ctx) -> anyhow::Result<()> {
        let cargo = ctx.env.path("CARGO").unwrap_or_else(|| "cargo".into());
        let kind = if self == Self::Reactor { "--lib" } else { "--bin" };
        let output = Command::new(&cargo)
            .args(["new", "--quiet", kind, dir.as_str()])
            .args(name.into_iter().flat_map(|name| ["--name", name]))
            .current_dir(&ctx.cwd)
            .output()
            .with_context(|| format!("can't run `{cargo}`"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "Cargo makes no such crate: {}", reason(&said));
        let dir = ctx.cwd.join(dir);
        for (path, text) in self.files() {
            let path = dir.join(path);
            fs_err::create_dir_all(path.parent().context("a file lies in a directory")?)?;
            fs_err::write(path, text)?;
        }
        let manifest = dir.join("Cargo.toml");
        let text = self.manifest(&fs_err::read_to_string(&manifest)?)?;
        fs_err::write(manifest, text)?;
        Ok(())
    }

    /// The manifest of `cargo new` with what the template's code needs.
    fn manifest(self, text: &str) -> anyhow::Result<String> {
        let mut document: DocumentMut = text.parse()?;
        if self == Self::Reactor {
            let mut library = Table::new();
            library["crate-type"] = value(Array::from_iter(["cdylib"]));
            // Before the tables that follow `[package]`.
            library.set_position(Some(1));
            document["lib"] = Item::Table(library);
        }
        if self != Self::Capi {
            document["dependencies"]["pyo3"] = value(PYO3);
        }
        Ok(document.to_string())
    }
}

/// What Cargo says, without its own word for an error.
fn reason(said: &str) -> &str {
    let said = said.trim();
    said.strip_prefix("error: ").unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "[package]\nname = \"x\"\n\n[dependencies]\n";

    #[test]
    fn a_reactor_is_a_cdylib_and_the_c_api_needs_no_pyo3() {
        assert_eq!(
            Template::Reactor.manifest(NEW).unwrap(),
            "[package]\nname = \"x\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\npyo3 = \"0.30\"\n"
        );
        assert_eq!(Template::Capi.manifest(NEW).unwrap(), NEW);
    }
}
