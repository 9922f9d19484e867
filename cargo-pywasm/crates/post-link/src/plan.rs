//! The plan: the steps and their inputs.

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_audit::{DEFAULT, Policy};
use pywasm_recipes::Import;
use pywasm_session::{WithHint, one_line};
use pywasm_size::Budget;
use pywasm_store::Ctx;
use serde::Deserialize;

use crate::snapshotting::Snapshotting;
use crate::{Optimizer, Step};

/// The requested steps and their options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The steps, in any order.
    pub steps: Vec<Step>,
    /// The name or path of the host's policy.
    pub policy: Option<String>,
    /// True if the step `wasm-opt` must not be skipped.
    pub require_wasm_opt: bool,
    /// The size budget.
    pub budget: Option<Budget>,
    /// The options of the step `snapshot`.
    pub snapshot: Initialization,
}

/// The initialization of a snapshot, as configured by the key `snapshot` in
/// `[package.metadata.pywasm]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Initialization {
    /// Python modules to import, in this order.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// An export of the wasm module to call before Python is initialized.
    pub init: Option<String>,
    /// Python's hash seed; random if `None`.
    pub hash_seed: Option<u32>,
}

/// The slow steps that only make a module smaller.
const FOR_RELEASE: [Step; 2] = [Step::WasmOpt, Step::Gzip];

impl Request {
    /// Adds the steps that other options imply: `require_wasm_opt` implies `wasm-opt`, and
    /// `is_policy_checked` implies `audit`.
    #[must_use]
    pub fn with_implied_steps(mut self, is_policy_checked: bool) -> Self {
        for (is_implied, step) in
            [(self.require_wasm_opt, Step::WasmOpt), (is_policy_checked, Step::Audit)]
        {
            if is_implied && !self.steps.contains(&step) {
                self.steps.push(step);
            }
        }
        self
    }

    /// Removes the budget and the steps that are useful only in a release build. Returns the names
    /// of the removed parts, or `None` if nothing was removed.
    pub fn for_development(&mut self) -> Option<String> {
        let (gone, kept) = self.steps.iter().partition(|step| FOR_RELEASE.contains(step));
        let (mut gone, kept): (Vec<Step>, Vec<Step>) = (gone, kept);
        // The budget is meant for optimized modules, so it is useful only in a release build.
        let budget = self.budget.take().map(|_| "size-budget".to_owned());
        self.steps = kept;
        self.require_wasm_opt = false;
        gone.sort_unstable();
        let gone: Vec<String> = gone.iter().map(ToString::to_string).chain(budget).collect();
        (!gone.is_empty()).then(|| gone.join(", "))
    }
}

/// The project in which a plan runs.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The directory of the project's installation.
    pub installation: Option<Utf8PathBuf>,
    /// The standard library directories, which the initialization of a snapshot can read.
    #[cfg(feature = "runtime")]
    pub stdlib: Vec<pywasm_runtime::Dir>,
}

/// The steps in the order in which they run, and all inputs that they need.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The steps in the order in which they run, each listed once.
    pub steps: Vec<Step>,
    /// The policy of the host.
    pub policy: Policy,
    /// The optimizer, if `wasm-opt` is a step.
    pub optimizer: Option<Optimizer>,
    /// The size budget.
    pub budget: Option<Budget>,
    /// The directory of the project's installation.
    pub(crate) installation: Option<Utf8PathBuf>,
    /// The initialization, if `snapshot` is a step.
    pub(crate) snapshot: Option<Snapshotting>,
    /// True if the step `wasm-opt` must not be skipped.
    pub(crate) requires_wasm_opt: bool,
}

impl Plan {
    /// Creates the plan for a request. Fetches nothing, and runs only `wasm-opt --version`.
    ///
    /// # Errors
    /// When a step is listed twice, the policy cannot be read, or the store cannot be read.
    pub fn new(asked: &Request, project: &Surroundings, ctx: &Ctx) -> anyhow::Result<Self> {
        let steps = Step::in_order(&asked.steps)?;
        #[cfg(not(feature = "canister"))]
        if steps.contains(&Step::Candid) {
            return Err(without_canister());
        }
        let policy = Policy::load(asked.policy.as_deref().unwrap_or(DEFAULT), &ctx.cwd)?;
        let optimizer = steps.contains(&Step::WasmOpt);
        let optimizer = optimizer.then(|| Optimizer::find(ctx)).transpose()?;
        let snapshot = steps.contains(&Step::Snapshot);
        let snapshot =
            snapshot.then(|| Snapshotting::new(&asked.snapshot, project, ctx)).transpose()?;
        Ok(Self {
            steps,
            policy,
            optimizer,
            budget: asked.budget.clone(),
            installation: project.installation.clone(),
            snapshot,
            requires_wasm_opt: asked.require_wasm_opt,
        })
    }

    /// Fetches `wasm-opt` if the plan needs it and this machine does not have it. If that fails,
    /// the step is skipped with a warning, unless the step must run.
    ///
    /// # Errors
    /// When `wasm-opt` must run and cannot be fetched.
    pub fn fetch_optimizer(&mut self, ctx: &Ctx) -> anyhow::Result<()> {
        let Some(Optimizer::Missing(reason)) = &self.optimizer else { return Ok(()) };
        match Optimizer::fetch(ctx) {
            Ok(optimizer) => self.optimizer = Some(optimizer),
            Err(error) if self.requires_wasm_opt => {
                return Err(error)
                    .with_context(|| format!("step `wasm-opt` must run, but {reason}"))
                    .hint(|| {
                        "install Binaryen, or set PYWASM_WASM_OPT to the path of its wasm-opt"
                            .to_owned()
                    });
            }
            Err(error) => {
                let reason =
                    format!("{reason}, and `wasm-opt` cannot be fetched: {}", one_line(&error));
                self.optimizer = Some(Optimizer::Missing(reason));
            }
        }
        Ok(())
    }

    /// Returns the steps in the order in which they run, each with a description.
    #[must_use]
    pub fn about(&self) -> Vec<(Step, String)> {
        let about = |step: &Step| match step {
            Step::Rewire => "connect WASI imports to the polyfill".to_owned(),
            Step::Snapshot => self.snapshot.as_ref().map(Snapshotting::about).unwrap_or_default(),
            Step::Candid => "write the interface into a custom section".to_owned(),
            Step::Gc if self.has(Step::Rewire) => {
                "remove unreachable code and the polyfill's exports".to_owned()
            }
            Step::Gc => "remove unreachable code".to_owned(),
            Step::WasmOpt => match &self.optimizer {
                Some(Optimizer::Found(found)) => format!("optimize with {}", found.description()),
                Some(Optimizer::Missing(reason)) => format!("fetch wasm-opt first: {reason}"),
                None => String::new(),
            },
            Step::Strip => "remove sections that only debuggers read".to_owned(),
            Step::Audit => format!("check against policy `{}`", self.policy.name),
            Step::Gzip => "write a compressed copy".to_owned(),
        };
        self.steps.iter().map(|step| (*step, about(step))).collect()
    }

    /// Returns the plan as text, one line per step.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.about().into_iter();
        lines.map(|(step, about)| format!("{:<8} {about}\n", step.to_string())).collect()
    }

    pub(crate) fn has(&self, step: Step) -> bool {
        self.steps.contains(&step)
    }
}

/// Returns the error for the step `candid` in a build without canister support.
#[cfg(not(feature = "canister"))]
pub(crate) fn without_canister() -> anyhow::Error {
    pywasm_session::hinted(
        anyhow::anyhow!("step `candid` needs cargo-pywasm's `canister` feature"),
        "reinstall cargo-pywasm with `--all-features`".to_owned(),
    )
}
