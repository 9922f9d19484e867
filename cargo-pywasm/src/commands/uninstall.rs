//! `cargo pywasm uninstall`: removes installations from the store.

use pywasm_build::Installation;

use crate::exit::Exit;
use pywasm_session::WithHint;
use pywasm_store::{Bucket, Ctx};

/// Remove installations from the store
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A directory name as shown by `list`, a version, or a recipe
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    which: Option<String>,
    /// Remove all installations
    #[arg(long)]
    all: bool,
    /// Print what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// An installation, which can be removed by name even if its manifest cannot be read.
struct Found {
    name: String,
    manifest: Option<Installation>,
}

/// Runs the command.
///
/// # Errors
/// When no installation matches, when several match, or when an installation cannot be removed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let found = |name: String| {
        let manifest = Installation::open(ctx.store.entry(Bucket::Installs, &name)).ok();
        Found { name, manifest }
    };
    let all: Vec<Found> = ctx.store.keys(Bucket::Installs)?.into_iter().map(found).collect();
    let chosen: Vec<&Found> = match &args.which {
        None => all.iter().collect(),
        Some(which) => vec![one(which, &all)?],
    };
    if chosen.is_empty() {
        ctx.reporter.note("nothing is installed");
    }
    for Found { name, .. } in chosen {
        if !args.dry_run {
            remove(name, ctx)?;
        }
        ctx.reporter.status(if args.dry_run { "Would remove" } else { "Removed" }, name);
    }
    Ok(Exit::Success)
}

/// Returns the only installation with this name, version or recipe.
fn one<'a>(which: &str, all: &'a [Found]) -> anyhow::Result<&'a Found> {
    let matches = |found: &&Found| {
        found.name == which
            || found
                .manifest
                .as_ref()
                .is_some_and(|python| python.version() == which || python.recipe() == which)
    };
    let found: Vec<&Found> = all.iter().filter(matches).collect();
    let names = |list: &mut dyn Iterator<Item = &Found>| {
        list.map(|found| found.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    match found[..] {
        [one] => Ok(one),
        [] if all.is_empty() => {
            Err(anyhow::anyhow!("no installation matches `{which}`: nothing is installed"))
        }
        [] => Err(anyhow::anyhow!("no installation matches `{which}`"))
            .hint(|| format!("the installations are: {}", names(&mut all.iter()))),
        _ => Err(anyhow::anyhow!("`{which}` matches several installations"))
            .hint(|| format!("use one of these names: {}", names(&mut found.iter().copied()))),
    }
}

/// Renames the directory, then deletes it, so that no process sees an incomplete installation.
fn remove(name: &str, ctx: &Ctx) -> anyhow::Result<()> {
    let without_key = name.rsplit_once('-').map_or(name, |(rest, _)| rest);
    let _lock = ctx.store.lock(&format!("install-{without_key}"), &ctx.reporter)?;
    let stage = ctx.store.stage(Bucket::Installs)?;
    let aside = stage.path().join(name);
    fs_err::rename(ctx.store.entry(Bucket::Installs, name), &aside)?;
    fs_err::remove_dir_all(&aside)?;
    Ok(())
}
