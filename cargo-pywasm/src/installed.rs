//! Which installation is meant.

use std::path::Path;

use camino::Utf8PathBuf;
use pywasm_build::Installation;
use pywasm_recipes::PatchVersion;

use crate::config::{Selection, load_recipe};
use pywasm_session::WithHint;
use pywasm_store::Bucket;
use pywasm_store::Ctx;

/// Every installation in the store, newest CPython first.
///
/// # Errors
/// When one of them can't be read.
pub fn all(ctx: &Ctx) -> anyhow::Result<Vec<Installation>> {
    Ok(pywasm_build::installations(ctx.store.bucket(Bucket::Installs).as_std_path())?)
}

/// The newest installation that is asked for.
///
/// # Errors
/// When there is none; the hint is the command that makes it.
pub fn find(selection: &Selection, ctx: &Ctx) -> anyhow::Result<Installation> {
    let wanted = selection.filled(ctx)?;
    let recipe = wanted.recipe.as_deref().map(|it| recipe_name(it, ctx)).transpose()?;
    let matches = |python: &Installation| {
        let version: Option<PatchVersion> = python.version().parse().ok();
        wanted.python.is_none_or(|it| version.is_some_and(|version| it.matches(version)))
            && recipe.as_ref().is_none_or(|name| name == python.recipe())
    };
    let found = all(ctx)?.into_iter().find(matches);
    let (mut what, mut command) = ("CPython".to_owned(), "cargo pywasm install".to_owned());
    if let Some(python) = wanted.python {
        what.push_str(&format!(" {python}"));
        command.push_str(&format!(" --python {python}"));
    }
    if let Some(name) = &wanted.recipe {
        what.push_str(&format!(" with recipe `{name}`"));
        command.push_str(&format!(" --recipe {name}"));
    }
    found
        .ok_or_else(|| anyhow::anyhow!("no {what} is installed"))
        .hint(|| format!("`{command}` builds it"))
}

/// An installation's directory name, which is what people call it.
#[must_use]
pub fn name_of(python: &Installation) -> String {
    python.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path of an installation as this crate's paths are.
///
/// # Errors
/// When it is not UTF-8.
pub fn utf8(path: impl AsRef<Path>) -> anyhow::Result<Utf8PathBuf> {
    Ok(Utf8PathBuf::try_from(path.as_ref().to_path_buf())?)
}

/// The name in a recipe file, or the name itself: that of a recipe which is gone from the tool is
/// still the name of what it built.
fn recipe_name(recipe: &str, ctx: &Ctx) -> anyhow::Result<String> {
    if recipe.ends_with(".toml") {
        Ok(load_recipe(recipe, ctx)?.name)
    } else {
        Ok(recipe.to_owned())
    }
}
