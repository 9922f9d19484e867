//! `cargo pywasm build`: `cargo build` for a crate with Python inside.

use std::collections::BTreeMap;

use anyhow::Context;
use camino::Utf8PathBuf;

use super::post_link;
use crate::config;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::post_link::{Asked, Files, Plan};
use crate::project::Call;

/// Build the crate one is in, with Python inside
///
/// It is `cargo build` for wasm32-wasip1, after what `[package.metadata.pywasm]` asks for was installed,
/// when it is missing, and a Rust was found that has the target.
///
/// Where the table lists steps in `post-link`, they are done to what was built, as `cargo pywasm
/// post-link` does them, and the paths of the results are printed: `target/pywasm/PROFILE/NAME.wasm`.
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
    let asked = config::post_links(ctx)?;
    if asked.is_empty() {
        return call.run(ctx);
    }
    // Before the build: who misses `wasm-opt` need not wait for it.
    let plan = |(manifest, asked): (&Utf8PathBuf, &Asked)| -> anyhow::Result<_> {
        Ok((manifest.clone(), Plan::new(asked, ctx).with_context(|| of(manifest))?))
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

fn of(manifest: &Utf8PathBuf) -> String {
    format!("`post-link` of `{manifest}`")
}
