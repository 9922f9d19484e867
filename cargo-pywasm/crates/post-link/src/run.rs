//! Runs a plan on one wasm module in memory. Only `wasm-opt` uses temporary files.

use anyhow::Context;
use pywasm_audit::{self as audit, Figure, Finding, Given, Host, Limited};
use pywasm_rewrite::{self as rewrite, POLYFILL_EXPORTS, Wire};
use pywasm_wasm::{Module, custom};

use crate::snapshotting::Snapshotted;
use crate::{Optimizer, Plan, Sizes, Stamp, Step, gzip};

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The step.
    pub step: Step,
    /// The size of the module before the step, in bytes.
    pub before: usize,
    /// The size of the module after the step, in bytes. For `gzip`, the size of the compressed
    /// copy.
    pub after: usize,
    /// The changes made by the step, as text.
    pub about: String,
    /// A warning for the user.
    pub warning: Option<String>,
    /// The reason why the step was skipped, or `None` if it ran.
    pub skipped: Option<String>,
    /// The output of the module's own code, if the step ran it.
    pub printed: Option<String>,
}

/// The outcome of a plan for one module.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The module after all steps.
    pub module: Vec<u8>,
    /// The compressed module, if `gzip` is a step.
    pub compressed: Option<Vec<u8>>,
    /// The Candid interface, if `candid` is a step.
    pub interface: Option<Vec<u8>>,
    /// The results of the steps, in the order in which they ran.
    pub done: Vec<Done>,
    /// The findings of the audit, sorted, if `audit` is a step.
    pub findings: Option<Vec<Finding>>,
    /// The figures of the module before the steps.
    pub before: Vec<Figure>,
    /// The figures of the module after the steps.
    pub after: Vec<Figure>,
    /// The stamp, or `None` if the outcome contains a message that each build must repeat.
    pub stamp: Option<Stamp>,
    /// The module before `strip`, which still contains the names of its functions.
    pub named: Option<Vec<u8>>,
    /// The sizes, once measured.
    pub sizes: Option<Sizes>,
}

impl Outcome {
    /// Returns true if the host would reject the module, or the module exceeds its budget.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.findings.iter().flatten().any(|finding| finding.code.is_error())
            || self.sizes.as_ref().is_some_and(|sizes| !sizes.over.is_empty())
    }
}

/// Runs the steps of a plan. Stops at the first step that fails.
///
/// # Errors
/// When the module is invalid, or a step fails.
pub fn run(bytes: &[u8], plan: &Plan) -> anyhow::Result<Outcome> {
    let mut run =
        Run { plan, module: bytes.to_vec(), named: None, compressed: None, interface: None };
    let before = run.figures(bytes).context("it is not a valid wasm module")?;
    let mut outcome = Outcome { before, ..Outcome::default() };
    for step in &plan.steps {
        let before = run.module.len();
        let report =
            run.step(*step, &mut outcome.findings).with_context(|| format!("step `{step}`"))?;
        let compressed = run.compressed.as_ref().filter(|_| *step == Step::Gzip);
        let after = compressed.map_or(run.module.len(), Vec::len);
        let Report { about, warning, skipped, printed } = report;
        outcome.done.push(Done { step: *step, before, after, about, warning, skipped, printed });
    }
    outcome.after = run.figures(&run.module)?;
    (outcome.module, outcome.compressed) = (run.module, run.compressed);
    (outcome.interface, outcome.named) = (run.interface, run.named);
    outcome.stamp = Stamp::of(bytes, plan, &outcome);
    Ok(outcome)
}

/// The messages of a step.
#[derive(Default)]
struct Report {
    about: String,
    warning: Option<String>,
    skipped: Option<String>,
    printed: Option<String>,
}

impl Report {
    fn new(about: impl Into<String>) -> Self {
        Self { about: about.into(), ..Self::default() }
    }
}

struct Run<'p> {
    plan: &'p Plan,
    module: Vec<u8>,
    /// The module before `strip`.
    named: Option<Vec<u8>>,
    compressed: Option<Vec<u8>>,
    interface: Option<Vec<u8>>,
}

impl Run<'_> {
    fn step(&mut self, step: Step, found: &mut Option<Vec<Finding>>) -> anyhow::Result<Report> {
        match step {
            Step::Rewire => self.rewire(),
            Step::Snapshot => self.snapshot(),
            Step::Candid => self.candid(),
            Step::Gc => self.gc(),
            Step::WasmOpt => self.optimize(),
            Step::Strip => self.strip(),
            Step::Audit => {
                let findings = self.audit()?;
                let count = match findings.len() {
                    0 => "clean".to_owned(),
                    1 => "1 finding".to_owned(),
                    number => format!("{number} findings"),
                };
                *found = Some(findings);
                Ok(Report::new(format!("{count} with policy `{}`", self.plan.policy.name)))
            }
            Step::Gzip => {
                let compressed = match self.compressed.take() {
                    Some(compressed) => compressed,
                    None => gzip(&self.module)?,
                };
                let permille = compressed.len() as u64 * 1000 / (self.module.len() as u64).max(1);
                let mut about = format!("{}.{} % of the module", permille / 10, permille % 10);
                if self.plan.policy.host == Host::InternetComputer {
                    about.push_str(&chunks(compressed.len()));
                }
                self.compressed = Some(compressed);
                Ok(Report::new(about))
            }
        }
    }

    fn rewire(&mut self) -> anyhow::Result<Report> {
        let done = rewrite::rewire(&self.module, &Wire::polyfill(), false)?;
        self.module = done.module;
        let warning = (!done.left.is_empty()).then(|| {
            format!(
                "the module still imports WASI functions that the polyfill lacks: {}",
                done.left.join(", ").replace("wasi_snapshot_preview1.", "")
            )
        });
        let about = format!("{} connected", counted(done.wired.len(), "import"));
        Ok(Report { about, warning, ..Report::default() })
    }

    fn snapshot(&mut self) -> anyhow::Result<Report> {
        let Some(snapshot) = &self.plan.snapshot else { return Ok(Report::new("nothing")) };
        let Snapshotted { module, about, warning, printed } = snapshot.run(&self.module)?;
        self.module = module;
        Ok(Report { about, warning, printed, ..Report::default() })
    }

    fn candid(&mut self) -> anyhow::Result<Report> {
        let embedded = custom::read(&self.module, custom::CANDID)?.map(<[u8]>::to_vec);
        let has_export =
            Module::read(&self.module)?.exports.iter().any(|it| it.name == custom::POINTER);
        let text = match embedded {
            Some(text) if !has_export => text,
            _ => interface(&self.module)?.into_bytes(),
        };
        self.module = custom::embed(&self.module, custom::CANDID, &text)?;
        let about = format!("an interface of {}", counted(text.len(), "byte"));
        self.interface = Some(text);
        Ok(Report::new(about))
    }

    fn gc(&mut self) -> anyhow::Result<Report> {
        // Without `rewire`, a later tool may need the polyfill's exports.
        let rewired = self.plan.has(Step::Rewire);
        let mut removed = if rewired { POLYFILL_EXPORTS.to_vec() } else { Vec::new() };
        // The interface is already in a custom section. Keeping the export would also keep the code
        // that prints types.
        removed.extend(self.plan.has(Step::Candid).then_some(custom::POINTER));
        let collected = rewrite::gc(&self.module, &removed)?;
        let about = parts(&[
            (collected.functions, "function"),
            (collected.segments, "data segment"),
            (collected.exports.len(), "export"),
            (collected.others, "other part"),
        ]);
        self.module = collected.module;
        Ok(Report::new(about))
    }

    fn optimize(&mut self) -> anyhow::Result<Report> {
        match &self.plan.optimizer {
            Some(Optimizer::Found(found)) => match found.optimize(&self.module)? {
                Some(module) => {
                    self.module = module;
                    Ok(Report::new(format!("-Oz by {}", found.version())))
                }
                None => Ok(Report::new("already optimized")),
            },
            Some(Optimizer::Missing(reason)) => {
                let skipped = Some(reason.clone());
                Ok(Report { skipped, ..Report::new("skipped") })
            }
            None => Ok(Report::new("skipped")),
        }
    }

    fn strip(&mut self) -> anyhow::Result<Report> {
        let cleared = custom::clear(&self.module, custom::is_for_debuggers)?;
        let mut names: Vec<&str> = cleared.sections.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let about = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        self.named = Some(std::mem::replace(&mut self.module, cleared.module));
        Ok(Report::new(about))
    }

    fn audit(&mut self) -> anyhow::Result<Vec<Finding>> {
        let policy = &self.plan.policy;
        let limits_size = policy.limits.contains_key(&Limited::GzipSize);
        if limits_size && self.plan.has(Step::Gzip) {
            // The policy limits the compressed size, so the audit needs the compressed module. The
            // later step `gzip` reuses it.
            self.compressed = Some(gzip(&self.module)?);
        }
        let compressed = self.compressed.as_ref().map(Vec::len);
        let named = self.named.as_ref().map(|named| Module::read(named)).transpose()?;
        let names = named.as_ref().map(Module::names).transpose()?;
        let given = Given { compressed, names: names.as_deref() };
        audit::module(&Module::read(&self.module)?, given, policy)
    }

    fn figures(&self, module: &[u8]) -> anyhow::Result<Vec<Figure>> {
        let given =
            Given { compressed: self.compressed.as_ref().map(Vec::len), ..Given::default() };
        audit::figures(&Module::read(module)?, given, &self.plan.policy)
    }
}

/// Extracts the Candid interface of a canister by calling the export that returns it.
#[cfg(feature = "canister")]
fn interface(module: &[u8]) -> anyhow::Result<String> {
    pywasm_canister::interface::extract(module)
}

#[cfg(not(feature = "canister"))]
fn interface(_: &[u8]) -> anyhow::Result<String> {
    Err(super::plan::without_canister())
}

/// Describes how a module of this size is installed on the Internet Computer: in one message or in
/// chunks. The sizes come from the interface specification, "IC method `upload_chunk`" and
/// "Resource limits".
fn chunks(bytes: usize) -> String {
    const MESSAGE: usize = 2 << 20;
    const CHUNK: usize = 1 << 20;
    // The size reserved for the other parts of a message.
    const REST: usize = 4 << 10;
    if bytes + REST <= MESSAGE {
        return ", fits one message".to_owned();
    }
    format!(", in {} chunks of 1 MiB", bytes.div_ceil(CHUNK))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Returns text such as `3 functions, 1 export`, or `nothing`.
fn parts(all: &[(usize, &str)]) -> String {
    let some: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, it)| counted(*count, it)).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

#[cfg(test)]
mod tests;
