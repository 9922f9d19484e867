//! The choice of a CPython version and a recipe.

use anyhow::Context;
use pywasm_recipes::{PythonRequest, Recipe, is_known_module};

use super::{Workspace, load_recipe};

/// The recipe that is used if the user selects none.
const DEFAULT_RECIPE: &str = "default";

/// The CPython and the recipe that the command line selects.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Selection {
    /// The CPython version, such as `3.13` or `3.13.15` [env: PYWASM_PYTHON]
    #[arg(long, value_name = "VERSION")]
    pub python: Option<PythonRequest>,
    /// A built-in recipe's name, or the path of a recipe file [env: PYWASM_RECIPE]
    #[arg(long, value_name = "NAME|PATH")]
    pub recipe: Option<String>,
}

/// A complete selection, with the recipe loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The CPython.
    pub python: PythonRequest,
    /// The recipe.
    pub recipe: Recipe,
}

impl Selection {
    /// Returns true if the command line selects nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.python.is_none() && self.recipe.is_none()
    }

    /// Fills unset fields from the environment, then from the table of the current crate.
    ///
    /// # Errors
    /// When a variable or the table is invalid.
    pub fn filled(&self, workspace: &Workspace<'_>) -> anyhow::Result<Self> {
        let env = &workspace.ctx().env;
        let mut filled = self.clone();
        if filled.python.is_none()
            && let Some(text) = env.text("PYWASM_PYTHON")
        {
            filled.python = Some(text.parse().context("PYWASM_PYTHON")?);
        }
        filled.recipe = filled.recipe.or_else(|| env.text("PYWASM_RECIPE").map(str::to_owned));
        if filled.python.is_none() || filled.recipe.is_none() {
            let table = workspace.table()?;
            filled.python = filled.python.or(table.python);
            filled.recipe = filled.recipe.or(table.recipe);
        }
        Ok(filled)
    }
}

impl Settings {
    /// Fills the unset fields of a selection and loads the recipe.
    ///
    /// # Errors
    /// When the recipe cannot be read, or disables a module that the selected CPython does not
    /// have.
    pub fn resolve(selection: &Selection, workspace: &Workspace<'_>) -> anyhow::Result<Self> {
        let filled = selection.filled(workspace)?;
        let recipe = filled.recipe.as_deref().unwrap_or(DEFAULT_RECIPE);
        let recipe = load_recipe(recipe, workspace.ctx())?;
        let python = filled.python.unwrap_or(recipe.python);
        // The parser has checked the recipe against the version in its `python` key, but the
        // selected CPython may have different modules.
        let is_unknown = |module: &&String| !is_known_module(python.series(), module);
        if let Some(module) = recipe.modules.disabled.iter().find(is_unknown) {
            anyhow::bail!(
                "recipe `{}` disables `{module}`, which CPython {python} does not have",
                recipe.name
            );
        }
        Ok(Self { python, recipe })
    }
}
