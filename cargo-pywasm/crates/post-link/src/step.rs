//! The post-link steps and their order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use pywasm_session::WithHint;

/// A post-link step.
///
/// Steps run in the order of the variants, for these reasons:
///
/// - `rewire` finds the polyfill's functions by their exports and names, which later steps remove.
/// - `snapshot` runs the initialization, which may call the polyfill. The step leaves unreachable
///   functions for `gc` to remove.
/// - `candid` calls the export that returns the interface. `gc` then removes this export.
/// - `gc` comes before `wasm-opt`, so that no time is spent on unreachable code.
/// - `wasm-opt` uses names that `strip` removes.
/// - `audit` checks the final module, and `gzip` compresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Step {
    /// Connects WASI imports to the polyfill's functions.
    Rewire,
    /// Runs the initialization and keeps the resulting memory.
    Snapshot,
    /// Writes the Candid interface into a custom section.
    Candid,
    /// Removes unreachable code and data.
    Gc,
    /// Runs Binaryen's optimizer.
    WasmOpt,
    /// Removes sections that only debuggers read.
    Strip,
    /// Checks the module against the host's policy.
    Audit,
    /// Writes a compressed copy next to the module.
    Gzip,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 8] = [
        Self::Rewire,
        Self::Snapshot,
        Self::Candid,
        Self::Gc,
        Self::WasmOpt,
        Self::Strip,
        Self::Audit,
        Self::Gzip,
    ];

    /// Sorts steps into the order in which they run.
    ///
    /// # Errors
    /// When a step is listed twice, because each step runs only once.
    pub fn in_order(named: &[Self]) -> anyhow::Result<Vec<Self>> {
        let mut steps = named.to_vec();
        steps.sort_unstable();
        if let Some([twice, _]) = steps.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(anyhow::anyhow!("step `{twice}` is listed twice"))
                .hint(|| "each step runs once, in a fixed order".to_owned());
        }
        Ok(steps)
    }

    fn names() -> String {
        Self::ALL.map(|step| step.to_string()).join(", ")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // serde defines the names.
        self.serialize(f)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|step| step.to_string() == text);
        found.ok_or_else(|| format!("`{text}` is not a step; valid steps are {}", Self::names()))
    }
}

impl TryFrom<String> for Step {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for step in Step::ALL {
            assert_eq!(step.to_string().parse(), Ok(step));
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{step}\""));
        }
        assert!(Step::ALL.is_sorted());
    }

    #[test]
    fn unknown_name_lists_all_steps() {
        let error = "wasmopt".parse::<Step>().unwrap_err();
        assert_eq!(
            error,
            "`wasmopt` is not a step; valid steps are rewire, snapshot, candid, gc, wasm-opt, strip, audit, gzip"
        );
        assert!(serde_json::from_str::<Step>("\"zip\"").unwrap_err().to_string().contains("gzip"));
    }

    #[test]
    fn steps_are_ordered_and_unique() {
        let named = [Step::Gzip, Step::Strip, Step::Rewire];
        assert_eq!(Step::in_order(&named).unwrap(), [Step::Rewire, Step::Strip, Step::Gzip]);
        let error = Step::in_order(&[Step::Gc, Step::Gzip, Step::Gc]).unwrap_err();
        assert!(format!("{error:#}").contains("`gc` is listed twice"), "{error:#}");
    }
}
