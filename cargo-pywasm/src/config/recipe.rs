//! Loads recipes by name or path.

use anyhow::Context;
use pywasm_recipes::{LibraryChoice, Recipe, builtin, builtin_names};
use pywasm_stubs::Rules;

use pywasm_session::{WithHint, is_path};
use pywasm_store::Ctx;

/// Loads a recipe by its name or path. Anything that contains `/` or ends in `.toml` is a path.
///
/// # Errors
/// When no built-in recipe has that name, or the file cannot be read or is not a valid recipe.
pub fn load_recipe(name: &str, ctx: &Ctx) -> anyhow::Result<Recipe> {
    if is_path(name) {
        let path = ctx.cwd.join(name);
        let text = fs_err::read_to_string(&path)
            .with_context(|| format!("cannot read recipe `{name}`"))?;
        return Recipe::parse(&text)
            .map_err(anyhow::Error::from)
            .and_then(|mut recipe| {
                let dir = path.parent().unwrap_or(&ctx.cwd);
                for choice in recipe.libraries.values_mut() {
                    if let LibraryChoice::Archive(archive) = choice {
                        *archive = dir.join(&*archive).into_string();
                    }
                }
                Rules::from_table(&recipe.stubs).context("`[stubs]`").map(|_| recipe)
            })
            .hint(|| "`cargo pywasm recipe show default` prints a valid recipe".to_owned())
            .with_context(|| format!("`{name}` is not a valid recipe"));
    }
    let known = || builtin_names().collect::<Vec<_>>().join(", ");
    let text = builtin(name)
        .with_context(|| format!("there is no built-in recipe `{name}`"))
        .hint(|| {
            format!("the built-in recipes are {}; a path contains `/` or ends in `.toml`", known())
        })?;
    Recipe::parse(text).with_context(|| format!("built-in recipe `{name}`"))
}
