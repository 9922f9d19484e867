//! What is asked for: flags, then environment, then `[package.metadata.pywasm]`, then defaults.

use anyhow::Context;
use pywasm_recipes::{Recipe, builtin, builtin_names};

use crate::ctx::Ctx;
use crate::reporter::WithHint;

/// The recipe of a name or a path: anything with a `/` or the ending `.toml` is a path.
///
/// # Errors
/// When there is none of that name, or the file can't be read or is not a recipe.
pub fn load_recipe(name: &str, ctx: &Ctx) -> anyhow::Result<Recipe> {
    if name.contains('/') || name.ends_with(".toml") {
        let path = ctx.cwd.join(name);
        let text =
            fs_err::read_to_string(&path).with_context(|| format!("can't read recipe `{name}`"))?;
        return Recipe::parse(&text)
            .with_context(|| format!("`{name}` is not a recipe"))
            .hint(|| "`cargo pywasm recipe show default` prints one that works".to_owned());
    }
    let known = || builtin_names().collect::<Vec<_>>().join(", ");
    let text = builtin(name)
        .with_context(|| format!("there is no built-in recipe `{name}`"))
        .hint(|| format!("built in are {}; a path ends in `.toml`", known()))?;
    Recipe::parse(text).with_context(|| format!("built-in recipe `{name}`"))
}
