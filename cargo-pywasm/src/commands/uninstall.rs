//! `cargo pywasm uninstall`: take an installation out of the store.

use pywasm_build::Installation;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::installed;
use crate::reporter::WithHint;
use crate::store::Bucket;

/// Remove installations from the store
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which: a name as `list` shows it, a version, or a recipe
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    which: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// When nothing, or more than one, answers to the name, or it can't be removed.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let all = installed::all(ctx)?;
    let chosen: Vec<&Installation> = match &args.which {
        None => all.iter().collect(),
        Some(which) => vec![one(which, &all)?],
    };
    for python in chosen {
        let name = installed::name_of(python);
        if !args.dry_run {
            remove(&name, ctx)?;
        }
        ctx.reporter.status(if args.dry_run { "Would remove" } else { "Removed" }, name);
    }
    Ok(Exit::Success)
}

/// The only installation that answers to this.
fn one<'a>(which: &str, all: &'a [Installation]) -> anyhow::Result<&'a Installation> {
    let answers = |python: &&Installation| {
        installed::name_of(python) == which || python.version() == which || python.recipe() == which
    };
    let found: Vec<&Installation> = all.iter().filter(answers).collect();
    let names = |list: &mut dyn Iterator<Item = &Installation>| {
        list.map(installed::name_of).collect::<Vec<_>>().join(", ")
    };
    match found[..] {
        [one] => Ok(one),
        [] => Err(anyhow::anyhow!("no installation is called `{which}`"))
            .hint(|| format!("installed are: {}", names(&mut all.iter()))),
        _ => Err(anyhow::anyhow!("`{which}` is not the name of one installation alone"))
            .hint(|| format!("say which: {}", names(&mut found.iter().copied()))),
    }
}

/// Out of the way by one rename, then deleted: nobody ever sees half of it.
fn remove(name: &str, ctx: &Ctx) -> anyhow::Result<()> {
    let without_key = name.rsplit_once('-').map_or(name, |(rest, _)| rest);
    let _lock = ctx.store.lock(&format!("install-{without_key}"), &ctx.reporter)?;
    let stage = ctx.store.stage(Bucket::Installs)?;
    fs_err::rename(ctx.store.entry(Bucket::Installs, name), stage.path().join(name))?;
    Ok(())
}
