//! `cargo pywasm cache`: locates, cleans and mirrors the cache.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Subcommand;
use pywasm_session::display_size;
use serde::Serialize;

use crate::exit::Exit;
#[cfg(feature = "runtime")]
use pywasm_cpython::libraries::is_outdated;
use pywasm_session::Message;
use pywasm_store::fetch::sha256_of;
use pywasm_store::{Bucket, Ctx, tree_size};

/// Manage the cache of downloads, toolchains and builds
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// The time after which an unused compiled module is pruned: a week.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the cache directory
    Dir,
    /// Remove files of the selected kinds; installations are kept
    Clean {
        #[command(flatten)]
        kinds: Kinds,
        /// Print what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove what is no longer needed: files left by killed runs, build directories of finished
    /// installations, compiled modules unused for a week, and libraries and caches of older versions of
    /// the tool
    Prune {
        /// Remove only files that have not changed for this long, such as 30d
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        older_than: Option<Duration>,
        /// Print what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Copy the verified downloads into a directory that can serve as PYWASM_MIRROR
    Mirror {
        /// The directory, created if missing
        dir: Utf8PathBuf,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Kinds {
    /// Downloads
    #[arg(long)]
    downloads: bool,
    /// Toolchains, including those that installations refer to
    #[arg(long)]
    toolchains: bool,
    /// Unpacked sources
    #[arg(long)]
    sources: bool,
    /// Unpacked Python packages
    #[arg(long)]
    packages: bool,
    /// Build directories and logs
    #[arg(long)]
    builds: bool,
    /// All of the above, and the runtime's compiled modules
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct DirMessage<'a> {
    path: &'a Utf8Path,
}

impl Message for DirMessage<'_> {
    const REASON: &'static str = "cache-dir";
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be removed or copied.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Dir if ctx.reporter.is_json() => {
            ctx.reporter.json(&DirMessage { path: ctx.store.cache() });
        }
        Action::Dir => ctx.reporter.data(ctx.store.cache()),
        Action::Clean { kinds, dry_run } => {
            let paths = || entries(&kinds.buckets(), ctx);
            remove_all(paths, *dry_run, ctx)?;
        }
        Action::Prune { older_than, dry_run } => {
            let paths = || {
                let mut paths = prunable(ctx)?;
                paths.retain(|path| older_than.is_none_or(|age| is_older(path, age)));
                Ok(paths)
            };
            remove_all(paths, *dry_run, ctx)?;
        }
        Action::Mirror { dir } => mirror(&ctx.cwd.join(dir), ctx)?,
    }
    Ok(Exit::Success)
}

impl Kinds {
    fn buckets(&self) -> Vec<Bucket> {
        [
            (self.downloads, Bucket::Downloads),
            (self.toolchains, Bucket::Toolchains),
            (self.sources, Bucket::Sources),
            (self.packages, Bucket::Packages),
            (self.builds, Bucket::Builds),
            (false, Bucket::Wasm),
        ]
        .into_iter()
        .filter(|(wanted, _)| *wanted || self.all)
        .map(|(_, bucket)| bucket)
        .collect()
    }
}

/// Removes the paths that `choice` returns. `choice` is called while all locks are held, so that no
/// other process uses the paths.
fn remove_all(
    choice: impl Fn() -> anyhow::Result<Vec<Utf8PathBuf>>,
    dry_run: bool,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    // A dry run changes nothing, so it need not wait for other processes.
    let _locks = if dry_run { Vec::new() } else { lock_all(ctx)? };
    let mut freed = 0;
    for path in choice()? {
        let size = tree_size(&path)?;
        if !dry_run {
            remove(&path, ctx)?;
        }
        freed += size;
        let verb = if dry_run { "Would remove" } else { "Removed" };
        ctx.reporter.status(verb, format!("{path} ({})", display_size(size)));
    }
    let verb = if dry_run { "Would free" } else { "Freed" };
    ctx.reporter.status(verb, display_size(freed));
    Ok(())
}

/// Takes every lock in the store, so that no other process changes the store. Never waits for a
/// lock while holding another, because that could cause a deadlock: the process that holds the
/// awaited lock may take more locks, as a build does when it starts a download.
fn lock_all(ctx: &Ctx) -> anyhow::Result<Vec<File>> {
    loop {
        let names = ctx.store.keys(Bucket::Locks)?;
        let mut locks = Vec::new();
        let mut busy = None;
        for name in &names {
            let path = ctx.store.entry(Bucket::Locks, name);
            let file = fs_err::OpenOptions::new().write(true).open(&path)?.into_file();
            match file.try_lock() {
                Ok(()) => locks.push(file),
                Err(TryLockError::WouldBlock) => {
                    busy = Some(name.strip_suffix(".lock").unwrap_or(name));
                    break;
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock `{path}`"));
                }
            }
        }
        match busy {
            Some(name) => {
                locks.clear();
                drop(ctx.store.lock(name, &ctx.reporter)?);
            }
            // If a lock file has been created since they were listed, another process may hold that
            // lock, so start again.
            None if ctx.store.keys(Bucket::Locks)? == names => return Ok(locks),
            None => {}
        }
    }
}

/// Returns the entries of these buckets, sorted.
fn entries(buckets: &[Bucket], ctx: &Ctx) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut paths = Vec::new();
    for bucket in buckets {
        let keys = ctx.store.keys(*bucket)?;
        paths.extend(keys.iter().map(|key| ctx.store.entry(*bucket, key)));
    }
    paths.sort();
    Ok(paths)
}

/// Returns the entries that are no longer needed, sorted.
fn prunable(ctx: &Ctx) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let known: Vec<&str> = Bucket::CACHE.iter().map(|bucket| bucket.dir_name()).collect();
    let installed = ctx.store.keys(Bucket::Installs)?;
    let mut paths = Vec::new();
    if ctx.store.cache().exists() {
        for entry in ctx.store.cache().read_dir_utf8()? {
            let entry = entry?;
            // The directory is a bucket with a different layout version, such as `sources-v7`.
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
            // A running process may use the entry, but no step takes longer than an hour.
            if is_older(&path, Duration::from_secs(3600)) {
                paths.push(path);
            }
        }
    }
    for key in ctx.store.keys(Bucket::Wasm)? {
        let path = ctx.store.entry(Bucket::Wasm, &key);
        // Loading a compiled module updates its modification time.
        if is_older(&path, UNUSED) {
            paths.push(path);
        }
    }
    for key in ctx.store.keys(Bucket::Builds)? {
        if installed.contains(&key)
            || is_outdated(&key)
            || key.strip_suffix("-tests").is_some_and(|name| !installed.iter().any(|it| it == name))
        {
            paths.push(ctx.store.entry(Bucket::Builds, &key));
        }
    }
    paths.sort();
    Ok(paths)
}

/// Without the runtime, this tool builds no libraries.
#[cfg(not(feature = "runtime"))]
fn is_outdated(_key: &str) -> bool {
    false
}

fn is_older(path: &Utf8Path, age: Duration) -> bool {
    let changed = path.symlink_metadata().and_then(|data| data.modified());
    let elapsed = changed.map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
    elapsed.is_ok_and(|elapsed| elapsed >= age)
}

/// Renames the entry before deleting it, so that the store contains no incomplete entry if this
/// process is killed.
fn remove(path: &Utf8Path, ctx: &Ctx) -> anyhow::Result<()> {
    let stage = ctx.store.stage(Bucket::Builds)?;
    let aside = stage.path().join("removed");
    let path = match fs_err::rename(path, &aside) {
        Ok(()) => aside,
        // The staging area of installations may be on another file system. Its entries can be
        // deleted in place, because no process reads them.
        Err(error) if error.kind() == ErrorKind::CrossesDevices => path.to_owned(),
        Err(error) => return Err(error.into()),
    };
    if path.symlink_metadata()?.is_dir() {
        fs_err::remove_dir_all(&path)?;
    } else {
        fs_err::remove_file(&path)?;
    }
    Ok(())
}

/// Copies the downloads under their store names, which `fetch` expects in a mirror. The digest of
/// each file is checked, so that a corrupt file is not copied.
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
        if prefix.len() != 16 || !digest.starts_with(prefix) {
            ctx.reporter
                .warn(format!("skipping `{path}`, because its digest does not match its name"));
            continue;
        }
        // The file is renamed once it is complete, because other machines may be using the mirror.
        let part = dir.join(format!("{key}.part"));
        fs_err::copy(&path, &part).with_context(|| format!("cannot copy `{path}`"))?;
        fs_err::rename(&part, dir.join(&key))?;
        count += 1;
    }
    ctx.reporter.status("Mirrored", format!("{count} files to {dir}"));
    ctx.reporter.note(format!("use it with PYWASM_MIRROR=file://{dir}"));
    Ok(())
}
