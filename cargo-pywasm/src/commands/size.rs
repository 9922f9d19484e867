//! `cargo pywasm size`: attributes the bytes of a module, compares modules, and checks budgets.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::config::Workspace;
use crate::exit::Exit;
use crate::project::{self, Linked};
use pywasm_audit::Input;
use pywasm_build::Installation;
use pywasm_post_link::{Files, gzip};
use pywasm_session::WithHint;
use pywasm_size::report::{self, Measured};
use pywasm_size::{
    Breakdown, Budget, By, Diff, Evidence, LinkMap, Members, Over, Record, find_map, measure,
    record_place,
};
use pywasm_store::Ctx;
use pywasm_store::stage_file;

/// Show what takes up space in a module: Python modules, objects, crates, functions and data
///
/// Every byte of the file is counted, even if its origin is unknown. Accepts modules (.wasm,
/// .wasm.gz). In a project, the built modules are measured by default. Functions are attributed by
/// their names, and by the size record or the linker map that a build leaves next to a module. The
/// exit code is 1 if a budget is exceeded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module
    #[arg(value_name = "FILE")]
    file: Option<Utf8PathBuf>,
    /// Print one table line per WHAT [default: section, then origin]
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
    /// The maximum number of lines; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Print a JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Write a treemap as an HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<Utf8PathBuf>,
    /// Compare with this older module or baseline
    #[arg(long, value_name = "OLD")]
    diff: Option<Utf8PathBuf>,
    /// Check the project's `size-budget`
    #[arg(long)]
    budget: bool,
    /// Write a baseline for --diff and budgets; the file is small enough to commit
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<Utf8PathBuf>,
    /// The linker map, as written by `wasm-ld -Map=FILE` [default: the build's map, if found]
    #[arg(long, value_name = "FILE")]
    map: Option<Utf8PathBuf>,
    /// An archive that the module was linked from, for attributing functions to objects; may be
    /// repeated [default: without a map, the archives of the project's installation, or of the
    /// installation whose interpreter is measured]
    #[arg(long, value_name = "FILE")]
    archive: Vec<Utf8PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, a file is malformed, or there is no budget to check.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let files = match &args.file {
        Some(file) => vec![file.clone()],
        None => built(&workspace)?,
    };
    if files.len() > 1
        && (args.html.is_some() || args.write_baseline.is_some() || args.diff.is_some())
    {
        return Err(anyhow::anyhow!(
            "`--html`, `--write-baseline` and `--diff` need a single module, but the project has {}",
            files.len()
        ))
        .hint(|| format!("specify one: `cargo pywasm size {} …`", files[0]));
    }
    let budget = args.budget.then(|| budget(&workspace)).transpose()?;
    let gzip = budget.as_ref().is_some_and(Budget::needs_gzip);
    let members = members(args, ctx)?;
    let old = args.diff.as_ref().map(|path| old(path, &members, ctx)).transpose()?;
    let mut all = Vec::new();
    for file in &files {
        let bytes = Input::read_module(file, &ctx.cwd)?;
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
    print(args, &all, ctx);
    let mut exit = Exit::Success;
    if let Some(budget) = &budget {
        let baseline =
            budget.baseline.as_ref().map(|path| old_of(path, &members, ctx)).transpose()?;
        for (one, over) in &all {
            let old = baseline.clone().or_else(|| last_good(&one.file, ctx));
            exit = report_budget(&one.all, over, budget, old.as_ref(), exit, ctx);
        }
    }
    Ok(exit)
}

/// Prints a JSON document, or the tables of all modules.
fn print(args: &Args, all: &[(Measured, Vec<Over>)], ctx: &Ctx) {
    let by = args.by.unwrap_or_default();
    if args.json || ctx.reporter.is_json() {
        ctx.reporter.data(format!("{:#}", report::document(all, by, args.top)));
        return;
    }
    // If the command writes a file, it prints tables only with `--by` or `--diff`.
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

/// Reports exceeded limits, and budget keys that match nothing in the module.
fn report_budget(
    all: &Breakdown,
    over: &[Over],
    budget: &Budget,
    baseline: Option<&Breakdown>,
    exit: Exit,
    ctx: &Ctx,
) -> Exit {
    for warning in budget.unused_keys(all) {
        ctx.reporter.warn(warning);
    }
    if !ctx.reporter.is_json() {
        over.iter().for_each(|it| ctx.reporter.failure(it.report(all, baseline)));
    }
    if over.is_empty() { exit } else { Exit::Findings }
}

/// Returns the paths of the project's modules: for each module, the output of the post-link steps,
/// or the linked module if it is newer.
fn built(workspace: &Workspace<'_>) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let ctx = workspace.ctx();
    let time = |path: &Utf8Path| ctx.cwd.join(path).metadata().and_then(|it| it.modified()).ok();
    let finished = |path: Utf8PathBuf| {
        let output = Files::of_project(&path).map(|files| files.output);
        let Some((output, made)) = output.and_then(|it| time(&it).map(|made| (it, made))) else {
            return path;
        };
        if Some(made) >= time(&path) {
            return output;
        }
        ctx.reporter.note(format!("`{path}` is newer than `{output}` and is measured instead"));
        path
    };
    Ok(project::built_modules(workspace)?.into_iter().map(finished).collect())
}

fn budget(workspace: &Workspace<'_>) -> anyhow::Result<Budget> {
    workspace.size_budget()?.context("the project has no size budget").hint(|| {
        "add a budget to `[package.metadata.pywasm]`: `size-budget = { total = \"3.4MB\" }`"
            .to_owned()
    })
}

/// Returns a module's breakdown. Without `map`, reads the size record next to the module, if there
/// is one. Otherwise, measures the module with its linker map and archives.
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
    let read =
        || map.map_or_else(|| "the linker map".to_owned(), |map| format!("linker map `{map}`"));
    let map = text.as_deref().map(LinkMap::read).transpose().with_context(read)?;
    let evidence = Evidence { map: map.as_ref(), members: Some(members), ..Evidence::default() };
    let found = measure(bytes, evidence).with_context(|| format!("cannot measure `{path}`"))?;
    if found.is_nameless() {
        ctx.reporter.note(format!(
            "`{path}` has no function names: measure it before the step `strip`, or with the size record \
             that `cargo pywasm build` writes"
        ));
    }
    Ok(found)
}

/// Reads the archives passed with `--archive`, or else those of the project's installation.
fn members(args: &Args, ctx: &Ctx) -> anyhow::Result<Members> {
    if !args.archive.is_empty() {
        let archives: Vec<Utf8PathBuf> = args.archive.iter().map(|it| ctx.cwd.join(it)).collect();
        return Members::of_files(&archives);
    }
    let file = args.file.as_ref().map(|file| ctx.cwd.join(file));
    let installation = match file.as_deref().and_then(installation_of) {
        Some(root) => Some(root.to_owned()),
        None => Linked::find(&ctx.cwd)?.map(|linked| linked.installation),
    };
    installation.map_or(Ok(Members::default()), |root| Members::of_installation(&root))
}

/// Returns the installation whose interpreter is the file.
fn installation_of(file: &Utf8Path) -> Option<&Utf8Path> {
    let root = file.parent()?.parent()?;
    let python = Installation::open(root).ok()?;
    (python.python_wasm() == file).then_some(root)
}

/// Reads an older breakdown from a baseline or a module.
fn old(path: &Utf8Path, members: &Members, ctx: &Ctx) -> anyhow::Result<Breakdown> {
    let bytes = fs_err::read(ctx.cwd.join(path))?;
    if Record::is(&bytes) {
        return Ok(Record::parse(path, &bytes)?.breakdown());
    }
    breakdown(path, &Input::read_module(path, &ctx.cwd)?, None, members, ctx)
}

/// Returns the breakdown of the last build that was within the budget, from that build's record.
fn last_good(file: &Utf8Path, ctx: &Ctx) -> Option<Breakdown> {
    let finished = Files::of_project(file).map_or(file.to_owned(), |files| files.output);
    let place = record_place(&ctx.cwd.join(finished))?;
    Some(Record::parse(&place, &std::fs::read(&place).ok()?).ok()?.breakdown())
}

fn old_of(path: &Utf8Path, members: &Members, ctx: &Ctx) -> anyhow::Result<Breakdown> {
    old(path, members, ctx)
        .with_context(|| format!("cannot read `{path}`, the `baseline` of the size budget"))
        .hint(|| "`cargo pywasm size --write-baseline FILE` writes a baseline".to_owned())
}

fn write(path: &Utf8Path, text: &str, ctx: &Ctx) -> anyhow::Result<()> {
    let place = ctx.cwd.join(path);
    let file = stage_file(&place, text.as_bytes())?;
    file.persist(&place).with_context(|| format!("cannot write `{path}`"))?;
    ctx.reporter.status("Wrote", path);
    Ok(())
}
