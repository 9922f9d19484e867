//! Installations in the store.

use std::path::Path;

use camino::Utf8PathBuf;
use pywasm_build::Installation;
use pywasm_recipes::PatchVersion;

use crate::config::{Selection, Workspace, load_recipe};
use pywasm_session::WithHint;
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// Returns every installation in the store, newest CPython first.
///
/// # Errors
/// When an installation cannot be read.
pub fn all(ctx: &Ctx) -> anyhow::Result<Vec<Installation>> {
    Ok(pywasm_build::installations(ctx.store.bucket(Bucket::Installs).as_std_path())?)
}

/// Returns the newest installation that matches a selection.
///
/// # Errors
/// When no installation matches; the hint is the command that installs one.
pub fn find(selection: &Selection, workspace: &Workspace<'_>) -> anyhow::Result<Installation> {
    let ctx = workspace.ctx();
    let selected = selection.filled(workspace)?;
    let recipe = selected.recipe.as_deref().map(|it| recipe_name(it, ctx)).transpose()?;
    let matches = |python: &Installation| {
        let version: Option<PatchVersion> = python.version().parse().ok();
        selected.python.is_none_or(|it| version.is_some_and(|version| it.matches(version)))
            && recipe.as_ref().is_none_or(|name| name == python.recipe())
    };
    let found = all(ctx)?.into_iter().find(matches);
    let (mut description, mut command) = ("CPython".to_owned(), "cargo pywasm install".to_owned());
    if let Some(python) = selected.python {
        description.push_str(&format!(" {python}"));
        command.push_str(&format!(" --python {python}"));
    }
    if let Some(name) = &selected.recipe {
        description.push_str(&format!(" with recipe `{name}`"));
        command.push_str(&format!(" --recipe {name}"));
    }
    found
        .ok_or_else(|| anyhow::anyhow!("{description} is not installed"))
        .hint(|| format!("`{command}` installs it"))
}

/// Returns the name of an installation's directory, which identifies it on the command line.
#[must_use]
pub fn name_of(python: &Installation) -> String {
    python.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Converts a path in an installation to a UTF-8 path.
///
/// # Errors
/// When the path is not UTF-8.
pub fn utf8(path: impl AsRef<Path>) -> anyhow::Result<Utf8PathBuf> {
    Ok(Utf8PathBuf::try_from(path.as_ref().to_path_buf())?)
}

/// Returns the name of a recipe. If `recipe` is a path, the name is read from that file. The name
/// of a built-in recipe is not looked up, because an older version of the tool may have installed a
/// recipe that this version no longer has.
fn recipe_name(recipe: &str, ctx: &Ctx) -> anyhow::Result<String> {
    if recipe.ends_with(".toml") {
        Ok(load_recipe(recipe, ctx)?.name)
    } else {
        Ok(recipe.to_owned())
    }
}
