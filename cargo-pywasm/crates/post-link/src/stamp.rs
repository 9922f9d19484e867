//! Stamps: files that show whether an output is up to date, so that an unchanged build skips all
//! steps.

use std::fmt;

use camino::Utf8Path;
use pywasm_recipes::Digest;
use pywasm_size::Record;
use sha2::{Digest as _, Sha256};

use super::{Files, Outcome, Plan, Step};

/// The digest of an outcome's inputs and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    /// Hashes the inputs that determine the outcome.
    fn inputs(module: &[u8], plan: &Plan) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(tool());
        // The plan's text includes the optimizer's program and version.
        hash.update(format!("{}\n{:?}\n{:?}", plan.text(), plan.policy, plan.budget));
        hash.update(module);
        hash.finalize().to_vec()
    }

    fn new(inputs: &[u8], output: &[u8], others: [Option<&[u8]>; 2]) -> Self {
        let mut hash = Sha256::new();
        hash.update(inputs);
        hash.update(Sha256::digest(output));
        for other in others {
            hash.update(other.map(Sha256::digest).unwrap_or_default());
        }
        Self(Digest::from_bytes(hash.finalize().into()).to_string())
    }

    /// Returns the stamp of an outcome, or `None` if the outcome contains a message that each build
    /// must repeat.
    pub(super) fn of(module: &[u8], plan: &Plan, outcome: &Outcome) -> Option<Self> {
        let has_message =
            outcome.done.iter().any(|done| done.warning.is_some() || done.skipped.is_some())
                || outcome.findings.as_ref().is_some_and(|findings| !findings.is_empty());
        let others = [outcome.compressed.as_deref(), outcome.interface.as_deref()];
        (!has_message).then(|| Self::new(&Self::inputs(module, plan), &outcome.module, others))
    }
}

/// Returns text that identifies this program. A version is not enough, because several builds may
/// have the same version.
fn tool() -> String {
    let file = std::env::current_exe().and_then(|path| path.metadata()).ok();
    let modified = file.as_ref().and_then(|file| file.modified().ok());
    let size = file.map(|file| file.len());
    format!("{} {size:?} {modified:?}", env!("CARGO_PKG_VERSION"))
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns true if the output files of a module are up to date, so the plan need not run.
#[must_use]
pub fn is_fresh(files: &Files, module: &[u8], plan: &Plan, cwd: &Utf8Path) -> bool {
    let read = |path: &Utf8Path| std::fs::read(cwd.join(path)).ok();
    let Some(stamp) = files.stamp().and_then(|path| read(&path)) else { return false };
    let (output, compressed) = (read(&files.output), read(&files.compressed()));
    let interface = plan.has(Step::Candid).then(|| read(&files.interface())).flatten();
    output.is_some_and(|output| {
        // Without a size record, the steps must run again: the output lacks the names that the
        // record needs.
        let is_measured = Record::beside(&cwd.join(&files.output), &output).is_some();
        let others = [compressed.as_deref(), interface.as_deref()];
        let expected = Stamp::new(&Stamp::inputs(module, plan), &output, others);
        is_measured && expected.0.as_bytes() == stamp
    })
}
