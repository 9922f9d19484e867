//! `cargo pywasm cache`: where it is, what can go, and a mirror of it.

use std::time::{Duration, SystemTime};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::fetch::sha256_of;
use crate::installed;
use crate::store::{Bucket, Lock, tree_size};

/// Look after what is kept to build again faster
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the cache's directory
    Dir,
    /// Remove kinds of files; installations stay
    Clean {
        #[command(flatten)]
        what: What,
        /// Say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove what nobody needs any more: scratch of killed runs, builds that are installed, and
    /// what older versions of this tool left
    Prune {
        /// Only what was not changed for so long
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        older_than: Option<Duration>,
        /// Say what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy the verified downloads into a directory that serves as PYWASM_MIRROR
    Mirror {
        /// The directory, which is made when it is missing
        dir: Utf8PathBuf,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct What {
    /// Downloads
    #[arg(long)]
    downloads: bool,
    /// Toolchains: installations name the one they were built with
    #[arg(long)]
    toolchains: bool,
    /// Unpacked sources
    #[arg(long)]
    sources: bool,
    /// Build directories and logs
    #[arg(long)]
    builds: bool,
    /// All of these, and the runtime's compiled modules
    #[arg(long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
/// When a file can't be removed or copied.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Dir => ctx.reporter.data(ctx.store.cache()),
        Action::Clean { what, dry_run } => {
            let _locks = lock_all(ctx)?;
            for dir in what.buckets().into_iter().map(|bucket| ctx.store.bucket(bucket)) {
                if dir.exists() {
                    remove(&dir, *dry_run, ctx)?;
                }
            }
        }
        Action::Prune { older_than, dry_run } => {
            let _locks = lock_all(ctx)?;
            for path in prunable(ctx)? {
                if older_than.is_none_or(|age| is_older(&path, age)) {
                    remove(&path, *dry_run, ctx)?;
                }
            }
        }
        Action::Mirror { dir } => mirror(&ctx.cwd.join(dir), ctx)?,
    }
    Ok(Exit::Success)
}

impl What {
    fn buckets(&self) -> Vec<Bucket> {
        [
            (self.downloads, Bucket::Downloads),
            (self.toolchains, Bucket::Toolchains),
            (self.sources, Bucket::Sources),
            (self.builds, Bucket::Builds),
            (false, Bucket::Wasm),
        ]
        .into_iter()
        .filter(|(wanted, _)| *wanted || self.all)
        .map(|(_, bucket)| bucket)
        .collect()
    }
}

/// Every lock there is: nobody else works on anything while these are held.
fn lock_all(ctx: &Ctx) -> anyhow::Result<Vec<Lock>> {
    let names = ctx.store.keys(Bucket::Locks)?;
    let names = names.iter().filter_map(|name| name.strip_suffix(".lock"));
    names.map(|name| ctx.store.lock(name, &ctx.reporter)).collect()
}

/// What nobody needs, sorted.
fn prunable(ctx: &Ctx) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let known: Vec<&str> = Bucket::CACHE.iter().map(|bucket| bucket.dir_name()).collect();
    let installed: Vec<String> = installed::all(ctx)?.iter().map(installed::name_of).collect();
    let mut paths = Vec::new();
    if ctx.store.cache().exists() {
        for entry in ctx.store.cache().read_dir_utf8()? {
            let entry = entry?;
            // A bucket of another version: `sources-v7`.
            if entry.file_type()?.is_dir()
                && !known.contains(&entry.file_name())
                && entry.file_name().contains("-v")
            {
                paths.push(entry.into_path());
            }
        }
    }
    let staging =
        [ctx.store.bucket(Bucket::Staging), ctx.store.data().join(Bucket::Staging.dir_name())];
    for dir in staging.iter().filter(|dir| dir.exists()) {
        for entry in dir.read_dir_utf8()? {
            let path = entry?.into_path();
            // A running process may be at work there; an hour is longer than any step takes.
            if is_older(&path, Duration::from_secs(3600)) {
                paths.push(path);
            }
        }
    }
    for key in ctx.store.keys(Bucket::Builds)? {
        if installed.contains(&key)
            || key.strip_suffix("-tests").is_some_and(|name| !installed.iter().any(|it| it == name))
        {
            paths.push(ctx.store.entry(Bucket::Builds, &key));
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_older(path: &Utf8Path, age: Duration) -> bool {
    let changed = path.symlink_metadata().and_then(|data| data.modified());
    let passed = changed.map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
    passed.is_ok_and(|passed| passed >= age)
}

fn remove(path: &Utf8Path, dry_run: bool, ctx: &Ctx) -> anyhow::Result<()> {
    let size = tree_size(path)?;
    if !dry_run {
        fs_err::remove_dir_all(path)?;
    }
    let verb = if dry_run { "Would remove" } else { "Removed" };
    ctx.reporter.status(verb, format!("{path} ({} MB)", size / 1_000_000));
    Ok(())
}

/// The downloads under the store's own names, which is where `fetch` looks in a mirror. Each is
/// hashed: a mirror must not spread what a broken disk made of a file.
fn mirror(dir: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    fs_err::create_dir_all(dir)?;
    let mut count = 0;
    for key in ctx.store.keys(Bucket::Downloads)? {
        let path = ctx.store.entry(Bucket::Downloads, &key);
        let Some((prefix, _)) = key.split_once('-') else { continue };
        if key.ends_with(".part") || !path.is_file() {
            continue;
        }
        let digest = sha256_of(fs_err::File::open(&path)?)?.to_string();
        if !digest.starts_with(prefix) {
            ctx.reporter.warn(format!("`{path}` is not what its name says and is left out"));
            continue;
        }
        fs_err::copy(&path, dir.join(&key)).with_context(|| format!("can't copy `{path}`"))?;
        count += 1;
    }
    ctx.reporter.status("Mirrored", format!("{count} files to {dir}"));
    ctx.reporter.note(format!("use it with PYWASM_MIRROR=file://{dir}"));
    Ok(())
}
