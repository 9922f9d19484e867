//! `cargo pywasm uninstall`: take an installation out of the store.

use pywasm_build::Installation;

use crate::exit::Exit;
use pywasm_session::WithHint;
use pywasm_store::Bucket;
use pywasm_store::Ctx;

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

/// An installation by its directory's name. What its manifest says is unknown when that can't be
/// read, and then it can still be removed.
struct Found {
    name: String,
    manifest: Option<Installation>,
}

/// Runs the command.
///
/// # Errors
/// When nothing, or more than one, answers to the name, or it can't be removed.
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

/// The only installation that answers to this.
fn one<'a>(which: &str, all: &'a [Found]) -> anyhow::Result<&'a Found> {
    let answers = |found: &&Found| {
        found.name == which
            || found
                .manifest
                .as_ref()
                .is_some_and(|python| python.version() == which || python.recipe() == which)
    };
    let found: Vec<&Found> = all.iter().filter(answers).collect();
    let names = |list: &mut dyn Iterator<Item = &Found>| {
        list.map(|found| found.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    match found[..] {
        [one] => Ok(one),
        [] if all.is_empty() => {
            Err(anyhow::anyhow!("no installation is called `{which}`: nothing is installed"))
        }
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
    let aside = stage.path().join(name);
    fs_err::rename(ctx.store.entry(Bucket::Installs, name), &aside)?;
    fs_err::remove_dir_all(&aside)?;
    Ok(())
}
