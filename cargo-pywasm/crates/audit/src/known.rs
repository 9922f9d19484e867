//! What is known of a symbol by its name: its family, its modules of Python, its cure.

use pywasm_recipes::MinorVersion;
use pywasm_stubs::{family, find_macro};

use super::finding::Finding;

/// The releases whose modules are known.
const SERIES: [MinorVersion; 2] =
    [MinorVersion { major: 3, minor: 13 }, MinorVersion { major: 3, minor: 14 }];

/// Fills in what is known of `symbol`; `needed_by` of the finding is read for modules of Python.
pub(super) fn explain(finding: &mut Finding, symbol: &str) {
    if let Some(it) = find_macro(symbol) {
        finding.family = Some("macros of Python's C API".to_owned());
        finding.cures = vec![format!("{} is a macro: call {}", it.name, it.call)];
        return;
    }
    finding.python = modules_in(&finding.needed_by);
    if let Some(module) = symbol.strip_prefix("PyInit_") {
        finding.python = vec![module.to_owned()];
    }
    match family(symbol) {
        Some(family) => {
            finding.family = Some(family.name.clone());
            // What a family says is certain; a chain of callers may lead through what all share.
            if !family.modules.is_empty() {
                let own = |module: &String| family.modules.contains(module);
                finding.python.retain(own);
                if finding.python.is_empty() {
                    finding.python.clone_from(&family.modules);
                }
            }
            let of_symbol = |cure: &String| {
                cure.replace("PyInit_NAME", symbol).replace("NAME=", &format!("{symbol}="))
            };
            finding.cures.extend(family.cures.iter().map(of_symbol));
        }
        None => finding.cures.push(format!(
            "link the library that has it; or, where the program works without it: \
             `cargo pywasm emit-stubs -o libstubs.a FILE --only '{symbol}'`"
        )),
    }
}

/// Modules of Python whose initialization stands in a chain of callers, or whose object's name is
/// that of a module's source: `libpython3.13.a(_decimal.o)`.
fn modules_in(needed_by: &[String]) -> Vec<String> {
    let init = |origin: &String| {
        let mut functions = origin.split(" > ");
        functions.find_map(|name| name.strip_prefix("PyInit_").map(str::to_owned))
    };
    let member = |origin: &String| {
        let member = origin.strip_suffix(".o)")?.rsplit_once('(')?.1;
        let module = member.strip_suffix("module").unwrap_or(member);
        let known =
            |name: &str| SERIES.iter().any(|series| pywasm_recipes::is_known_module(*series, name));
        [module.to_owned(), format!("_{module}")].into_iter().find(|name| known(name))
    };
    let mut found: Vec<String> =
        needed_by.iter().filter_map(|origin| init(origin).or_else(|| member(origin))).collect();
    found.sort();
    found.dedup();
    found
}
