//! The report as JSON, for programs. `docs/guide/audit.md` describes the format.

use serde_json::{Value, json};

use super::Audited;

/// The version of the report format.
const VERSION: u32 = 1;

pub(super) fn report(audited: &[Audited]) -> String {
    format!("{:#}\n", document(audited))
}

/// Returns the report as a JSON value.
pub fn document(audited: &[Audited]) -> Value {
    let files: Vec<Value> = audited
        .iter()
        .map(|one| {
            let mut value = json!({
                "file": one.name,
                "policy": one.policy,
                "accepted": one.accepted,
                "findings": one.findings,
            });
            if let Some(pulled) = &one.pulled {
                value["pulled"] = json!(pulled);
            }
            value
        })
        .collect();
    json!({ "version": VERSION, "audited": files })
}
