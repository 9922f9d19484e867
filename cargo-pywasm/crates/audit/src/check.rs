//! A finished module against a policy.

use std::collections::BTreeMap;

use pywasm_wasm::{Extern, Import, Module};

use super::finding::{Code, Finding};
use super::known;
use super::origin::Origins;
use super::policy::{HostFunction, Policy};

mod exports;
mod limits;

/// The module that the linker names for what it did not find.
const LINKER: &str = "env";

/// How many imports are told one by one. Nobody reads more, and a small file can have a million.
const MOST: usize = 10_000;

/// What a module is audited as.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// Its size as it came, where it came compressed.
    pub compressed: Option<usize>,
    /// The names of its functions, by index, where they are known from before they were stripped.
    pub names: Option<&'a [&'a str]>,
}

/// Audits a module. The findings are sorted, the worst first.
///
/// # Errors
/// When code or names have to be looked at, and are broken.
pub fn module(
    module: &Module<'_>,
    given: Given<'_>,
    policy: &Policy,
) -> anyhow::Result<Vec<Finding>> {
    let own = module.names()?;
    let names = given.names.unwrap_or(&own);
    let (findings, functions) = (Vec::new(), Vec::new());
    let mut check = Check { module, policy, names, findings, functions, more: 0 };
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
    /// The names of its functions, by index.
    names: &'m [&'a str],
    findings: Vec<Finding>,
    /// Findings that are about a function, with the symbol's name: they are told their origin.
    functions: Vec<(Finding, u32, String)>,
    /// How many of those there are beyond [`MOST`].
    more: usize,
}

impl Check<'_, '_> {
    fn imports(&mut self) {
        for Import { module, name, kind } in &self.module.imports {
            let subject = format!("{module}.{name}");
            match kind {
                Extern::Function(function) => self.function(module, name, subject, *function),
                _ if self.policy.denies(&subject) => {
                    let text = format!("policy `{}` denies it", self.policy.name);
                    let finding = Finding::new(Code::ImportDenied, subject, text);
                    self.findings.push(finding.of_type(kind.word()));
                }
                Extern::Memory if has(&self.policy.memory_from, module) => {}
                Extern::Table if has(&self.policy.table_from, module) => {}
                _ if self.policy.allows(&subject) => {}
                kind => {
                    let what = kind.word();
                    let text = format!("{} gives no {what} of that name", self.host());
                    let mut finding = Finding::new(Code::ImportKind, subject, text).of_type(what);
                    if *kind == Extern::Memory {
                        finding = finding.cure("link without `--import-memory`");
                    }
                    self.findings.push(finding);
                }
            }
        }
    }

    fn function(&mut self, module: &str, name: &str, subject: String, function: u32) {
        let signature = self.module.signature(function).unwrap_or_default();
        let known = self.policy.function(module, name);
        let found = |code, text: String| {
            let mut finding = Finding::new(code, subject.clone(), text).of_type(signature.clone());
            finding.family = Some(module.to_owned());
            finding
        };
        let finding = if self.policy.denies(&subject) {
            found(Code::ImportDenied, format!("policy `{}` denies it", self.policy.name))
        } else if let Some(HostFunction { signature: host, .. }) = known {
            if *host == signature {
                return;
            }
            found(Code::ImportType, format!("{} has it as {host}: no host links this", self.host()))
                .cure("declare it with the host's type; C code gets it from the SDK's headers")
        } else if self.policy.allows(&subject) {
            return;
        } else if module == LINKER {
            found(Code::UndefinedFunction, "nothing that was linked has it".to_owned())
        } else {
            found(Code::ImportUnknown, format!("{} does not have it", self.host()))
                .cure(self.cure_of_unknown(module))
        };
        if self.functions.len() < MOST {
            self.functions.push((finding, function, name.to_owned()));
        } else {
            self.more += 1;
        }
    }

    fn cure_of_unknown(&self, module: &str) -> String {
        match (module, self.policy.name.as_str()) {
            ("wasi_snapshot_preview1", "ic") => {
                "a canister has no WASI: answer it by a polyfill (ic-wasi-polyfill and wasi2ic)"
                    .to_owned()
            }
            ("wasi_unstable", _) => {
                "this is preview 0: build with a toolchain for wasm32-wasip1".to_owned()
            }
            _ => format!(
                "where your host has it, allow it: `allow = [\"{module}.*\"]` in a policy of your own"
            ),
        }
    }

    fn host(&self) -> String {
        match self.policy.name.as_str() {
            "wasip1" => "WASI preview 1".to_owned(),
            "ic" => "the Internet Computer".to_owned(),
            name => format!("the host of policy `{name}`"),
        }
    }

    /// An exception that excepts nothing hides the next mistake.
    fn unused_entries(&mut self) {
        let names: Vec<String> =
            self.module.imports.iter().map(|it| format!("{}.{}", it.module, it.name)).collect();
        for allowed in self.policy.allow.iter().filter(|allowed| allowed.own) {
            if !names.iter().any(|name| allowed.glob.0.matches(name)) {
                let text = "no import matches this entry of the policy";
                let entry = allowed.glob.0.as_str();
                self.findings.push(
                    Finding::new(Code::AllowUnused, entry, text).cure("take it out of the policy"),
                );
            }
        }
    }

    /// By validation: whatever a module uses, the validator knows which proposal it is of.
    fn features(&mut self) {
        let Some(features) = self.policy.features else { return };
        let mut validator = wasmparser::Validator::new_with_features(features);
        if let Err(error) = validator.validate_all(self.module.bytes) {
            let text = format!("{} (at byte {:#x})", error.message(), error.offset());
            let cure = format!("{} does not have this proposal: compile without it", self.host());
            self.findings.push(Finding::new(Code::Feature, "the module", text).cure(cure));
        }
    }

    fn segments(&mut self) {
        if self.policy.features.is_none() {
            return;
        }
        for segment in &self.module.computed_segments {
            let text = "its place is computed; the host takes a constant only";
            let cure = "link without `-shared` and `-pie`";
            self.findings.push(
                Finding::new(Code::SegmentPlace, format!("data segment {segment}"), text)
                    .cure(cure),
            );
        }
    }

    /// Where a call and a definition were of different types, wasm-ld has put a function that traps,
    /// and says so in its name.
    fn mismatches(&mut self) {
        for name in self.names {
            if let Some(symbol) = name.strip_prefix("signature_mismatch:") {
                let text =
                    "it was called by another type than it has: the linker made that call trap";
                self.findings.push(Finding::new(Code::TypeConflict, symbol, text).cure(
                    "declare it as it is defined; `--fatal-warnings` has the linker refuse it",
                ));
            }
        }
    }

    /// Code is read only where something is found.
    fn origins(&mut self) -> anyhow::Result<()> {
        let wrapped = self.wrapped_exports();
        let starts = self.module.start.filter(|_| self.policy.restricts_start());
        if self.functions.is_empty() && starts.is_none() && wrapped.is_none() {
            return Ok(());
        }
        self.findings.extend(wrapped);
        if self.more > 0 {
            let text = format!("{} more imports are none that {} has", self.more, self.host());
            self.findings.push(Finding::new(Code::ImportUnknown, "imports", text));
        }
        let origins = Origins::read(self.module, self.names)?;
        for (mut finding, function, symbol) in std::mem::take(&mut self.functions) {
            finding.needed_by = origins.of(function);
            if finding.code == Code::UndefinedFunction {
                known::explain(&mut finding, &symbol);
            }
            self.findings.push(finding);
        }
        if let Some(start) = starts {
            self.start(start, &origins);
        }
        Ok(())
    }

    fn start(&mut self, start: u32, origins: &Origins<'_>) {
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
        for function in origins.reached_from(start, &functions) {
            let text = "the start function reaches it, and may not call it";
            let mut finding = Finding::new(Code::StartCalls, &imports[&function], text)
                .cure("export `_initialize`, and call it first in canister_init and canister_post_upgrade");
            finding.needed_by = origins.of(function);
            self.findings.push(finding);
        }
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}
