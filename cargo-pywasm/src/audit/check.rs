//! A finished module against a policy.

use std::collections::BTreeMap;

use super::code::Largest;
use super::finding::{Code, Finding};
use super::known;
use super::module::{Export, Extern, Import, Module};
use super::origin::Origins;
use super::policy::{HostFunction, Limited, Policy, is_kind};

/// The module that the linker names for what it did not find.
const LINKER: &str = "env";

/// What a module is audited as.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    /// Its size as it came, where it came compressed.
    pub compressed: Option<usize>,
}

/// Audits a module. The findings are sorted, the worst first.
///
/// # Errors
/// When code or names have to be looked at, and are broken.
pub fn module(module: &Module<'_>, given: Given, policy: &Policy) -> anyhow::Result<Vec<Finding>> {
    let mut check = Check { module, policy, findings: Vec::new(), functions: Vec::new() };
    check.imports();
    check.unused_entries();
    check.exports();
    check.limits(given)?;
    check.features();
    check.segments();
    check.origins()?;
    check.findings.sort();
    Ok(check.findings)
}

struct Check<'m, 'a> {
    module: &'m Module<'a>,
    policy: &'m Policy,
    findings: Vec<Finding>,
    /// Findings that are about a function, with the symbol's name: they are told their origin.
    functions: Vec<(Finding, u32, String)>,
}

impl Check<'_, '_> {
    fn imports(&mut self) {
        for Import { module, name, kind } in &self.module.imports {
            let subject = format!("{module}.{name}");
            match kind {
                Extern::Function(function) => self.function(module, name, subject, *function),
                Extern::Memory if has(&self.policy.memory_from, module) => {}
                Extern::Table if has(&self.policy.table_from, module) => {}
                _ if self.is_allowed(&subject) => {}
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
        let known = self.policy.functions.get(module).and_then(|known| known.get(name));
        let found = |code, text: String| {
            let mut finding = Finding::new(code, subject.clone(), text).of_type(signature.clone());
            finding.family = Some(module.to_owned());
            finding
        };
        let finding = if self.policy.deny.iter().any(|glob| glob.0.matches(&subject)) {
            found(Code::ImportDenied, format!("policy `{}` denies it", self.policy.name))
        } else if let Some(HostFunction { signature: host, .. }) = known {
            if *host == signature {
                return;
            }
            found(Code::ImportType, format!("{} has it as {host}: no host links this", self.host()))
                .cure("declare it with the host's type; C code gets it from the SDK's headers")
        } else if self.is_allowed(&subject) {
            return;
        } else if module == LINKER {
            found(Code::UndefinedFunction, "nothing that was linked has it".to_owned())
        } else {
            found(Code::ImportUnknown, format!("{} does not have it", self.host()))
                .cure(self.cure_of_unknown(module))
        };
        self.functions.push((finding, function, name.to_owned()));
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

    fn is_allowed(&self, subject: &str) -> bool {
        self.policy.allow.iter().any(|allowed| allowed.glob.0.matches(subject))
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

    fn exports(&mut self) {
        let rules = &self.policy.exports;
        for (name, wanted) in &rules.required {
            let Some(export) = self.module.exports.iter().find(|export| export.name == name) else {
                let text = format!("the host asks for it, as {wanted}");
                self.findings.push(Finding::new(Code::ExportMissing, name, text));
                continue;
            };
            let is = self.type_of(export);
            let fits = if is_kind(wanted) { export.kind.word() == wanted } else { is == *wanted };
            if !fits {
                let text = format!("the host asks for it as {wanted}");
                self.findings.push(Finding::new(Code::ExportType, name, text).of_type(is));
            }
        }
        let mut methods: BTreeMap<&str, &str> = BTreeMap::new();
        for export in &self.module.exports {
            self.export(export, &mut methods);
        }
        self.limit(Limited::Methods, methods.len() as u64, "");
        let bytes: usize = methods.keys().map(|name| name.len()).sum();
        self.limit(Limited::MethodNamesSize, bytes as u64, "");
    }

    fn export<'e>(&mut self, export: &Export<'e>, methods: &mut BTreeMap<&'e str, &'e str>) {
        let rules = &self.policy.exports;
        let name = export.name;
        if has(&rules.reserved, name) {
            let text = format!("{} keeps this name for itself", self.host());
            self.findings.push(Finding::new(Code::ExportUnknown, name, text));
            return;
        }
        let method = rules.methods.iter().find_map(|kind| name.strip_prefix(kind.as_str()));
        if let Some(method) = method
            && let Some(other) = methods.insert(method, name)
        {
            let text = format!("`{other}` has the same method name");
            self.findings.push(Finding::new(Code::ExportDuplicate, name, text));
        }
        let is_interface = rules.prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix));
        if !is_interface {
            return;
        }
        if method.is_none() && !has(&rules.exact, name) {
            let known: Vec<&str> =
                rules.exact.iter().chain(&rules.methods).map(|it| it.trim_end()).collect();
            let text = format!("{} rejects a module that exports it", self.host());
            let cure = format!("known are {}", known.join(", "));
            self.findings.push(Finding::new(Code::ExportUnknown, name, text).cure(cure));
        } else if let Some(wanted) = &rules.signature {
            let is = self.type_of(export);
            if is != wanted.0.to_string() {
                let text = format!("the host asks for it as {}", wanted.0);
                self.findings.push(Finding::new(Code::ExportType, name, text).of_type(is));
            }
        }
    }

    fn type_of(&self, export: &Export<'_>) -> String {
        match export.kind {
            Extern::Function(function) => {
                self.module.signature(function).unwrap_or_default().to_string()
            }
            ref kind => kind.word().to_owned(),
        }
    }

    fn limits(&mut self, given: Given) -> anyhow::Result<()> {
        let module = self.module;
        let sizes = module.sizes;
        let counted = |name: &str| {
            let prefixes = &self.policy.custom_sections;
            prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
        };
        let custom: Vec<usize> = module
            .custom()
            .filter(|(name, _)| counted(name))
            .map(|(name, size)| name.len() + size)
            .collect();
        for (limited, value) in [
            (Limited::Size, module.bytes.len()),
            (Limited::GzipSize, given.compressed.unwrap_or(0)),
            (Limited::CodeSize, sizes.code),
            (Limited::DataSize, sizes.data),
            (Limited::Functions, module.bodies.len()),
            (Limited::Imports, module.imports.len()),
            (Limited::Globals, sizes.globals),
            (Limited::Tables, sizes.tables),
            (Limited::Memories, sizes.memories),
            (Limited::CustomSections, custom.len()),
            (Limited::CustomSectionsSize, custom.iter().sum()),
        ] {
            self.limit(limited, value as u64, "");
        }
        self.limit(Limited::MemoryPages, sizes.pages, "");
        let of_code = [Limited::FunctionInstructions, Limited::FunctionComplexity];
        if of_code.iter().any(|limited| self.policy.limits.contains_key(limited)) {
            let largest = Largest::read(module)?;
            let names = module.names()?;
            for (limited, (function, value)) in
                of_code.into_iter().zip([largest.instructions, largest.complexity])
            {
                let name = match names.get(function as usize) {
                    Some(&"") | None => format!(" in function {function}"),
                    Some(name) => format!(" in {:#}", rustc_demangle::demangle(name)),
                };
                self.limit(limited, value, &name);
            }
        }
        Ok(())
    }

    fn limit(&mut self, limited: Limited, value: u64, which: &str) {
        let Some(limit) = self.policy.limits.get(&limited) else { return };
        if value <= limit.value {
            return;
        }
        let source = limit.source.as_ref().map(|source| format!(" [{source}]")).unwrap_or_default();
        let (unit, host) = (limited.unit(), self.host());
        let text = format!("{value} {unit}{which}; {host} takes {}{source}", limit.value);
        let mut finding = Finding::new(Code::Limit, limited.to_string(), text);
        if matches!(limited, Limited::Size | Limited::CodeSize | Limited::Functions) {
            finding = finding
                .cure("build for size: `opt-level = \"z\"`, `lto = true`, `wasm-opt -Oz`, a recipe with fewer modules");
        }
        self.findings.push(finding);
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
        for segment in &self.module.odd_segments {
            let text = "its place is computed; the host takes a constant only";
            let cure = "link without `-shared` and `-pie`";
            self.findings.push(
                Finding::new(Code::SegmentPlace, format!("data segment {segment}"), text)
                    .cure(cure),
            );
        }
    }

    /// What needs names or code is read only where something is found.
    fn origins(&mut self) -> anyhow::Result<()> {
        let wrapped = self.wrapped_exports();
        let starts = self.module.start.filter(|_| self.policy.restricts_start());
        if self.functions.is_empty() && starts.is_none() && wrapped.is_none() {
            return Ok(());
        }
        self.findings.extend(wrapped);
        let origins = Origins::read(self.module)?;
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
                let known = self.policy.functions.get(import.module);
                let host = known.and_then(|known| known.get(import.name));
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

    /// wasm-ld wraps each export of a module that is linked as a command in `NAME.command_export`.
    fn wrapped_exports(&self) -> Option<Finding> {
        let exported: Vec<(&str, u32)> = self
            .module
            .exports
            .iter()
            .filter_map(|export| match export.kind {
                Extern::Function(function) if export.name != "_start" => {
                    Some((export.name, function))
                }
                _ => None,
            })
            .collect();
        if exported.is_empty() {
            return None;
        }
        let names = self.module.names().ok()?;
        let mut wrapped = exported.iter().filter(|(_, function)| {
            names.get(*function as usize).is_some_and(|name| name.ends_with(".command_export"))
        });
        let (first, _) = wrapped.next()?;
        let more = wrapped.count();
        let others =
            if more == 0 { String::new() } else { format!(", and of {more} more exports") };
        let text = format!("constructors and atexit functions run around each call of it{others}");
        Some(Finding::new(Code::ExportCommand, *first, text).cure(
            "link a reactor: crt1-reactor.o and `--export=_initialize`, as `pywasm_build::link()` does for a cdylib",
        ))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}
