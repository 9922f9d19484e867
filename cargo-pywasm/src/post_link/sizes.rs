//! Where the bytes of an outcome are, and whether it is within its budget. The record of it stands beside a
//! project's finished module: names and addresses tell more while the steps run than ever after.

use anyhow::Context;

use super::{Files, Outcome, Plan, gzip};
use crate::project::Linked;
use pywasm_size::{self as size, Breakdown, Evidence, LinkMap, Members, Over, Record};
use pywasm_store::Ctx;
use pywasm_wasm::Module;

/// What was measured of an outcome.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// The record, as text.
    pub(super) record: String,
    /// The limits that are not kept.
    pub over: Vec<Over>,
    /// The same for people, with what grew.
    pub told: String,
    /// Names of the budget that nothing is of, in sentences.
    pub warnings: Vec<String>,
}

/// Measures an outcome that has a place of a project, or a budget. `input` is the module that it was made of.
///
/// # Errors
/// When the installation's archives or the baseline can't be read.
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
    let mut all = breakdown(files, input, outcome, ctx)?;
    let mut sizes = Sizes::default();
    if let Some(budget) = &plan.budget {
        all.gzip = match &outcome.compressed {
            None if budget.needs_gzip() => Some(gzip(&outcome.module)?.len() as u64),
            compressed => compressed.as_ref().map(|it| it.len() as u64),
        };
        sizes.over = budget.over(&all);
        sizes.warnings = budget.of_nothing(&all);
        if !sizes.over.is_empty() {
            let old = older(files, plan, ctx)?;
            sizes.told = sizes.over.iter().map(|it| it.told(&all, old.as_ref())).collect();
        }
    }
    sizes.record = Record::of(&outcome.module, &all, true).text();
    outcome.sizes = Some(sizes);
    Ok(())
}

/// What the budget of a module that is fresh has to say each time.
#[must_use]
pub fn warnings(files: &Files, plan: &Plan, ctx: &Ctx) -> Vec<String> {
    let said = || {
        let place = ctx.cwd.join(files.record()?);
        let record = Record::parse(&place, &std::fs::read(&place).ok()?).ok()?;
        Some(plan.budget.as_ref()?.of_nothing(&record.breakdown()))
    };
    said().unwrap_or_default()
}

fn breakdown(
    files: &Files,
    input: &[u8],
    outcome: &Outcome,
    ctx: &Ctx,
) -> anyhow::Result<Breakdown> {
    let text = size::find_map(&ctx.cwd.join(&files.input), input);
    let map = text.as_deref().map(LinkMap::read).transpose().context("the link map")?;
    let mut members = Members::default();
    if map.is_none()
        && let Some(linked) = Linked::find(&ctx.cwd)?
    {
        members = Members::of_installation(&linked.installation)?;
    }
    let named = outcome.named.as_ref().map(|named| Module::read(named)).transpose()?;
    let names = named.as_ref().map(Module::names).transpose()?;
    let evidence = Evidence { names: names.as_deref(), map: map.as_ref(), members: Some(&members) };
    size::measure(&outcome.module, evidence)
}

/// With what an outcome that is too large is compared: the baseline of the budget, else the last build that
/// was within it, whose record still stands.
fn older(files: &Files, plan: &Plan, ctx: &Ctx) -> anyhow::Result<Option<Breakdown>> {
    if let Some(path) = plan.budget.as_ref().and_then(|budget| budget.baseline.as_ref()) {
        let bytes = fs_err::read(ctx.cwd.join(path)).context("`baseline` of the size budget")?;
        return Ok(Some(Record::parse(path, &bytes)?.breakdown()));
    }
    let place = files.record().map(|place| ctx.cwd.join(place));
    let read = place.and_then(|place| Some((std::fs::read(&place).ok()?, place)));
    Ok(read.and_then(|(bytes, place)| Some(Record::parse(&place, &bytes).ok()?.breakdown())))
}
