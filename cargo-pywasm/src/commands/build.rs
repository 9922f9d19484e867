//! `cargo pywasm build`: `cargo build` for a crate that embeds Python.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::post_link;
use crate::config::{CargoArgs, Workspace};
use crate::exit::Exit;
use crate::project::Call;
use pywasm_post_link::{Files, Plan, Request, Surroundings};
use pywasm_store::Ctx;

/// Build the current crate
///
/// First installs the Python that `[package.metadata.pywasm]` requests, if it is missing, and finds
/// a Rust toolchain that has the wasm32-wasip1 target. Then runs `cargo build` for that target.
///
/// If `[package.metadata.pywasm]` lists `post-link` steps, also runs them on the built modules, as
/// `cargo pywasm post-link` does, and prints the paths of the results,
/// `target/pywasm/PROFILE/NAME.wasm`. Without `--release`, modules are neither optimized nor
/// compressed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arguments of `cargo build`
    #[arg(value_name = "CARGO_ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    cargo_args: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the current crate does not embed Python or cannot be prepared, or when a post-link step
/// fails.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let call = Call { verb: "build", args: &args.cargo_args, runner: Vec::new() };
    let workspace = Workspace::selected(CargoArgs::new(&args.cargo_args), ctx);
    let mut requested = workspace.post_links()?;
    if requested.is_empty() {
        return call.prepare(&workspace)?.run(ctx);
    }
    if is_dev_profile(&args.cargo_args) {
        // A size budget without post-link steps is checked in release builds only.
        let alone = requested.iter().filter(|(_, it)| it.steps.is_empty());
        let alone: BTreeSet<Utf8PathBuf> = alone.map(|(manifest, _)| manifest.clone()).collect();
        let cut: BTreeSet<String> =
            requested.values_mut().filter_map(Request::for_development).collect();
        for steps in cut {
            ctx.reporter.note(format!("skipped without `--release`: {steps}"));
        }
        requested.retain(|manifest, _| !alone.contains(manifest));
        if requested.is_empty() {
            return call.prepare(&workspace)?.run(ctx);
        }
    }
    // The first plans report a missing `wasm-opt` before Python is built. The second ones know the
    // installations, which `prepare` records.
    plans(&requested, |_, _| Ok(Surroundings::default()), ctx)?;
    let line = call.prepare(&workspace)?;
    let surroundings = |asked: &Request, dir: &Utf8Path| post_link::surroundings(asked, dir, ctx);
    let plans = plans(&requested, surroundings, ctx)?;
    let (exit, built) = line.run_and_collect(ctx)?;
    if exit != Exit::Program(0) {
        return Ok(exit);
    }
    let outputs = built.into_iter().filter_map(|it| Some((plans.get(&it.manifest)?, it.path)));
    let all = outputs.map(|(plan, path)| {
        let files = Files::of_project(&path)
            .with_context(|| format!("`{path}` is not in a Cargo target directory"))?;
        Ok((files, plan))
    });
    let all: Vec<(Files, &Plan)> = all.collect::<anyhow::Result<_>>()?;
    if all.is_empty() {
        ctx.reporter
            .note("`post-link` has no effect, because no command or reactor module was built");
    }
    post_link::finish(all, ctx)
}

/// Returns the plans for packages, by the paths of their Cargo.toml.
fn plans(
    requested: &BTreeMap<Utf8PathBuf, Request>,
    surroundings: impl Fn(&Request, &Utf8Path) -> anyhow::Result<Surroundings>,
    ctx: &Ctx,
) -> anyhow::Result<BTreeMap<Utf8PathBuf, Plan>> {
    let plan = |(manifest, requested): (&Utf8PathBuf, &Request)| {
        let of = || format!("`post-link` of `{manifest}`");
        let dir = manifest.parent().unwrap_or(&ctx.cwd);
        let project = surroundings(requested, dir)?;
        let mut plan = Plan::new(requested, &project, ctx).with_context(of)?;
        plan.fetch_optimizer(ctx)?;
        Ok((manifest.clone(), plan))
    };
    requested.iter().map(plan).collect()
}

/// Returns true if Cargo's arguments select the dev profile, explicitly or by default.
fn is_dev_profile(args: &[String]) -> bool {
    let args: Vec<&str> = args.iter().map(String::as_str).take_while(|it| *it != "--").collect();
    if args.iter().any(|it| matches!(*it, "--release" | "-r")) {
        return false;
    }
    let named = args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix("--profile") {
        Some("") => args.get(at + 1).copied(),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    named.is_none_or(|name| matches!(name, "dev" | "test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_is_dev_by_default() {
        for (args, is_dev) in [
            ("", true),
            ("--lib", true),
            ("--profile dev", true),
            ("-- --release", true),
            ("--release", false),
            ("--lib -r", false),
            ("--profile=release", false),
            ("--profile small", false),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            assert_eq!(is_dev_profile(&args), is_dev, "{args:?}");
        }
    }
}
