//! Templates for new crates. The files of the templates are in `templates/`.

use std::process::Command;

use anyhow::Context;
use camino::Utf8Path;
use clap::ValueEnum;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::helper;
use super::init::relative_to;
use super::manifest::ready;
use crate::config::Selection;
use pywasm_session::variables::CARGO;
use pywasm_store::Ctx;

/// The kind of wasm module that a new crate is compiled to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A WASI command, with PyO3
    #[default]
    Command,
    /// A reactor with PyO3, whose exports the host calls
    Reactor,
    /// A WASI command that uses only the C API
    Capi,
    /// An Internet Computer canister, with PyO3
    Canister,
}

/// The release of PyO3 that the templates are written for.
const PYO3: &str = "0.30";

/// The part of a canister's manifest after `[package]`, without the version of `pywasm-build`.
const CANISTER: &str = include_str!("../../templates/canister/manifest.toml");

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
            Self::Canister => &[
                ("build.rs", include_str!("../../templates/canister/build.rs")),
                ("src/lib.rs", include_str!("../../templates/canister/src/lib.rs")),
                ("src/python.rs", include_str!("../../templates/canister/src/python.rs")),
                ("src/state.rs", include_str!("../../templates/canister/src/state.rs")),
                ("python/app.py", include_str!("../../templates/canister/python/app.py")),
            ],
        }
    }

    fn is_library(self) -> bool {
        matches!(self, Self::Reactor | Self::Canister)
    }

    /// Adds the template's recipe to a selection that has no recipe.
    #[must_use]
    pub fn selection(self, selection: &Selection) -> Selection {
        let mut selection = selection.clone();
        if self == Self::Canister {
            selection.recipe.get_or_insert_with(|| "canister".to_owned());
        }
        selection
    }

    /// Returns the commands that the user can run next in the directory of the crate `name`.
    #[must_use]
    pub fn next(self, name: &str) -> Vec<String> {
        match self {
            Self::Command | Self::Capi => vec!["cargo run".to_owned()],
            Self::Reactor => vec!["cargo test".to_owned()],
            Self::Canister => {
                // Cargo replaces hyphens in the file names of libraries with underscores.
                let module = format!("target/pywasm/release/{}.wasm", name.replace('-', "_"));
                vec![
                    "cargo pywasm build --release".to_owned(),
                    format!("cargo pywasm canister call {module} greet '(\"world\")'"),
                ]
            }
        }
    }

    /// Creates a crate in `dir` with `cargo new`, and adds the template's files.
    ///
    /// # Errors
    /// When Cargo refuses the directory or the name, or a file cannot be written.
    pub fn create(
        self,
        dir: &Utf8Path,
        name: Option<&str>,
        selection: &Selection,
        ctx: &Ctx,
    ) -> anyhow::Result<()> {
        let cargo = ctx.env.path(CARGO).unwrap_or_else(|| "cargo".into());
        let kind = if self.is_library() { "--lib" } else { "--bin" };
        let output = Command::new(&cargo)
            .args(["new", "--quiet", kind, dir.as_str()])
            .args(name.into_iter().flat_map(|name| ["--name", name]))
            .current_dir(&ctx.cwd)
            .output()
            .with_context(|| format!("cannot run `{cargo}`"))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`cargo new` failed: {}", message(&stderr));
        let dir = ctx.cwd.join(dir);
        for (path, text) in self.files() {
            let path = dir.join(path);
            fs_err::create_dir_all(path.parent().context("a template file has no directory")?)?;
            fs_err::write(path, text)?;
        }
        let manifest = dir.join("Cargo.toml");
        let selection = relative_to(&dir, selection, ctx)?;
        let text = self.manifest(&fs_err::read_to_string(&manifest)?, &selection)?;
        fs_err::write(manifest, text)?;
        Ok(())
    }

    /// Extends the manifest that `cargo new` wrote with the tables and dependencies of the
    /// template.
    fn manifest(self, text: &str, selection: &Selection) -> anyhow::Result<String> {
        let mut document: DocumentMut = text.parse()?;
        if self == Self::Canister {
            document.remove("dependencies");
            let head = document.to_string();
            return Ok(format!("{}\n\n{}", head.trim_end(), canister(selection)?));
        }
        if self == Self::Reactor {
            let mut library = Table::new();
            library["crate-type"] = value(Array::from_iter(["cdylib"]));
            // `[lib]` comes directly after `[package]`.
            library.set_position(Some(1));
            document["lib"] = Item::Table(library);
        }
        if self == Self::Capi {
            return Ok(document.to_string());
        }
        document["dependencies"]["pyo3"] = value(PYO3);
        let mut document: DocumentMut = ready(&document.to_string(), selection)?.text.parse()?;
        let table = &mut document["package"]["metadata"]["pywasm"];
        table["packages"] = value(Array::from_iter(["python/app.py"]));
        Ok(document.to_string())
    }
}

/// Returns the part of a canister's manifest after `[package]`.
fn canister(selection: &Selection) -> anyhow::Result<String> {
    let mut document: DocumentMut = CANISTER.parse()?;
    let set = |item: &mut Item, text: String| {
        let decor = item.as_value().map(|it| it.decor().clone());
        *item = value(text);
        if let (Some(value), Some(decor)) = (item.as_value_mut(), decor) {
            *value.decor_mut() = decor;
        }
    };
    set(&mut document["build-dependencies"][helper::NAME], helper::VERSION.to_owned());
    let table = &mut document["package"]["metadata"]["pywasm"];
    if let Some(python) = selection.python {
        set(&mut table["python"], python.to_string());
    }
    if let Some(recipe) = &selection.recipe {
        set(&mut table["recipe"], recipe.clone());
    }
    Ok(document.to_string())
}

/// Returns Cargo's message without the prefix `error: `.
fn message(stderr: &str) -> &str {
    let stderr = stderr.trim();
    stderr.strip_prefix("error: ").unwrap_or(stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "[package]\nname = \"x\"\n\n[dependencies]\n";

    fn manifest(template: Template, selection: &Selection) -> String {
        template.manifest(NEW, &template.selection(selection)).unwrap()
    }

    #[test]
    fn manifest_follows_the_template() {
        let none = Selection::default();
        assert_eq!(
            manifest(Template::Reactor, &none).replace(helper::VERSION, "VERSION"),
            "[package]\nname = \"x\"\n\n[package.metadata.pywasm]\npython = \"3.13\"\n\
             recipe = \"default\"\npackages = [\"python/app.py\"]\n\n\
             [lib]\ncrate-type = [\"cdylib\"]\n\n[dependencies]\npyo3 = \"0.30\"\n\n\
             [build-dependencies]\npywasm-build = \"VERSION\"\n"
        );
        assert_eq!(manifest(Template::Capi, &none), NEW);
    }

    #[test]
    fn canister_selects_recipe_policy_and_steps() {
        let text = manifest(Template::Canister, &Selection::default());
        insta::assert_snapshot!(text.replace(helper::VERSION, "VERSION"), @r#"
        [package]
        name = "x"

        [lib]
        crate-type = ["cdylib"]
        test = false # a canister does not run under `cargo test`; see `cargo pywasm canister call`
        doctest = false

        [dependencies]
        candid = "0.10" # types of the interface
        ic-cdk = "0.20" # the system API, in the series that the polyfill uses
        ic-stable-structures = "0.7" # state that survives upgrades
        ic-wasi-polyfill = "0.13.1" # WASI for Python: files in stable memory, clock, random numbers, output
        pyo3 = "0.30" # Python's API in Rust

        [build-dependencies]
        pywasm-build = "VERSION" # links Python

        [package.metadata.pywasm]
        python = "3.13"
        recipe = "canister"
        packages = ["python/app.py"]
        policy = "ic"
        post-link = ["rewire", "candid", "gc", "wasm-opt", "strip", "gzip"]

        [profile.release]
        opt-level = "z" # size costs cycles, and most of the work is done in Python
        lto = true
        codegen-units = 1
        panic = "abort"
        "#);
        let pyo3 = format!("pyo3 = \"{PYO3}\" #");
        assert!(text.contains(&pyo3), "{text}");
        // `init` has nothing to add.
        let ready = ready(&text, &Selection::default()).unwrap();
        assert_eq!(ready.text, text);
    }

    #[test]
    fn canister_uses_the_selection() {
        let selection =
            Selection { python: Some("3.14".parse().unwrap()), recipe: Some("mine.toml".into()) };
        let text = manifest(Template::Canister, &selection);
        assert!(text.contains("python = \"3.14\"\nrecipe = \"mine.toml\"\npackages"), "{text}");
    }

    #[test]
    fn next_commands_name_the_module() {
        let next = Template::Canister.next("my-canister");
        assert_eq!(
            next,
            [
                "cargo pywasm build --release",
                "cargo pywasm canister call target/pywasm/release/my_canister.wasm greet '(\"world\")'"
            ]
        );
        assert_eq!(Template::Reactor.next("x"), ["cargo test"]);
    }
}
