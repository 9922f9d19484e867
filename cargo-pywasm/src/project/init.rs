//! Writes the files that let plain Cargo build, run and test a crate that embeds Python.

use anyhow::Context;
use camino::Utf8Path;

use super::linked::replace;
use super::{cargo_config, manifest};
use pywasm_session::is_path;

use crate::config::Selection;
use pywasm_store::Ctx;

/// The build script for a crate that has none.
const BUILD_SCRIPT: &str = "//! Links Python.\n\nfn main() {\n    pywasm_build::link();\n}\n";

/// Adds what is missing to the crate in `dir`. If an existing file conflicts with the setup,
/// nothing is written.
///
/// # Errors
/// When a file cannot be read, parsed or written.
pub fn init(dir: &Utf8Path, selection: &Selection, ctx: &Ctx) -> anyhow::Result<()> {
    let cargo_toml = dir.join("Cargo.toml");
    let text = fs_err::read_to_string(&cargo_toml)?;
    let selection = relative_to(dir, selection, ctx)?;
    let ready = manifest::ready(&text, &selection)
        .with_context(|| format!("cannot add to `{cargo_toml}`"))?;
    let config = dir.join(".cargo/config.toml");
    let text = if config.exists() { fs_err::read_to_string(&config)? } else { String::new() };
    let settings =
        cargo_config::with_settings(&text).with_context(|| format!("cannot add to `{config}`"))?;
    fs_err::create_dir_all(dir.join(".cargo"))?;

    let wrote = |path: &Utf8Path, text: &str| -> anyhow::Result<()> {
        if replace(path, text)? {
            ctx.reporter.status("Wrote", path.strip_prefix(dir).unwrap_or(path));
        }
        Ok(())
    };
    wrote(&cargo_toml, &ready.text)?;
    wrote(&config, &settings.text)?;
    let script = dir.join(&ready.build_script);
    if !script.exists() {
        wrote(&script, BUILD_SCRIPT)?;
    } else if !fs_err::read_to_string(&script)?.contains("pywasm_build") {
        let name = &ready.build_script;
        ctx.reporter
            .warn(format!("`{name}` already exists; add `pywasm_build::link();` to its `main`"));
    }
    for key in settings.kept {
        ctx.reporter
            .warn(format!("the existing value of `{key}` in `.cargo/config.toml` was kept"));
    }
    Ok(())
}

/// Rewrites a selection for use in the Cargo.toml in `dir`: a recipe's path becomes relative to
/// `dir`.
///
/// # Errors
/// When the recipe does not exist.
pub(super) fn relative_to(
    dir: &Utf8Path,
    selection: &Selection,
    ctx: &Ctx,
) -> anyhow::Result<Selection> {
    let mut selection = selection.clone();
    if let Some(recipe) = selection.recipe.as_mut().filter(|recipe| is_path(recipe)) {
        let path = ctx.cwd.join(&*recipe);
        let path = path
            .canonicalize_utf8()
            .with_context(|| format!("there is no recipe file `{path}`"))?;
        let dir = dir.canonicalize_utf8()?;
        let path = pathdiff::diff_utf8_paths(&path, dir).context("both paths are absolute")?;
        *recipe = path.into_string();
    }
    Ok(selection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctx(cwd: &Utf8Path) -> Ctx {
        Ctx::for_tests(cwd, &[])
    }

    #[test]
    fn files_are_written_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::write(root.join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        let first = ctx(root);
        init(root, &Selection::default(), &first).unwrap();
        let output = first.reporter.lines().join("\n");
        for file in ["Cargo.toml", ".cargo/config.toml", "build.rs"] {
            assert!(output.contains(&format!("Wrote {file}")), "{output}");
        }
        let again = ctx(root);
        init(root, &Selection::default(), &again).unwrap();
        assert_eq!(again.reporter.lines(), [""; 0]);

        fs_err::write(root.join("build.rs"), "fn main() {}\n").unwrap();
        init(root, &Selection::default(), &again).unwrap();
        assert!(again.reporter.lines().join("\n").contains("add `pywasm_build::link();`"));
        assert_eq!(fs_err::read_to_string(root.join("build.rs")).unwrap(), "fn main() {}\n");
    }

    #[test]
    fn recipe_path_is_relative_to_the_crate() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let app = root.join("app");
        fs_err::create_dir(&app).unwrap();
        fs_err::write(app.join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        let recipe = |name: &str| Selection { recipe: Some(name.to_owned()), python: None };
        let error = init(&app, &recipe("mine.toml"), &ctx(root)).unwrap_err();
        assert!(error.to_string().contains("mine.toml"), "{error:#}");
        fs_err::write(root.join("mine.toml"), "").unwrap();
        init(&app, &recipe("mine.toml"), &ctx(root)).unwrap();
        let text = fs_err::read_to_string(app.join("Cargo.toml")).unwrap();
        assert!(text.contains("recipe = \"../mine.toml\""), "{text}");
    }

    #[test]
    fn conflict_leaves_the_crate_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let own = "[package]\nname = \"x\"\n";
        fs_err::write(root.join("Cargo.toml"), own).unwrap();
        fs_err::create_dir(root.join(".cargo")).unwrap();
        fs_err::write(root.join(".cargo/config.toml"), "build = {}\n").unwrap();
        let error = init(root, &Selection::default(), &ctx(root)).unwrap_err();
        assert!(format!("{error:#}").contains("config.toml"), "{error:#}");
        assert_eq!(fs_err::read_to_string(root.join("Cargo.toml")).unwrap(), own);
    }
}
