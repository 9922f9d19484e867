//! Checks limits, custom section names and global types.

use std::collections::BTreeSet;

use pywasm_wasm::Largest;

use super::{Check, Given};
use crate::contributors;
use crate::figures;
use crate::finding::{Code, Finding};
use crate::policy::Limited;

impl Check<'_, '_> {
    pub(super) fn limits(&mut self, given: Given<'_>) -> anyhow::Result<()> {
        let module = self.module;
        for (limited, value) in figures::without_code(module, given, self.policy) {
            self.limit(limited, value, "")?;
        }
        let of_code = [Limited::FunctionInstructions, Limited::FunctionComplexity];
        let limits_code = of_code.iter().any(|limited| self.policy.limits.contains_key(limited));
        if limits_code || !self.policy.deny_instructions.is_empty() {
            let largest = Largest::read(module)?;
            let names = self.names;
            let location = |function: u32| match names.get(function as usize) {
                Some(&"") | None => format!(" in function {function}"),
                Some(name) => format!(" in {:#}", rustc_demangle::demangle(name)),
            };
            for (instruction, function) in &largest.table_changes {
                if self.policy.deny_instructions.iter().any(|it| it == instruction) {
                    let text =
                        format!("{} rejects this instruction{}", self.host(), location(*function));
                    self.findings.push(Finding::new(Code::Feature, *instruction, text));
                }
            }
            for (limited, (function, value)) in
                of_code.into_iter().zip([largest.instructions, largest.complexity])
            {
                self.limit(limited, value, &location(function))?;
            }
        }
        self.names_and_types();
        Ok(())
    }

    /// Reports custom section names and global types that the host rejects.
    fn names_and_types(&mut self) {
        let policy = self.policy;
        let mut seen = BTreeSet::new();
        let reserved = policy.custom_sections_reserved.as_deref();
        for (name, _) in self.module.custom() {
            let prefix = policy.custom_sections.iter().find(|it| name.starts_with(it.as_str()));
            let of_host = reserved.is_some_and(|reserved| name.starts_with(reserved));
            let text = match prefix.and_then(|prefix| name.strip_prefix(prefix.as_str())) {
                None if of_host => {
                    format!("{} does not accept a custom section with this name", self.host())
                }
                Some(own) if of_host && !seen.insert(own) => {
                    "another section has the same name, not counting the prefix".to_owned()
                }
                _ => continue,
            };
            self.findings.push(Finding::new(Code::SectionName, name, text));
        }
        for ty in &self.module.global_types {
            let ty = ty.to_string();
            if !policy.global_types.is_empty() && !policy.global_types.contains(&ty) {
                let text = format!("{} does not allow globals of this type", self.host());
                self.findings.push(Finding::new(Code::Feature, "a global", text).of_type(ty));
            }
        }
    }

    fn limit(&mut self, limited: Limited, value: u64, location: &str) -> anyhow::Result<()> {
        let Some(limit) = self.policy.limits.get(&limited) else { return Ok(()) };
        if value <= limit.value {
            return Ok(());
        }
        let source = limit.source.as_ref().map(|source| format!(" [{source}]")).unwrap_or_default();
        let (count, host) = (limited.count(value), self.host());
        let text = format!("{count}{location}; {host} accepts {}{source}", limit.value);
        let mut finding = Finding::new(Code::Limit, limited.to_string(), text);
        if matches!(limited, Limited::Size | Limited::CodeSize | Limited::Functions) {
            finding = finding
                .cure("build for size: `opt-level = \"z\"`, `lto = true`, `wasm-opt -Oz`, or a recipe with fewer Python modules");
        }
        finding.notes = contributors::largest(limited, self.module, self.names, |name| {
            self.policy.counts_section(name)
        })?;
        self.findings.push(finding);
        Ok(())
    }
}
