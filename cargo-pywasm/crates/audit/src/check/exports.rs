//! Checks exports.

use std::collections::BTreeMap;

use pywasm_wasm::{Export, Extern};

use super::{Check, has};
use crate::finding::{Code, Finding};
use crate::policy::ExportType;

impl Check<'_, '_> {
    pub(super) fn exports(&mut self) {
        let rules = &self.policy.exports;
        for (name, wanted) in &rules.required {
            let Some(export) = self.module.exports.iter().find(|export| export.name == name) else {
                let text = format!("the host requires this export, with type {wanted}");
                self.findings.push(Finding::new(Code::ExportMissing, name, text));
                continue;
            };
            self.has_type(export, wanted);
        }
        let mut methods: BTreeMap<&str, &str> = BTreeMap::new();
        for export in &self.module.exports {
            self.export(export, &mut methods);
        }
    }

    fn export<'e>(&mut self, export: &Export<'e>, methods: &mut BTreeMap<&'e str, &'e str>) {
        let rules = &self.policy.exports;
        let name = export.name;
        if has(&rules.reserved, name) {
            let text = format!("{} reserves this name", self.host());
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
            let cure = format!("the known names are {}", known.join(", "));
            self.findings.push(Finding::new(Code::ExportUnknown, name, text).cure(cure));
        } else if let Some(wanted) = &rules.signature {
            self.has_type(export, &ExportType::Signature(wanted.0.clone()));
        }
    }

    /// Reports an export that does not have the required type.
    fn has_type(&mut self, export: &Export<'_>, wanted: &ExportType) {
        let signature = match export.kind {
            Extern::Function(function) => self.module.signature(function),
            _ => None,
        };
        if wanted.fits(&export.kind, signature.as_ref()) {
            return;
        }
        let is = signature.map_or_else(|| export.kind.word().to_owned(), |it| it.to_string());
        let text = format!("the host requires type {wanted}");
        self.findings.push(Finding::new(Code::ExportType, export.name, text).of_type(is));
    }

    /// Reports exports of a module that was linked as a command.
    pub(super) fn wrapped_exports(&self) -> Option<Finding> {
        let wrapped = self.module.command_exports(self.names);
        let first = wrapped.first()?.name;
        let others = match wrapped.len() - 1 {
            0 => String::new(),
            1 => " (and to 1 more export)".to_owned(),
            more => format!(" (and to {more} more exports)"),
        };
        let text = format!("constructors and atexit functions run on each call to it{others}");
        Some(Finding::new(Code::ExportCommand, first, text).cure(
            "link a reactor, with crt1-reactor.o and `--export=_initialize`, as `pywasm_build::link()` does for a cdylib",
        ))
    }
}
