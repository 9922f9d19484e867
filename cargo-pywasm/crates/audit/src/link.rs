//! Objects and archives that are to be linked, against a policy.

use pywasm_stubs::{Closure, Signature, SymbolKind};

use super::finding::{Code, Finding};
use super::known;
use super::policy::Policy;

/// Audits what comes of a link set. The findings are sorted, the worst first.
#[must_use]
pub fn link(closure: &Closure, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for undefined in &closure.undefined {
        let (code, text) = match &undefined.kind {
            // Where undefined symbols are allowed it becomes an import of `env`, which the host may
            // have.
            SymbolKind::Function(signature)
                if is_of_the_host(policy, &undefined.name, signature) =>
            {
                continue;
            }
            SymbolKind::Function(_) => (Code::UndefinedFunction, "nothing in the link set has it"),
            SymbolKind::Data => {
                (Code::UndefinedData, "nothing in the link set has it: its address would be 0")
            }
            SymbolKind::Global | SymbolKind::Tag => {
                (Code::UndefinedData, "nothing in the link set has it")
            }
        };
        let mut finding = Finding::new(code, &undefined.name, text).of_type(&undefined.kind);
        finding.needed_by.clone_from(&undefined.needed_by);
        known::explain(&mut finding, &undefined.name);
        findings.push(finding);
    }
    for conflict in &closure.conflicts {
        let types: Vec<String> = conflict.types.iter().map(|(kind, _)| kind.to_string()).collect();
        let is_function =
            |(kind, _): &(SymbolKind, Vec<String>)| matches!(kind, SymbolKind::Function(_));
        let text = if conflict.types.iter().all(is_function) {
            "the linked objects mean it differently: a call by the wrong type traps"
        } else {
            "it is a function for some of the linked objects, and none for others: no linker takes both"
        };
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
        let known = policy.function(&import.module, &import.name);
        let found = |code, text: String| {
            let mut finding = Finding::new(code, &subject, text).of_type(&import.signature);
            finding.needed_by.clone_from(by);
            finding.family = Some(import.module.clone());
            finding
        };
        if policy.denies(&subject) {
            findings.push(found(Code::ImportDenied, format!("policy `{}` denies it", policy.name)));
        } else if let Some(host) = known {
            if host.signature != import.signature {
                let text = format!("the host has it as {}", host.signature);
                findings.push(found(Code::ImportType, text));
            }
        } else if !policy.allows(&subject) {
            findings.push(found(Code::ImportUnknown, "the host does not have it".to_owned()));
        }
    }
    findings.sort();
    findings
}

/// Whether the host has a function of this name and type as an import of `env`.
fn is_of_the_host(policy: &Policy, name: &str, signature: &Signature) -> bool {
    let import = format!("env.{name}");
    let known = policy.function("env", name);
    !policy.denies(&import)
        && (policy.allows(&import) || known.is_some_and(|host| host.signature == *signature))
}
