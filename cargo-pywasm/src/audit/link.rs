//! Objects and archives that are to be linked, against a policy.

use pywasm_stubs::{Closure, Kind};

use super::finding::{Code, Finding};
use super::known;
use super::policy::Policy;

/// Audits what comes of a link set. The findings are sorted, the worst first.
#[must_use]
pub fn link(closure: &Closure, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for undefined in &closure.undefined {
        let code = match undefined.kind {
            Kind::Function(_) => Code::UndefinedFunction,
            Kind::Data => Code::UndefinedData,
        };
        // What a host gives may be asked for by its plain name, as an import of `env`.
        let import = format!("env.{}", undefined.name);
        let allowed = policy.allow.iter().any(|allowed| allowed.glob.0.matches(&import));
        if code == Code::UndefinedFunction && allowed {
            continue;
        }
        let text = match undefined.kind {
            Kind::Function(_) => "nothing in the link set has it",
            Kind::Data => "nothing in the link set has it: its address would be 0",
        };
        let mut finding = Finding::new(code, &undefined.name, text).of_type(&undefined.kind);
        finding.needed_by.clone_from(&undefined.needed_by);
        known::explain(&mut finding, &undefined.name);
        findings.push(finding);
    }
    for conflict in &closure.conflicts {
        let types: Vec<String> = conflict.types.iter().map(|(kind, _)| kind.to_string()).collect();
        let text = "the linked objects mean it differently: a call by the wrong type traps";
        let mut finding =
            Finding::new(Code::TypeConflict, &conflict.name, text).of_type(types.join(" and "));
        let objects = conflict.types.iter();
        finding.needed_by = objects
            .map(|(kind, by)| format!("{kind} by {}", by.first().map_or("", String::as_str)))
            .collect();
        findings.push(
            finding.cure(
                "declare it as it is defined; C wants a prototype, `f(void)` for no parameters",
            ),
        );
    }
    for (import, by) in &closure.imports {
        let subject = format!("{}.{}", import.module, import.name);
        let known = policy.functions.get(&import.module).and_then(|known| known.get(&import.name));
        let found = |code, text: String| {
            let mut finding = Finding::new(code, &subject, text).of_type(&import.signature);
            finding.needed_by.clone_from(by);
            finding.family = Some(import.module.clone());
            finding
        };
        if policy.deny.iter().any(|glob| glob.0.matches(&subject)) {
            findings.push(found(Code::ImportDenied, format!("policy `{}` denies it", policy.name)));
        } else if let Some(host) = known {
            if host.signature != import.signature {
                let text = format!("the host has it as {}", host.signature);
                findings.push(found(Code::ImportType, text));
            }
        } else if !policy.allow.iter().any(|allowed| allowed.glob.0.matches(&subject)) {
            findings.push(found(Code::ImportUnknown, "the host does not have it".to_owned()));
        }
    }
    findings.sort();
    findings
}
