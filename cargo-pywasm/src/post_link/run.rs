//! The run of a plan on one module: bytes in, bytes out, and what was done.

use anyhow::Context;
use pywasm_audit::{self as audit, Figure, Finding, Given, Limited};
use pywasm_rewrite::{self as rewrite, POLYFILL_EXPORTS, Wire};
use pywasm_wasm::{Module, custom};

use super::{Optimizer, Plan, Sizes, Stamp, Step, gzip, wasm_opt};

/// The policy whose host is installed over a network with limits.
const INTERNET_COMPUTER: &str = "ic";

/// A step that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which.
    pub step: Step,
    /// The size before it, in bytes.
    pub before: usize,
    /// The size after it, in bytes; of `gzip`, what is compressed.
    pub after: usize,
    /// What it changed, in a few words.
    pub about: String,
    /// What the user should know of it.
    pub warning: Option<String>,
    /// Why it was skipped.
    pub skipped: Option<String>,
    /// What the module's own code printed, where the step ran it.
    pub printed: Option<String>,
}

/// What becomes of a module.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The module.
    pub module: Vec<u8>,
    /// The same compressed, where that is asked for.
    pub compressed: Option<Vec<u8>>,
    /// Its interface in Candid, where that is asked for.
    pub interface: Option<Vec<u8>>,
    /// The steps, in their order.
    pub done: Vec<Done>,
    /// What an audit found, where there was one; sorted.
    pub findings: Option<Vec<Finding>>,
    /// How much it had of what has a limit.
    pub before: Vec<Figure>,
    /// How much it has now.
    pub after: Vec<Figure>,
    /// By what it is known again; none where it has a warning to repeat.
    pub stamp: Option<Stamp>,
    /// The module as it was before its names were taken out: the functions are the same.
    pub named: Option<Vec<u8>>,
    /// Where its bytes are, where somebody measured it.
    pub sizes: Option<Sizes>,
}

impl Outcome {
    /// Whether a host would reject it, or it is too large.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.findings.iter().flatten().any(|finding| finding.code.is_error())
            || self.sizes.as_ref().is_some_and(|sizes| !sizes.over.is_empty())
    }
}

/// Runs a plan. It ends with the first step that fails.
///
/// # Errors
/// When the module is broken, or a step can't do its job.
pub fn run(bytes: &[u8], plan: &Plan) -> anyhow::Result<Outcome> {
    let mut run =
        Run { plan, module: bytes.to_vec(), named: None, compressed: None, interface: None };
    let before = run.figures(bytes).context("it is not a module that can be changed")?;
    let mut outcome = Outcome { before, ..Outcome::default() };
    for step in &plan.steps {
        let before = run.module.len();
        let said =
            run.step(*step, &mut outcome.findings).with_context(|| format!("step `{step}`"))?;
        let packed = run.compressed.as_ref().filter(|_| *step == Step::Gzip);
        let after = packed.map_or(run.module.len(), Vec::len);
        let Said { about, warning, skipped, printed } = said;
        outcome.done.push(Done { step: *step, before, after, about, warning, skipped, printed });
    }
    outcome.after = run.figures(&run.module)?;
    (outcome.module, outcome.compressed) = (run.module, run.compressed);
    (outcome.interface, outcome.named) = (run.interface, run.named);
    outcome.stamp = Stamp::of(bytes, plan, &outcome);
    Ok(outcome)
}

/// What a step has to say.
#[derive(Default)]
struct Said {
    about: String,
    warning: Option<String>,
    skipped: Option<String>,
    printed: Option<String>,
}

impl Said {
    fn new(about: impl Into<String>) -> Self {
        Self { about: about.into(), ..Self::default() }
    }
}

struct Run<'p> {
    plan: &'p Plan,
    module: Vec<u8>,
    /// The module as it was before its names were taken out: the functions are the same.
    named: Option<Vec<u8>>,
    compressed: Option<Vec<u8>>,
    interface: Option<Vec<u8>>,
}

impl Run<'_> {
    fn step(&mut self, step: Step, found: &mut Option<Vec<Finding>>) -> anyhow::Result<Said> {
        match step {
            Step::Rewire => self.rewire(),
            Step::Snapshot => self.snapshot(),
            Step::Candid => self.candid(),
            Step::Gc => self.gc(),
            Step::WasmOpt => self.optimize(),
            Step::Strip => self.strip(),
            Step::Audit => {
                let findings = self.audit()?;
                let said = match findings.len() {
                    0 => "clean".to_owned(),
                    1 => "1 finding".to_owned(),
                    count => format!("{count} findings"),
                };
                *found = Some(findings);
                Ok(Said::new(format!("{said} by policy `{}`", self.plan.policy.name)))
            }
            Step::Gzip => {
                let packed = match self.compressed.take() {
                    Some(packed) => packed,
                    None => gzip(&self.module)?,
                };
                let permille = packed.len() as u64 * 1000 / (self.module.len() as u64).max(1);
                let mut about = format!("{}.{} % of the module", permille / 10, permille % 10);
                if self.plan.policy.name == INTERNET_COMPUTER {
                    about.push_str(&chunks(packed.len()));
                }
                self.compressed = Some(packed);
                Ok(Said::new(about))
            }
        }
    }

    fn rewire(&mut self) -> anyhow::Result<Said> {
        let done = rewrite::rewire(&self.module, &Wire::polyfill(), false)?;
        self.module = done.module;
        let warning = (!done.left.is_empty()).then(|| {
            format!(
                "it still imports WASI, and has no function to answer {}",
                done.left.join(", ").replace("wasi_snapshot_preview1.", "")
            )
        });
        let about = format!("{} answered", counted(done.wired.len(), "import"));
        Ok(Said { about, warning, ..Said::default() })
    }

    fn snapshot(&mut self) -> anyhow::Result<Said> {
        let Some(snapshot) = &self.plan.snapshot else { return Ok(Said::new("nothing")) };
        let made = snapshot.make(&self.module)?;
        self.module = made.module;
        let (about, warning, printed) = (made.about, made.warning, made.printed);
        Ok(Said { about, warning, printed, ..Said::default() })
    }

    fn candid(&mut self) -> anyhow::Result<Said> {
        let told = custom::read(&self.module, custom::CANDID)?.map(<[u8]>::to_vec);
        let says = Module::read(&self.module)?.exports.iter().any(|it| it.name == custom::POINTER);
        let text = match told {
            Some(told) if !says => told,
            _ => interface(&self.module)?.into_bytes(),
        };
        self.module = custom::embed(&self.module, custom::CANDID, &text)?;
        let about = format!("an interface of {}", counted(text.len(), "byte"));
        self.interface = Some(text);
        Ok(Said::new(about))
    }

    fn gc(&mut self) -> anyhow::Result<Said> {
        // Who does not rewire may want the polyfill's functions to be found by a later tool.
        let rewired = self.plan.has(Step::Rewire);
        let mut unwanted = if rewired { POLYFILL_EXPORTS.to_vec() } else { Vec::new() };
        // What it said stands in a section now; it brings a printer of types along.
        unwanted.extend(self.plan.has(Step::Candid).then_some(custom::POINTER));
        let swept = rewrite::gc(&self.module, &unwanted)?;
        let about = parts(&[
            (swept.functions, "function"),
            (swept.segments, "data segment"),
            (swept.exports.len(), "export"),
            (swept.others, "other part"),
        ]);
        self.module = swept.module;
        Ok(Said::new(about))
    }

    fn optimize(&mut self) -> anyhow::Result<Said> {
        match &self.plan.optimizer {
            Some(Optimizer::Found(found)) => match found.optimize(&self.module)? {
                Some(module) => {
                    self.module = module;
                    Ok(Said::new(format!("-Oz by {}", found.version())))
                }
                None => Ok(Said::new("it was optimized before")),
            },
            Some(Optimizer::Absent(why)) => {
                let skipped = Some(format!("{why}; {}", wasm_opt::CURE));
                Ok(Said { skipped, ..Said::new("skipped") })
            }
            None => Ok(Said::new("skipped")),
        }
    }

    fn strip(&mut self) -> anyhow::Result<Said> {
        let cleared = custom::clear(&self.module, custom::is_for_debuggers)?;
        let mut names: Vec<&str> = cleared.sections.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let about = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        self.named = Some(std::mem::replace(&mut self.module, cleared.module));
        Ok(Said::new(about))
    }

    fn audit(&mut self) -> anyhow::Result<Vec<Finding>> {
        let policy = &self.plan.policy;
        let limits_size = policy.limits.contains_key(&Limited::GzipSize);
        if limits_size && self.plan.has(Step::Gzip) {
            // The step that comes behind this one has it already.
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

/// Extracts the interface of a module by running its export.
#[cfg(feature = "canister")]
fn interface(module: &[u8]) -> anyhow::Result<String> {
    pywasm_canister::interface::extract(module)
}

#[cfg(not(feature = "canister"))]
fn interface(_: &[u8]) -> anyhow::Result<String> {
    Err(super::plan::without_canister())
}

/// How it gets to the Internet Computer, whose messages and chunks are so large.
///
/// Source: the interface specification, "IC method `upload_chunk`", and "Resource limits".
fn chunks(bytes: usize) -> String {
    const MESSAGE: usize = 2 << 20;
    const CHUNK: usize = 1 << 20;
    // The message has more in it than the module.
    const REST: usize = 4 << 10;
    if bytes + REST <= MESSAGE {
        return ", for one message".to_owned();
    }
    format!(", in {} chunks of 1 MiB", bytes.div_ceil(CHUNK))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `3 functions, 1 export`; of nothing, `nothing`.
fn parts(all: &[(usize, &str)]) -> String {
    let some: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, it)| counted(*count, it)).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

#[cfg(test)]
mod tests;
