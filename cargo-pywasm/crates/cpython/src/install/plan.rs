//! The plan for an installation. `--dry-run` prints the plan and changes nothing.

use std::fmt;

use pywasm_recipes::Build;
use serde::Serialize;

use super::request::Request;
use crate::build::{BuildPython, source_place};
use pywasm_store::Ctx;
use pywasm_toolchain::ToolchainRequest;

/// The state of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Done: the store contains the step's result.
    Done,
    /// Not done yet.
    ToDo,
}

/// One step of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedStep {
    /// The verb, such as `fetch` or `unpack`.
    pub verb: &'static str,
    /// The object of the verb.
    pub what: String,
    /// The state.
    pub state: StepState,
}

/// The plan for an installation: its steps in the order in which they run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The name of the installation without its key.
    pub name: String,
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// The step results that already exist.
#[derive(Clone, Copy, Debug, Default)]
struct Have {
    installed: bool,
    toolchain: bool,
    tarball: bool,
    source: bool,
}

impl Plan {
    /// Returns the plan for a request and the current state of the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn make(request: &Request<'_>, force: bool, ctx: &Ctx) -> anyhow::Result<Self> {
        let artifact = &request.pin.source;
        let have = Have {
            installed: !force && request.find_installed(ctx)?.is_some(),
            toolchain: !pywasm_toolchain::installed(ctx)?.is_empty()
                || matches!(request.toolchain, ToolchainRequest::Path(_)),
            tarball: ctx.store.download(&artifact.sha256, &artifact.file).exists(),
            source: source_place(request.pin, ctx).exists(),
        };
        Ok(Self::decide(request, have))
    }

    /// Derives the plan from the request and the existing results, without accessing the store.
    fn decide(request: &Request<'_>, have: Have) -> Self {
        let state = |done: bool| if done { StepState::Done } else { StepState::ToDo };
        let step = |verb, what: String, done| PlannedStep {
            verb,
            what,
            state: state(done || have.installed),
        };
        let (pin, recipe) = (request.pin, request.recipe);
        let frozen_by = match &request.build_python {
            BuildPython::None => "CPython's C freezer on wasm".to_owned(),
            BuildPython::Given { path, .. } => path.to_string(),
        };
        let libraries = request.libraries.iter();
        let libraries: Vec<&str> = libraries.map(|one| one.library.name.as_str()).collect();
        let disabled: Vec<&str> = recipe.modules.disabled.iter().map(String::as_str).collect();
        let steps = vec![
            step("toolchain", request.toolchain.to_string(), have.toolchain),
            step(
                "fetch",
                format!("{} sha256:{}", pin.source.file, pin.source.sha256),
                have.tarball || have.source,
            ),
            step("unpack", pin.source.file.clone(), have.source),
            step("libraries", or_none(&libraries), false),
            step(
                "configure",
                format!("CPython {} without {}", pin.version, or_none(&disabled)),
                false,
            ),
            step(
                "compile",
                format!("libpython{}.a {}", pin.series(), compiled(&recipe.build)),
                false,
            ),
            step("freeze", format!("by {frozen_by}"), false),
            step("assemble", format!("{}-<key>", request.name()), false),
            step("verify", "run the interpreter in the embedded runtime".to_owned(), false),
        ];
        Self { name: request.name(), steps }
    }
}

/// Returns the build options as text, such as `-O3, trained, link-time optimized`.
fn compiled(build: &Build) -> String {
    let mut text = build.opt_level.flag().to_owned();
    for (enabled, word) in [
        (build.trained, "trained"),
        (build.lto, "link-time optimized"),
        (build.split_live_ranges == Some(true), "live ranges split"),
        (build.assertions, "with assertions"),
        (build.debug_info, "with debug information"),
        (build.instrumented, "instrumented"),
    ] {
        if enabled {
            text.push_str(", ");
            text.push_str(word);
        }
    }
    text
}

fn or_none(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        for step in &self.steps {
            let mark = if step.state == StepState::Done { "done" } else { "to do" };
            write!(f, "\n  {mark:<6} {:<10} {}", step.verb, step.what)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Evidence;
    use crate::libraries::selected;
    use pywasm_recipes::{CpythonPin, Recipe, builtin};

    fn plan(have: Have) -> Plan {
        let recipe = Recipe::parse(builtin("default").unwrap()).unwrap();
        let pin = CpythonPin::resolve("3.13.5".parse().unwrap()).unwrap();
        let request = Request {
            recipe: &recipe,
            pin,
            evidence: Evidence::Pin,
            local: None,
            libraries: selected(&recipe, pin.series()).unwrap(),
            toolchain: ToolchainRequest::Auto,
            build_python: BuildPython::None,
            seeded: true,
        };
        Plan::decide(&request, have)
    }

    #[test]
    fn empty_store_has_everything_to_do() {
        insta::assert_snapshot!(plan(Have::default()));
    }

    #[test]
    fn unpacked_source_needs_no_tarball() {
        let plan = plan(Have { source: true, ..Have::default() });
        let fetch = plan.steps.iter().find(|step| step.verb == "fetch").unwrap();
        assert_eq!(fetch.state, StepState::Done);
    }

    #[test]
    fn existing_installation_has_nothing_to_do() {
        let plan = plan(Have { installed: true, ..Have::default() });
        assert!(plan.steps.iter().all(|step| step.state == StepState::Done));
    }
}
