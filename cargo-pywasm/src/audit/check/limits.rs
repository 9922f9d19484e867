//! How large a module is.

use super::{Check, Given};
use crate::audit::code::Largest;
use crate::audit::finding::{Code, Finding};
use crate::audit::policy::Limited;

impl Check<'_, '_> {
    pub(super) fn limits(&mut self, given: Given) -> anyhow::Result<()> {
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

    pub(super) fn limit(&mut self, limited: Limited, value: u64, which: &str) {
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
}
