//! `cargo pywasm size`: where the bytes of a module are, what changed, and whether it is within its budget.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::config;
use crate::exit::Exit;
use crate::project::{self, Linked};
use pywasm_audit::{Content, Input};
use pywasm_post_link::{Files, gzip};
use pywasm_session::WithHint;
use pywasm_size::report::{self, Measured};
use pywasm_size::{
    Breakdown, Budget, By, Diff, Evidence, LinkMap, Members, Over, Record, find_map, measure,
    record_place,
};
use pywasm_store::Ctx;
use pywasm_store::stage_file;

/// Say where the bytes of a module are: by Python module, object, crate, function and data
///
/// Every byte of the file is told, and what cannot be told apart says so. Takes modules (.wasm, .wasm.gz);
/// without a file, inside of a project, what it has built. Names tell functions apart, and what the build left
/// beside a finished module: its record, or the linker's map. Exit code 1 says that a budget is not kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "FILE")]
    file: Option<Utf8PathBuf>,
    /// What the table has a line for [default: section, then origin]
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
    /// How many lines of it; 0 is all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// One document of JSON rather than tables
    #[arg(long)]
    json: bool,
    /// Write a treemap, which a browser opens from disk
    #[arg(long, value_name = "FILE")]
    html: Option<Utf8PathBuf>,
    /// Say what is larger and smaller than in this module or baseline
    #[arg(long, value_name = "OLD")]
    diff: Option<Utf8PathBuf>,
    /// Hold it against the `size-budget` of the project
    #[arg(long)]
    budget: bool,
    /// Write a baseline for --diff and budgets, small enough to be committed
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<Utf8PathBuf>,
    /// The map of its link (wasm-ld -Map=FILE) [default: that of the build, where it is found]
    #[arg(long, value_name = "FILE")]
    map: Option<Utf8PathBuf>,
    /// An archive it was linked from, for the objects of functions; may be repeated [default: those of
    /// the project's installation, where there is no map]
    #[arg(long, value_name = "FILE")]
    archive: Vec<Utf8PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When a file can't be read or written, is not what it has to be, or there is no budget to hold it against.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let files = match &args.file {
        Some(file) => vec![file.clone()],
        None => built(ctx)?,
    };
    if files.len() > 1
        && (args.html.is_some() || args.write_baseline.is_some() || args.diff.is_some())
    {
        return Err(anyhow::anyhow!(
            "this is about one module, and the project has {}",
            files.len()
        ))
        .hint(|| format!("name one: `cargo pywasm size {} …`", files[0]));
    }
    let budget = args.budget.then(|| budget(ctx)).transpose()?;
    let gzip = budget.as_ref().is_some_and(Budget::needs_gzip);
    let members = members(args, ctx)?;
    let old = args.diff.as_ref().map(|path| old(path, &members, ctx)).transpose()?;
    let mut all = Vec::new();
    for file in &files {
        let bytes = module(file, ctx)?;
        let mut found = breakdown(file, &bytes, args.map.as_deref(), &members, ctx)?;
        if gzip && found.gzip.is_none() {
            found.gzip = Some(self::gzip(&bytes)?.len() as u64);
        }
        if let Some(path) = &args.write_baseline {
            write(path, &Record::of(&bytes, &found, false).text(), ctx)?;
        }
        let by = args.by.unwrap_or_default();
        let diff = old.as_ref().zip(args.diff.clone());
        let diff = diff.map(|(old, path)| (path, Diff::of(old, &found, by)));
        let one = Measured { file: file.clone(), all: found, diff };
        if let Some(path) = &args.html {
            write(path, &report::html(&one, old.as_ref()), ctx)?;
        }
        let over = budget.as_ref().map(|it| it.over(&one.all)).unwrap_or_default();
        all.push((one, over));
    }
    tell(args, &all, ctx);
    let mut exit = Exit::Success;
    if let Some(budget) = &budget {
        let baseline =
            budget.baseline.as_ref().map(|path| old_of(path, &members, ctx)).transpose()?;
        for (one, over) in &all {
            let old = baseline.clone().or_else(|| last_good(&one.file, ctx));
            exit = held(&one.all, over, budget, old.as_ref(), exit, ctx);
        }
    }
    Ok(exit)
}

/// What is printed: of JSON one document, of tables one after the other.
fn tell(args: &Args, all: &[(Measured, Vec<Over>)], ctx: &Ctx) {
    let by = args.by.unwrap_or_default();
    if args.json || ctx.reporter.is_json() {
        ctx.reporter.data(format!("{:#}", report::document(all, by, args.top)));
        return;
    }
    // Who asked for a file wants no table beside it.
    if args.by.is_none()
        && args.diff.is_none()
        && (args.html.is_some() || args.write_baseline.is_some())
    {
        return;
    }
    for (one, _) in all {
        let text = match &one.diff {
            Some((old, diff)) => report::difference(one, old.as_str(), diff, by, args.top),
            None => report::table(one, args.by, args.top),
        };
        ctx.reporter.data(text.trim_end());
    }
}

/// Says what is over a budget, and of which names there is nothing.
fn held(
    all: &Breakdown,
    over: &[Over],
    budget: &Budget,
    baseline: Option<&Breakdown>,
    exit: Exit,
    ctx: &Ctx,
) -> Exit {
    for sentence in budget.of_nothing(all) {
        ctx.reporter.warn(sentence);
    }
    if !ctx.reporter.is_json() {
        over.iter().for_each(|it| ctx.reporter.failure(it.told(all, baseline)));
    }
    if over.is_empty() { exit } else { Exit::Findings }
}

/// The project's modules: as they were finished, where that is not older than the build.
fn built(ctx: &Ctx) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let time = |path: &Utf8Path| ctx.cwd.join(path).metadata().and_then(|it| it.modified()).ok();
    let finished = |path: Utf8PathBuf| {
        let output = Files::of_project(&path).map(|files| files.output);
        let Some((output, made)) = output.and_then(|it| time(&it).map(|made| (it, made))) else {
            return path;
        };
        if Some(made) >= time(&path) {
            return output;
        }
        ctx.reporter.note(format!(
            "`{path}` was linked after `{output}` was finished: it is told as it was linked"
        ));
        path
    };
    Ok(project::built_modules(ctx)?.into_iter().map(finished).collect())
}

fn budget(ctx: &Ctx) -> anyhow::Result<Budget> {
    config::size_budget(ctx)?.context("there is no budget").hint(|| {
        "`[package.metadata.pywasm]` has none: `size-budget = { total = \"3.4MB\" }`".to_owned()
    })
}

fn module(path: &Utf8Path, ctx: &Ctx) -> anyhow::Result<Vec<u8>> {
    match Input::read(path, &ctx.cwd)?.content {
        Content::Module(bytes) | Content::Compressed(bytes, _) => Ok(bytes),
        Content::Object(_) | Content::Archive(_) => Err(anyhow::anyhow!(
            "`{path}` is not linked yet: what the linker takes of it, nobody knows"
        ))
        .hint(|| "name the module that is linked of it".to_owned()),
    }
}

/// Measures a module with all that is known of it.
fn breakdown(
    path: &Utf8Path,
    bytes: &[u8],
    map: Option<&Utf8Path>,
    members: &Members,
    ctx: &Ctx,
) -> anyhow::Result<Breakdown> {
    let place = ctx.cwd.join(path);
    if map.is_none()
        && let Some(record) = Record::beside(&place, bytes)
    {
        return Ok(record.breakdown());
    }
    let text = match map {
        Some(map) => Some(fs_err::read_to_string(ctx.cwd.join(map))?),
        None => find_map(&place, bytes),
    };
    let read = || map.map_or_else(|| "the link map".to_owned(), |map| format!("link map `{map}`"));
    let map = text.as_deref().map(LinkMap::read).transpose().with_context(read)?;
    let evidence = Evidence { map: map.as_ref(), members: Some(members), ..Evidence::default() };
    let found = measure(bytes, evidence).with_context(|| format!("`{path}` can't be measured"))?;
    if found.is_nameless() {
        ctx.reporter.note(format!(
            "`{path}` has no names: measure it before `strip`, or as `cargo pywasm build` left it"
        ));
    }
    Ok(found)
}

/// The archives that are named, else those of the project's installation.
fn members(args: &Args, ctx: &Ctx) -> anyhow::Result<Members> {
    if !args.archive.is_empty() {
        let archives: Vec<Utf8PathBuf> = args.archive.iter().map(|it| ctx.cwd.join(it)).collect();
        return Members::of_files(&archives);
    }
    match Linked::find(&ctx.cwd)? {
        Some(linked) => Members::of_installation(&linked.installation),
        None => Ok(Members::default()),
    }
}

/// An older breakdown: of a baseline, or of a module.
fn old(path: &Utf8Path, members: &Members, ctx: &Ctx) -> anyhow::Result<Breakdown> {
    let bytes = fs_err::read(ctx.cwd.join(path))?;
    if Record::is(&bytes) {
        return Ok(Record::parse(path, &bytes)?.breakdown());
    }
    breakdown(path, &module(path, ctx)?, None, members, ctx)
}

/// The last build of a project that was within its budget: its record stands.
fn last_good(file: &Utf8Path, ctx: &Ctx) -> Option<Breakdown> {
    let finished = Files::of_project(file).map_or(file.to_owned(), |files| files.output);
    let place = record_place(&ctx.cwd.join(finished))?;
    Some(Record::parse(&place, &std::fs::read(&place).ok()?).ok()?.breakdown())
}

fn old_of(path: &Utf8Path, members: &Members, ctx: &Ctx) -> anyhow::Result<Breakdown> {
    old(path, members, ctx)
        .with_context(|| format!("`baseline` of the size budget is `{path}`"))
        .hint(|| "`cargo pywasm size --write-baseline FILE` writes one".to_owned())
}

fn write(path: &Utf8Path, text: &str, ctx: &Ctx) -> anyhow::Result<()> {
    let place = ctx.cwd.join(path);
    let file = stage_file(&place, text.as_bytes())?;
    file.persist(&place).with_context(|| format!("can't write `{path}`"))?;
    ctx.reporter.status("Wrote", path);
    Ok(())
}
