//! The steps, and their order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use pywasm_session::WithHint;

/// One thing that is done to a module.
///
/// They run in this order, however they are named: `rewire` finds the polyfill's functions by exports
/// and names that later steps take away; `snapshot` runs the initialization, of a canister one that
/// asks its polyfill, and leaves functions behind that `gc` takes out; `candid` asks the function for the interface that `gc` takes
/// out then, with all that nobody calls any more, so that `wasm-opt` does not work on it; `wasm-opt`
/// reads names that `strip` takes away; an `audit` is of what a host will get, and `gzip` compresses what was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Step {
    /// Imports of WASI answered by the polyfill's functions.
    Rewire,
    /// The initialization run, and kept.
    Snapshot,
    /// The interface in Candid, told by a section.
    Candid,
    /// What nothing leads to taken out.
    Gc,
    /// Binaryen's optimizer, where the machine has it.
    WasmOpt,
    /// What only debuggers read taken out.
    Strip,
    /// Whether the host takes it.
    Audit,
    /// Compressed, beside the module.
    Gzip,
}

impl Step {
    /// All, in their order.
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

    /// These steps, in their order.
    ///
    /// # Errors
    /// When one is named twice: it may be meant to run twice, and does not.
    pub fn in_order(named: &[Self]) -> anyhow::Result<Vec<Self>> {
        let mut steps = named.to_vec();
        steps.sort_unstable();
        if let Some([twice, _]) = steps.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(anyhow::anyhow!("step `{twice}` is named twice"))
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
        // One spelling: serde's.
        self.serialize(f)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|step| step.to_string() == text);
        found.ok_or_else(|| format!("`{text}` is not a step; there are {}", Self::names()))
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
    fn a_step_is_read_as_it_is_written() {
        for step in Step::ALL {
            assert_eq!(step.to_string().parse(), Ok(step));
            assert_eq!(serde_json::to_string(&step).unwrap(), format!("\"{step}\""));
        }
        assert!(Step::ALL.is_sorted());
    }

    #[test]
    fn a_wrong_name_comes_with_the_right_ones() {
        let error = "wasmopt".parse::<Step>().unwrap_err();
        assert_eq!(
            error,
            "`wasmopt` is not a step; there are rewire, snapshot, candid, gc, wasm-opt, strip, audit, gzip"
        );
        assert!(serde_json::from_str::<Step>("\"zip\"").unwrap_err().to_string().contains("gzip"));
    }

    #[test]
    fn steps_run_in_one_order_and_once() {
        let named = [Step::Gzip, Step::Strip, Step::Rewire];
        assert_eq!(Step::in_order(&named).unwrap(), [Step::Rewire, Step::Strip, Step::Gzip]);
        let error = Step::in_order(&[Step::Gc, Step::Gzip, Step::Gc]).unwrap_err();
        assert!(format!("{error:#}").contains("`gc` is named twice"), "{error:#}");
    }
}
