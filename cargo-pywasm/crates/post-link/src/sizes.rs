//! The sizes of an outcome: their attribution, the budget, and the record next to the module.
//!
//! The attribution is computed during the build, because it needs names that the output lacks.

use anyhow::Context;
use camino::Utf8Path;

use super::{Files, Outcome, Plan, gzip};
use pywasm_size::{self as size, Breakdown, Evidence, LinkMap, Members, Over, Record};
use pywasm_store::Ctx;
use pywasm_wasm::Module;

/// The measured sizes of an outcome.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// The size record in its text form.
    pub(super) record: String,
    /// The limits in the budget that the outcome exceeds.
    pub over: Vec<Over>,
    /// A human-readable report on the exceeded limits, which shows what has grown.
    pub report: String,
    /// Warnings about names in the budget that match nothing.
    pub warnings: Vec<String>,
}

/// Measures an outcome that belongs to a project or has a budget. `input` is the module before the
/// steps. If there is no linker map, the object files are identified by means of the installation's
/// archives.
///
/// # Errors
/// When the installation's archives or the baseline cannot be read.
pub fn sizes(
    files: &Files,
    input: &[u8],
    outcome: &mut Outcome,
    plan: &Plan,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    if !files.is_of_project() && plan.budget.is_none() {
        return Ok(());
    }
    let mut all = breakdown(files, input, outcome, plan.installation.as_deref(), ctx)?;
    let mut sizes = Sizes::default();
    if let Some(budget) = &plan.budget {
        all.gzip = match &outcome.compressed {
            None if budget.needs_gzip() => Some(gzip(&outcome.module)?.len() as u64),
            compressed => compressed.as_ref().map(|it| it.len() as u64),
        };
        sizes.over = budget.over(&all);
        sizes.warnings = budget.unused_keys(&all);
        if !sizes.over.is_empty() {
            let old = reference(files, plan, ctx)?;
            sizes.report = sizes.over.iter().map(|it| it.report(&all, old.as_ref())).collect();
        }
    }
    sizes.record = Record::of(&outcome.module, &all, true).text();
    outcome.sizes = Some(sizes);
    Ok(())
}

/// Returns the warnings about the budget of an unchanged module. Each build repeats these warnings.
#[must_use]
pub fn warnings(files: &Files, plan: &Plan, ctx: &Ctx) -> Vec<String> {
    let warnings = || {
        let path = ctx.cwd.join(files.record()?);
        let record = Record::parse(&path, &std::fs::read(&path).ok()?).ok()?;
        Some(plan.budget.as_ref()?.unused_keys(&record.breakdown()))
    };
    warnings().unwrap_or_default()
}

fn breakdown(
    files: &Files,
    input: &[u8],
    outcome: &Outcome,
    installation: Option<&Utf8Path>,
    ctx: &Ctx,
) -> anyhow::Result<Breakdown> {
    let text = size::find_map(&ctx.cwd.join(&files.input), input);
    let map =
        text.as_deref().map(LinkMap::read).transpose().context("cannot read the linker map")?;
    let mut members = Members::default();
    if map.is_none()
        && let Some(installation) = installation
    {
        members = Members::of_installation(installation)?;
    }
    let named = outcome.named.as_ref().map(|named| Module::read(named)).transpose()?;
    let names = named.as_ref().map(Module::names).transpose()?;
    let evidence = Evidence { names: names.as_deref(), map: map.as_ref(), members: Some(&members) };
    size::measure(&outcome.module, evidence)
}

/// Returns the sizes to compare with those of an outcome that exceeds its budget: the budget's
/// baseline or, if the budget has none, the record of the last build that was within the budget.
fn reference(files: &Files, plan: &Plan, ctx: &Ctx) -> anyhow::Result<Option<Breakdown>> {
    if let Some(path) = plan.budget.as_ref().and_then(|budget| budget.baseline.as_ref()) {
        let bytes = fs_err::read(ctx.cwd.join(path))
            .context("cannot read the `baseline` of the size budget")?;
        return Ok(Some(Record::parse(path, &bytes)?.breakdown()));
    }
    let path = files.record().map(|path| ctx.cwd.join(path));
    let read = path.and_then(|path| Some((std::fs::read(&path).ok()?, path)));
    Ok(read.and_then(|(bytes, path)| Some(Record::parse(&path, &bytes).ok()?.breakdown())))
}
