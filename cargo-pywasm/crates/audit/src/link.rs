//! Audits a link set: objects and archives before they are linked.

use pywasm_stubs::{Closure, Signature, SymbolKind};

use crate::finding::{Code, Finding};
use crate::known;
use crate::origin::Origin;
use crate::policy::Policy;

/// Audits the closure of a link set: all objects that a link would include. Objects are for 32-bit
/// memories. The findings are sorted, the most severe first.
#[must_use]
pub fn link(closure: &Closure, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for undefined in &closure.undefined {
        let (code, text) = match &undefined.kind {
            // With `--allow-undefined`, the function becomes an import from `env`, which the host
            // may provide.
            SymbolKind::Function(signature) if is_provided(policy, &undefined.name, signature) => {
                continue;
            }
            SymbolKind::Function(_) => (Code::UndefinedFunction, "no linked object defines it"),
            SymbolKind::Data => {
                (Code::UndefinedData, "no linked object defines it, so its address would be 0")
            }
            SymbolKind::Global | SymbolKind::Tag => {
                (Code::UndefinedData, "no linked object defines it")
            }
        };
        let mut finding = Finding::new(code, &undefined.name, text).of_type(&undefined.kind);
        finding.needed_by = objects(&undefined.needed_by);
        known::explain(&mut finding, &undefined.name);
        findings.push(finding);
    }
    for conflict in &closure.conflicts {
        let types: Vec<String> = conflict.types.iter().map(|(kind, _)| kind.to_string()).collect();
        let is_function =
            |(kind, _): &(SymbolKind, Vec<String>)| matches!(kind, SymbolKind::Function(_));
        let text = if conflict.types.iter().all(is_function) {
            "the linked objects declare it with different types; calls that do not match the definition trap"
        } else {
            "some linked objects declare it as a function and others do not, so the link fails"
        };
        let mut finding =
            Finding::new(Code::TypeConflict, &conflict.name, text).of_type(types.join(" and "));
        let declarations = conflict.types.iter();
        finding.needed_by = declarations
            .map(|(kind, by)| Origin::Declaration {
                ty: kind.to_string(),
                object: by.first().map(|name| {
                    let Ok(object) = name.parse();
                    object
                }),
            })
            .collect();
        findings.push(
            finding.cure(
                "declare it with the type of its definition; in C, write `f(void)` if it has no parameters",
            ),
        );
    }
    for (import, by) in &closure.imports {
        let subject = format!("{}.{}", import.module, import.name);
        let known = policy.function(&import.module, &import.name);
        let found = |code, text: String| {
            let mut finding = Finding::new(code, &subject, text).of_type(&import.signature);
            finding.needed_by = objects(by);
            finding.family = Some(import.module.clone());
            finding
        };
        if policy.denies(&subject) {
            findings.push(found(Code::ImportDenied, format!("policy `{}` denies it", policy.name)));
        } else if let Some(host) = known {
            let host = host.ty.signature(false);
            if *host != import.signature {
                let text = format!("the host provides it as {host}");
                findings.push(found(Code::ImportType, text));
            }
        } else if !policy.allows(&subject) {
            findings.push(found(Code::ImportUnknown, "the host does not provide it".to_owned()));
        }
    }
    findings.sort();
    findings
}

fn objects(names: &[String]) -> Vec<Origin> {
    names.iter().map(|name| Origin::object(name)).collect()
}

/// Returns true if the host provides a function with this type as an import from `env`.
fn is_provided(policy: &Policy, name: &str, signature: &Signature) -> bool {
    let import = format!("env.{name}");
    let known = policy.function("env", name);
    !policy.denies(&import)
        && (policy.allows(&import)
            || known.is_some_and(|host| host.ty.signature(false) == signature))
}
