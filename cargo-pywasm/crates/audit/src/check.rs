//! Checks a finished module against a policy.

use std::collections::BTreeMap;

use pywasm_wasm::{Extern, Import, Module};

use crate::abi::{Abi, Env};
use crate::callers::Callers;
use crate::finding::{Code, Finding};
use crate::known;
use crate::policy::{Host, HostFunction, Policy};

mod exports;
mod limits;

/// The module name that the linker gives to imports of undefined symbols.
const LINKER: &str = "env";

/// The maximum number of imports that are reported individually. Even a small file can contain a
/// million.
const MAX_IMPORTS: usize = 10_000;

/// Facts about a module that its bytes do not contain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// The compressed size, if the module was compressed.
    pub compressed: Option<usize>,
    /// The names of the module's functions, by function index, if they were read before the module
    /// was stripped.
    pub names: Option<&'a [&'a str]>,
}

/// Audits a module. The findings are sorted, the most severe first.
///
/// # Errors
/// When the name section, or a function body that must be decoded, is malformed.
pub fn module(
    module: &Module<'_>,
    given: Given<'_>,
    policy: &Policy,
) -> anyhow::Result<Vec<Finding>> {
    let own = module.names()?;
    let names = given.names.unwrap_or(&own);
    let mut check = Check {
        module,
        policy,
        names,
        env: Env::of(module),
        findings: Vec::new(),
        functions: Vec::new(),
        foreign: BTreeMap::new(),
        more: 0,
    };
    check.imports();
    check.unused_entries();
    check.exports();
    check.limits(given)?;
    check.features();
    check.segments();
    check.mismatches();
    check.origins()?;
    check.findings.sort();
    Ok(check.findings)
}

struct Check<'m, 'a> {
    module: &'m Module<'a>,
    policy: &'m Policy,
    /// The names of all functions, by function index.
    names: &'m [&'a str],
    /// The ABI of the imports from `env`.
    env: Env,
    findings: Vec<Finding>,
    /// The findings about imported functions, each with the function's index and symbol.
    /// [`Check::origins`] adds their origins.
    functions: Vec<(Finding, u32, String)>,
    /// The imports of ABIs that the policy does not describe, in file order.
    foreign: BTreeMap<Abi, Foreign>,
    /// The number of imports beyond [`MAX_IMPORTS`] that are reported only as a count.
    more: usize,
}

/// The imports of an ABI that the policy does not describe.
#[derive(Debug, Default)]
struct Foreign {
    /// The imports as `module.name`.
    imports: Vec<String>,
    /// The indices of the imported functions.
    functions: Vec<u32>,
}

impl Check<'_, '_> {
    fn imports(&mut self) {
        for import in &self.module.imports {
            let Import { module, name, kind } = import;
            let subject = format!("{module}.{name}");
            match kind {
                Extern::Function(function) => self.function(import, subject, *function),
                _ if self.policy.denies(&subject) => {
                    let text = format!("policy `{}` denies it", self.policy.name);
                    let finding = Finding::new(Code::ImportDenied, subject, text);
                    self.findings.push(finding.of_type(kind.word()));
                }
                Extern::Memory if has(&self.policy.memory_from, module) => {}
                Extern::Table if has(&self.policy.table_from, module) => {}
                _ if self.policy.allows(&subject) => {}
                _ if let Some(abi) = self.abi(import) => {
                    self.foreign.entry(abi).or_default().imports.push(subject);
                }
                kind => {
                    let what = kind.word();
                    let text = format!("{} provides no {what} with this name", self.host());
                    let mut finding = Finding::new(Code::ImportKind, subject, text).of_type(what);
                    if *kind == Extern::Memory {
                        finding = finding.cure("link without `--import-memory`");
                    }
                    self.findings.push(finding);
                }
            }
        }
    }

    /// Returns the ABI of an import, unless the policy describes that ABI.
    fn abi(&self, import: &Import<'_>) -> Option<Abi> {
        let is_described = self.policy.functions.contains_key(import.module);
        if is_described { None } else { self.env.abi(import) }
    }

    fn function(&mut self, import: &Import<'_>, subject: String, function: u32) {
        let Import { module, name, .. } = *import;
        let signature = self.module.signature(function).unwrap_or_default();
        let known = self.policy.function(module, name);
        let found = |code, text: String| {
            let mut finding = Finding::new(code, subject.clone(), text).of_type(signature.clone());
            finding.family = Some(module.to_owned());
            finding
        };
        let finding = if self.policy.denies(&subject) {
            found(Code::ImportDenied, format!("policy `{}` denies it", self.policy.name))
        } else if let Some(HostFunction { ty, .. }) = known {
            let host = ty.signature(self.module.has_64_bit_memory);
            if *host == signature {
                return;
            }
            found(
                Code::ImportType,
                format!("{} provides it as {host}, so instantiation fails", self.host()),
            )
            .cure("declare it with the host's type; in C, include the SDK's header")
        } else if self.policy.allows(&subject) {
            return;
        } else if let Some(abi) = self.abi(import) {
            let foreign = self.foreign.entry(abi).or_default();
            foreign.imports.push(subject);
            foreign.functions.push(function);
            return;
        } else if module == LINKER {
            found(Code::UndefinedFunction, "no linked object defines it".to_owned())
        } else {
            found(Code::ImportUnknown, format!("{} does not provide it", self.host()))
                .cure(self.cure_of_unknown(module))
        };
        if self.functions.len() < MAX_IMPORTS {
            self.functions.push((finding, function, name.to_owned()));
        } else {
            self.more += 1;
        }
    }

    fn cure_of_unknown(&self, module: &str) -> String {
        match (module, self.policy.host) {
            ("wasi_snapshot_preview1", Host::InternetComputer) => {
                "canisters have no WASI: link ic-wasi-polyfill, then run `cargo pywasm rewire`"
                    .to_owned()
            }
            _ => format!(
                "if your host provides it, allow it in a policy file: `allow = [\"{module}.*\"]`"
            ),
        }
    }

    fn host(&self) -> String {
        match self.policy.host {
            Host::Wasip1 => "WASI preview 1".to_owned(),
            Host::InternetComputer => "the Internet Computer".to_owned(),
            Host::Other => format!("the host of policy `{}`", self.policy.name),
        }
    }

    /// Reports `allow` patterns that match no import, because such a pattern could hide an
    /// undefined symbol later.
    fn unused_entries(&mut self) {
        let names: Vec<String> =
            self.module.imports.iter().map(|it| format!("{}.{}", it.module, it.name)).collect();
        for allowed in self.policy.allow.iter().filter(|allowed| allowed.own) {
            if !names.iter().any(|name| allowed.glob.0.matches(name)) {
                let text = "no import matches this `allow` pattern";
                let pattern = allowed.glob.0.as_str();
                self.findings.push(
                    Finding::new(Code::AllowUnused, pattern, text)
                        .cure("remove it from the policy"),
                );
            }
        }
    }

    /// Validates the module. Only the proposals that the host supports are enabled, so the
    /// validator rejects all others.
    fn features(&mut self) {
        let Some(features) = self.policy.features else { return };
        let mut validator = wasmparser::Validator::new_with_features(features);
        if let Err(error) = validator.validate_all(self.module.bytes) {
            let text = format!("{} (at byte {:#x})", error.message(), error.offset());
            let cure =
                format!("{} does not support this proposal: compile without it", self.host());
            self.findings.push(Finding::new(Code::Feature, "the module", text).cure(cure));
        }
    }

    fn segments(&mut self) {
        if self.policy.features.is_none() {
            return;
        }
        for segment in &self.module.computed_segments {
            let text = "the offset is computed, but the host accepts only constant offsets";
            let cure = "link without `-shared` and `-pie`";
            self.findings.push(
                Finding::new(Code::SegmentPlace, format!("data segment {segment}"), text)
                    .cure(cure),
            );
        }
    }

    /// Reports calls whose type differs from that of the called function. wasm-ld redirects such a
    /// call to a function that traps and whose name starts with `signature_mismatch:`.
    fn mismatches(&mut self) {
        for name in self.names {
            if let Some(symbol) = name.strip_prefix("signature_mismatch:") {
                let text = "a call does not match the function's type, so the linker replaced the call with a trap";
                self.findings.push(Finding::new(Code::TypeConflict, symbol, text).cure(
                    "declare it with the type of its definition; link with `--fatal-warnings` to reject such calls",
                ));
            }
        }
    }

    /// Adds origins to the findings about imported functions, and checks the start function.
    /// Decodes code only if there is such a finding or the policy restricts the start function.
    fn origins(&mut self) -> anyhow::Result<()> {
        let wrapped = self.wrapped_exports();
        let starts = self.module.start.filter(|_| self.policy.restricts_start());
        if self.functions.is_empty()
            && self.foreign.is_empty()
            && starts.is_none()
            && wrapped.is_none()
        {
            return Ok(());
        }
        self.findings.extend(wrapped);
        if self.more > 0 {
            let text = match self.more {
                1 => format!("1 more import is not provided by {}", self.host()),
                more => format!("{more} more imports are not provided by {}", self.host()),
            };
            self.findings.push(Finding::new(Code::ImportUnknown, "imports", text));
        }
        let callers = Callers::read(self.module, self.names)?;
        for (mut finding, function, symbol) in std::mem::take(&mut self.functions) {
            finding.needed_by = callers.origin(function).into_iter().collect();
            if finding.code == Code::UndefinedFunction {
                known::explain(&mut finding, &symbol);
            }
            self.findings.push(finding);
        }
        for (abi, foreign) in std::mem::take(&mut self.foreign) {
            let mut finding = abi.finding(&foreign.imports);
            finding.needed_by =
                foreign.functions.iter().filter_map(|function| callers.origin(*function)).collect();
            self.findings.push(finding);
        }
        if let Some(start) = starts {
            self.start(start, &callers);
        }
        Ok(())
    }

    /// Reports host functions that the start function calls, directly or indirectly, although the
    /// host forbids this.
    fn start(&mut self, start: u32, callers: &Callers<'_>) {
        let mut imports = BTreeMap::new();
        for import in &self.module.imports {
            if let Extern::Function(function) = import.kind {
                let host = self.policy.function(import.module, import.name);
                if host.is_some_and(|host| !host.start) {
                    imports.insert(function, format!("{}.{}", import.module, import.name));
                }
            }
        }
        let functions: Vec<u32> = imports.keys().copied().collect();
        for function in callers.reached_from(start, &functions) {
            let text =
                "the start function calls it, directly or indirectly, which the host forbids";
            let mut finding = Finding::new(Code::StartCalls, &imports[&function], text).cure(
                "export `_initialize` and call it first in canister_init and canister_post_upgrade",
            );
            finding.needed_by = callers.origin(function).into_iter().collect();
            self.findings.push(finding);
        }
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_that_extends_ic_keeps_its_texts() {
        let policy = Policy::parse("schema = 1\nname = \"mine\"\nextends = \"ic\"", true).unwrap();
        let bytes = wat::parse_str(
            r#"(module
                (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))))"#,
        );
        let bytes = bytes.unwrap();
        let found = module(&Module::read(&bytes).unwrap(), Given::default(), &policy).unwrap();
        assert_eq!(found[0].message, "the Internet Computer does not provide it");
        assert!(found[0].cures[0].contains("ic-wasi-polyfill"), "{:?}", found[0].cures);
    }

    #[test]
    fn policy_that_extends_wasip1_has_a_host_of_its_own() {
        let policy = Policy::parse("schema = 1\nname = \"mine\"\nextends = \"wasip1\"", true);
        assert_eq!(policy.unwrap().host, Host::Other);
        assert_eq!(Policy::load("wasip1", "".into()).unwrap().host, Host::Wasip1);
    }
}
