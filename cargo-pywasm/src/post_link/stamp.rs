//! Whether an outcome is still that of its module and plan, so that a build in which nothing changed
//! does not optimize for half a minute.

use std::fmt;

use camino::Utf8Path;
use pywasm_recipes::Digest;
use pywasm_size::Record;
use sha2::{Digest as _, Sha256};

use super::{Files, Outcome, Plan, Step};

/// The digest of what an outcome was made from, and of what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    /// What is made of a module by a plan: of the same two it is always the same.
    fn inputs(module: &[u8], plan: &Plan) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(tool());
        // With the program and the version of the optimizer, and every rule of the policy.
        hash.update(format!("{}\n{:?}\n{:?}", plan.told(), plan.policy, plan.budget));
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

    /// The stamp of an outcome; none where it has something to say that has to be said each time.
    pub(super) fn of(module: &[u8], plan: &Plan, outcome: &Outcome) -> Option<Self> {
        let speaks =
            outcome.done.iter().any(|done| done.warning.is_some() || done.skipped.is_some())
                || outcome.findings.as_ref().is_some_and(|findings| !findings.is_empty());
        let others = [outcome.compressed.as_deref(), outcome.interface.as_deref()];
        (!speaks).then(|| Self::new(&Self::inputs(module, plan), &outcome.module, others))
    }
}

/// Which tool this is: of one version there are many while it is worked on, and where it comes from git.
fn tool() -> String {
    let file = std::env::current_exe().and_then(|path| path.metadata()).ok();
    let made = file.as_ref().and_then(|file| file.modified().ok());
    let size = file.map(|file| file.len());
    format!("{} {size:?} {made:?}", env!("CARGO_PKG_VERSION"))
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether what stands at the places of a module is what this plan would make of it again.
#[must_use]
pub fn is_fresh(files: &Files, module: &[u8], plan: &Plan, cwd: &Utf8Path) -> bool {
    let read = |path: &Utf8Path| std::fs::read(cwd.join(path)).ok();
    let Some(stamp) = files.stamp().and_then(|path| read(&path)) else { return false };
    let (output, compressed) = (read(&files.output), read(&files.compressed()));
    let interface = plan.has(Step::Candid).then(|| read(&files.interface())).flatten();
    output.is_some_and(|output| {
        // Without its record nobody could tell any more where its bytes are.
        let is_measured = Record::beside(&cwd.join(&files.output), &output).is_some();
        let others = [compressed.as_deref(), interface.as_deref()];
        let is = Stamp::new(&Stamp::inputs(module, plan), &output, others);
        is_measured && is.0.as_bytes() == stamp
    })
}
