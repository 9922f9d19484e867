//! `cargo pywasm recipe`: lists, shows and checks recipes.

use clap::Subcommand;
use pywasm_recipes::{Recipe, builtin_names};
use serde::Serialize;

use crate::config::load_recipe;
use crate::exit::Exit;
use pywasm_session::Message;
use pywasm_store::Ctx;

/// List, show and check recipes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the built-in recipes
    List,
    /// Print a recipe, including all default values
    Show {
        /// Name of a built-in recipe, or path of a recipe file
        recipe: String,
    },
    /// Check recipes; the exit code is 1 if any is invalid
    Check {
        /// Names of built-in recipes, or paths of recipe files
        #[arg(required = true)]
        recipes: Vec<String>,
    },
}

#[derive(Serialize)]
struct RecipeMessage<'a> {
    recipe: &'a Recipe,
}

impl Message for RecipeMessage<'_> {
    const REASON: &'static str = "recipe";
}

/// Runs the command.
///
/// # Errors
/// When a recipe cannot be read. `check` reports an invalid recipe as a finding instead.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::List => list(ctx),
        Action::Show { recipe } => show(recipe, ctx),
        Action::Check { recipes } => Ok(check(recipes, ctx)),
    }
}

fn list(ctx: &Ctx) -> anyhow::Result<Exit> {
    for name in builtin_names() {
        let recipe = load_recipe(name, ctx)?;
        if ctx.reporter.is_json() {
            ctx.reporter.json(&RecipeMessage { recipe: &recipe });
        } else {
            ctx.reporter.data(format!("{name:<10} {:<6} {}", recipe.python, recipe.description));
        }
    }
    Ok(Exit::Success)
}

fn show(recipe: &str, ctx: &Ctx) -> anyhow::Result<Exit> {
    let recipe = load_recipe(recipe, ctx)?;
    if ctx.reporter.is_json() {
        ctx.reporter.json(&RecipeMessage { recipe: &recipe });
    } else {
        ctx.reporter.data(recipe.to_toml().trim_end());
    }
    Ok(Exit::Success)
}

fn check(recipes: &[String], ctx: &Ctx) -> Exit {
    let mut exit = Exit::Success;
    for name in recipes {
        match load_recipe(name, ctx) {
            Ok(recipe) => {
                ctx.reporter.status("Checked", format!("{name}: recipe `{}`", recipe.name));
            }
            Err(error) => {
                ctx.reporter.error(&error);
                exit = Exit::Findings;
            }
        }
    }
    exit
}
