//! The report for code scanning: SARIF 2.1.0.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>, and the requirements
//! of GitHub's code scanning (rules, `partialFingerprints`).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Audited;
use crate::finding::{Code, Finding};

pub(super) fn report(audited: &[Audited]) -> String {
    let rules: Vec<Value> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code,
                "shortDescription": { "text": code.description() },
                "defaultConfiguration": { "level": level(*code) },
            })
        })
        .collect();
    let results: Vec<Value> = audited
        .iter()
        .flat_map(|one| one.findings.iter().map(|finding| result(one, finding)))
        .collect();
    let value = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cargo-pywasm",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "results": results,
        }],
    });
    format!("{value:#}\n")
}

fn level(code: Code) -> &'static str {
    if code.is_error() { "error" } else { "warning" }
}

fn result(one: &Audited, finding: &Finding) -> Value {
    // The fingerprint does not depend on the path, so findings are still recognized after a file
    // has been moved.
    let identity = format!("{}\0{}", finding.code, finding.subject);
    let digest = Sha256::digest(identity.as_bytes());
    let fingerprint: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    json!({
        "ruleId": finding.code,
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": level(finding.code),
        "message": { "text": super::github::sentence(finding) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(one.name.as_str()) },
                // Code scanning requires a region, although a module has no lines.
                "region": { "startLine": 1 },
            },
            "logicalLocations": [{ "name": finding.subject }],
        }],
        "partialFingerprints": { "pywasmFinding/v1": fingerprint },
    })
}

/// Returns a `file:` URI for an absolute path, and a relative reference for a relative path.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
