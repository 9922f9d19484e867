//! What is going to be done: the steps, and what they need of this machine and project.

use serde::Deserialize;

use super::snapshotting::Snapshotting;
use super::wasm_opt::CURE;
use super::{Optimizer, Step};
use pywasm_audit::{self as audit, Policy};
use pywasm_recipes::Import;
use pywasm_session::WithHint;
use pywasm_size::Budget;
use pywasm_store::Ctx;

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The steps, as they are named.
    pub steps: Vec<Step>,
    /// The policy's name or path. It is the figures' and the audit's.
    pub policy: Option<String>,
    /// Whether a machine without `wasm-opt` is an error; it is a step then, named or not.
    pub require_wasm_opt: bool,
    /// How large it may be.
    pub budget: Option<Budget>,
    /// What a snapshot is made with, where it is a step.
    pub snapshot: Initialization,
}

/// How a module is initialized for a snapshot, as `snapshot` of `[package.metadata.pywasm]` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Initialization {
    /// Modules of Python that are imported, in this order.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// An export that is called before.
    pub init: Option<String>,
    /// Python's hash seed; drawn where nobody says it.
    pub hash_seed: Option<u32>,
}

/// What takes long and makes a module smaller only.
const FOR_RELEASE: [Step; 2] = [Step::WasmOpt, Step::Gzip];

impl Asked {
    /// Leaves out what is not worth waiting for while one tries things out: half a minute of optimizing
    /// for a module that is never deployed. The steps that go, where any do.
    pub fn for_trying(&mut self) -> Option<String> {
        let (gone, kept) = self.steps.iter().partition(|step| FOR_RELEASE.contains(step));
        let (mut gone, kept): (Vec<Step>, Vec<Step>) = (gone, kept);
        // Of a module that is not optimized, nobody's budget would hold.
        let budget = self.budget.take().map(|_| "size-budget".to_owned());
        self.steps = kept;
        self.require_wasm_opt = false;
        gone.sort_unstable();
        let gone: Vec<String> = gone.iter().map(ToString::to_string).chain(budget).collect();
        (!gone.is_empty()).then(|| gone.join(", "))
    }
}

/// The steps in their order, ready to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In their order, each once.
    pub steps: Vec<Step>,
    /// What the host takes.
    pub policy: Policy,
    /// The optimizer, where it is among the steps.
    pub optimizer: Option<Optimizer>,
    /// How large it may be.
    pub budget: Option<Budget>,
    /// The initialization and what it needs of this machine, where a snapshot is among the steps.
    pub(super) snapshot: Option<Snapshotting>,
}

impl Plan {
    /// The plan for what is asked for.
    ///
    /// # Errors
    /// When a step is named twice, the policy can't be read, or there is no `wasm-opt` and there has
    /// to be one.
    pub fn new(asked: &Asked, ctx: &Ctx) -> anyhow::Result<Self> {
        let mut steps = Step::in_order(&asked.steps)?;
        if asked.require_wasm_opt && !steps.contains(&Step::WasmOpt) {
            steps.push(Step::WasmOpt);
            steps.sort_unstable();
        }
        #[cfg(not(feature = "canister"))]
        if steps.contains(&Step::Candid) {
            return Err(without_canister());
        }
        let policy = Policy::load(asked.policy.as_deref().unwrap_or(audit::DEFAULT), &ctx.cwd)?;
        let optimizer = steps.contains(&Step::WasmOpt);
        let optimizer = optimizer.then(|| Optimizer::find(ctx)).transpose()?;
        if let (Some(Optimizer::Absent(why)), true) = (&optimizer, asked.require_wasm_opt) {
            return Err(anyhow::anyhow!("step `wasm-opt` has to run, and {why}"))
                .hint(|| format!("{CURE}; PYWASM_WASM_OPT names one"));
        }
        let snapshot = steps.contains(&Step::Snapshot);
        let snapshot = snapshot.then(|| Snapshotting::new(&asked.snapshot, ctx)).transpose()?;
        Ok(Self { steps, policy, optimizer, budget: asked.budget.clone(), snapshot })
    }

    /// What each step is going to do, in their order.
    #[must_use]
    pub fn about(&self) -> Vec<(Step, String)> {
        let about = |step: &Step| match step {
            Step::Rewire => "imports of WASI to the polyfill's functions".to_owned(),
            Step::Snapshot => self.snapshot.as_ref().map(Snapshotting::about).unwrap_or_default(),
            Step::Candid => "the interface, as the module says it".to_owned(),
            Step::Gc if self.has(Step::Rewire) => {
                "exports of the polyfill, and what nothing leads to".to_owned()
            }
            Step::Gc => "what nothing leads to".to_owned(),
            Step::WasmOpt => match &self.optimizer {
                Some(Optimizer::Found(found)) => format!("-Oz by {}", found.told()),
                Some(Optimizer::Absent(why)) => format!("skipped: {why}; {CURE}"),
                None => String::new(),
            },
            Step::Strip => "sections that only debuggers read".to_owned(),
            Step::Audit => format!("by policy `{}`", self.policy.name),
            Step::Gzip => "beside the module".to_owned(),
        };
        self.steps.iter().map(|step| (*step, about(step))).collect()
    }

    /// A line a step, for a dry run.
    #[must_use]
    pub fn told(&self) -> String {
        let lines = self.about().into_iter();
        lines.map(|(step, about)| format!("{:<8} {about}\n", step.to_string())).collect()
    }

    pub(super) fn has(&self, step: Step) -> bool {
        self.steps.contains(&step)
    }
}

/// Returns the error of the step `candid` in a build that can't run canisters.
#[cfg(not(feature = "canister"))]
pub(super) fn without_canister() -> anyhow::Error {
    pywasm_session::hinted(
        anyhow::anyhow!("step `candid` needs the feature `canister` of cargo-pywasm"),
        "install it with `cargo install cargo-pywasm --all-features`".to_owned(),
    )
}
