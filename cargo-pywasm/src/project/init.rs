//! What `init` writes into a crate, so that plain Cargo builds, runs and tests it.

use anyhow::Context;
use camino::Utf8Path;

use super::linked::replace;
use super::{cargo_config, manifest};
use pywasm_session::is_path;

use crate::config::Selection;
use pywasm_store::Ctx;

/// All of a build script.
const BUILD_SCRIPT: &str = "//! Links Python.\n\nfn main() {\n    pywasm_build::link();\n}\n";

/// Writes what is missing into the crate in `dir`. Nothing is written when something is in the way.
///
/// # Errors
/// When a file can't be read, understood or written.
pub fn init(dir: &Utf8Path, selection: &Selection, ctx: &Ctx) -> anyhow::Result<()> {
    let cargo_toml = dir.join("Cargo.toml");
    let text = fs_err::read_to_string(&cargo_toml)?;
    let selection = seen_from(dir, selection, ctx)?;
    let ready = manifest::ready(&text, &selection)
        .with_context(|| format!("can't add to `{cargo_toml}`"))?;
    let config = dir.join(".cargo/config.toml");
    let text = if config.exists() { fs_err::read_to_string(&config)? } else { String::new() };
    let settings =
        cargo_config::with_settings(&text).with_context(|| format!("can't add to `{config}`"))?;
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
        ctx.reporter.warn(format!("`{name}` is yours: add `pywasm_build::link();` to its `main`"));
    }
    for key in settings.kept {
        ctx.reporter.warn(format!("`{key}` of `.cargo/config.toml` is yours, and was left alone"));
    }
    Ok(())
}

/// A selection as the crate's Cargo.toml says it: the path of a recipe leads from there.
///
/// # Errors
/// When there is no such recipe.
pub(super) fn seen_from(
    dir: &Utf8Path,
    selection: &Selection,
    ctx: &Ctx,
) -> anyhow::Result<Selection> {
    let mut selection = selection.clone();
    if let Some(recipe) = selection.recipe.as_mut().filter(|recipe| is_path(recipe)) {
        let path = ctx.cwd.join(&*recipe);
        let path =
            path.canonicalize_utf8().with_context(|| format!("there is no recipe `{path}`"))?;
        let dir = dir.canonicalize_utf8()?;
        let way = pathdiff::diff_utf8_paths(&path, dir).context("both paths are absolute")?;
        *recipe = way.into_string();
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
    fn a_crate_gets_its_files_once_and_its_own_build_script_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        fs_err::write(root.join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
        let first = ctx(root);
        init(root, &Selection::default(), &first).unwrap();
        let said = first.reporter.lines().join("\n");
        for file in ["Cargo.toml", ".cargo/config.toml", "build.rs"] {
            assert!(said.contains(&format!("Wrote {file}")), "{said}");
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
    fn a_recipe_file_is_named_from_where_the_crate_is() {
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
    fn nothing_is_written_when_something_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        let own = "[package]\nname = \"x\"\n";
        fs_err::write(root.join("Cargo.toml"), own).unwrap();
        fs_err::create_dir(root.join(".cargo")).unwrap();
        fs_err::write(root.join(".cargo/config.toml"), "env = {}\n").unwrap();
        let error = init(root, &Selection::default(), &ctx(root)).unwrap_err();
        assert!(format!("{error:#}").contains("config.toml"), "{error:#}");
        assert_eq!(fs_err::read_to_string(root.join("Cargo.toml")).unwrap(), own);
    }
}
