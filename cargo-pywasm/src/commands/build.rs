//! `cargo pywasm build`: `cargo build` for a crate with Python inside.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use camino::Utf8PathBuf;

use super::post_link;
use crate::config;
use crate::exit::Exit;
use crate::project::Call;
use pywasm_post_link::{Asked, Files, Plan};
use pywasm_store::Ctx;

/// Build the crate one is in, with Python inside
///
/// It is `cargo build` for wasm32-wasip1, after what `[package.metadata.pywasm]` asks for was installed,
/// when it is missing, and a Rust was found that has the target.
///
/// Where the table lists steps in `post-link`, they are done to what was built, as `cargo pywasm
/// post-link` does them, and the paths of the results are printed: `target/pywasm/PROFILE/NAME.wasm`.
/// Without `--release` nothing is optimized or compressed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments of `cargo build`
    #[arg(value_name = "CARGO_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When one stands in no such crate, it can't be prepared, or a step after the link fails.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let call = Call { verb: "build", words: &args.cargo_args, runner: Vec::new() };
    let mut asked = config::post_links(ctx)?;
    if asked.is_empty() {
        return call.run(ctx);
    }
    if is_development(&args.cargo_args) {
        // A budget alone needs no steps in a development build.
        let alone = asked.iter().filter(|(_, it)| it.steps.is_empty());
        let alone: BTreeSet<Utf8PathBuf> = alone.map(|(manifest, _)| manifest.clone()).collect();
        let cut: BTreeSet<String> = asked.values_mut().filter_map(Asked::for_development).collect();
        for steps in cut {
            ctx.reporter.note(format!("steps of release builds only: {steps}"));
        }
        asked.retain(|manifest, _| !alone.contains(manifest));
        if asked.is_empty() {
            return call.run(ctx);
        }
    }
    // Plan before the build, so that a missing `wasm-opt` is reported early.
    let plan = |(manifest, asked): (&Utf8PathBuf, &Asked)| -> anyhow::Result<_> {
        let project = post_link::surroundings(asked, ctx)?;
        let mut plan = Plan::new(asked, &project, ctx).with_context(|| of(manifest))?;
        plan.fetch_optimizer(ctx)?;
        Ok((manifest.clone(), plan))
    };
    let plans: BTreeMap<Utf8PathBuf, Plan> = asked.iter().map(plan).collect::<Result<_, _>>()?;
    let (exit, built) = call.run_and_tell(ctx)?;
    if exit != Exit::Program(0) {
        return Ok(exit);
    }
    let wanted = built.into_iter().filter_map(|it| Some((plans.get(&it.manifest)?, it.path)));
    let all = wanted.map(|(plan, path)| {
        let place = Files::of_project(&path)
            .with_context(|| format!("`{path}` is not where Cargo puts modules"))?;
        Ok((place, plan))
    });
    let all: Vec<(Files, &Plan)> = all.collect::<anyhow::Result<_>>()?;
    if all.is_empty() {
        ctx.reporter
            .note("nothing that was built is a command or a reactor: `post-link` has no module");
    }
    post_link::finish(all, ctx)
}

/// Returns true if the Cargo arguments select the dev profile, explicitly or by default.
fn is_development(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|it| *it != "--").collect();
    if words.iter().any(|it| matches!(*it, "--release" | "-r")) {
        return false;
    }
    let named =
        words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--profile") {
            Some("") => words.get(at + 1).copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        });
    named.is_none_or(|name| matches!(name, "dev" | "test"))
}

fn of(manifest: &Utf8PathBuf) -> String {
    format!("`post-link` of `{manifest}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_no_profile_is_trying_things_out() {
        for (words, trying) in [
            ("", true),
            ("--lib", true),
            ("--profile dev", true),
            ("-- --release", true),
            ("--release", false),
            ("--lib -r", false),
            ("--profile=release", false),
            ("--profile small", false),
        ] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(is_development(&words), trying, "{words:?}");
        }
    }
}
