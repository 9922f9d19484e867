//! Looks up an undefined symbol by name to find its family, the Python modules that need it, and
//! its cures.

use pywasm_recipes::MinorVersion;
use pywasm_size::Object;
use pywasm_stubs::{family, find_macro};

use crate::finding::Finding;
use crate::origin::Origin;

/// The CPython versions whose extension modules are known.
const SERIES: [MinorVersion; 2] =
    [MinorVersion { major: 3, minor: 13 }, MinorVersion { major: 3, minor: 14 }];

/// Adds the family of `symbol`, the Python modules that need it, and its cures to a finding. Python
/// modules are also derived from the finding's origins, which must already be set.
pub(crate) fn explain(finding: &mut Finding, symbol: &str) {
    if let Some(it) = find_macro(symbol) {
        finding.family = Some("Python C API macros".to_owned());
        finding.cures = vec![format!("{} is a macro: call {}", it.name, it.call)];
        return;
    }
    finding.python = modules_of(&finding.needed_by);
    if let Some(module) = symbol.strip_prefix("PyInit_") {
        finding.python = vec![module.to_owned()];
    }
    match family(symbol) {
        Some(family) => {
            finding.family = Some(family.name.clone());
            // Only the Python modules in the family's list need the symbol. Origins may point to
            // others, because a chain of calls can lead through shared code, so origins only
            // narrow the list down.
            if !family.modules.is_empty() {
                finding.python.retain(|module| family.modules.contains(module));
                if finding.python.is_empty() {
                    finding.python.clone_from(&family.modules);
                }
            }
            let for_symbol = |cure: &String| {
                cure.replace("PyInit_NAME", symbol).replace("NAME=", &format!("{symbol}="))
            };
            finding.cures.extend(family.cures.iter().map(for_symbol));
        }
        None => finding.cures.push(format!(
            "link the library that defines it, or, if the program works without it, run \
             `cargo pywasm emit-stubs -o libstubs.a FILE --only '{symbol}'`"
        )),
    }
}

/// Returns the Python modules that these origins belong to, sorted.
fn modules_of(origins: &[Origin]) -> Vec<String> {
    let module = |origin: &Origin| match origin {
        Origin::Object(object) => module_of_member(object),
        origin => origin.initialized_module().map(str::to_owned),
    };
    let mut found: Vec<String> = origins.iter().filter_map(module).collect();
    found.sort();
    found.dedup();
    found
}

/// Returns the Python module that an archive member implements: `_decimal` for
/// `libpython3.13.a(_decimal.o)`, `math` for `libpython3.13.a(mathmodule.o)`.
fn module_of_member(object: &Object) -> Option<String> {
    object.archive.as_ref()?;
    let member = object.name.strip_suffix(".o")?;
    let module = member.strip_suffix("module").unwrap_or(member);
    let is_known =
        |name: &str| SERIES.iter().any(|series| pywasm_recipes::is_known_module(*series, name));
    [module.to_owned(), format!("_{module}")].into_iter().find(|name| is_known(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_member_names_its_module() {
        let modules = |name: &str| modules_of(&[Origin::object(name)]);
        assert_eq!(modules("libpython3.13.a(_decimal.o)"), ["_decimal"]);
        assert_eq!(modules("libpython3.13.a(mathmodule.o)"), ["math"]);
        assert!(modules("libpython3.13.a(call.o)").is_empty());
        assert!(modules("_decimal.o").is_empty());
    }
}
