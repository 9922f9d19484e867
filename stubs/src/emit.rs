//! Chooses a stub for each undefined symbol of a link set, and writes the stub archive.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::{Member, archive};
use crate::behaviour::{Behaviour, Rules};
use crate::families::shim;
use crate::link::{Closure, Link, Undefined};
use crate::object::SymbolKind;
use crate::refusal::{Reason, Refusal, Stage, refuse};
use crate::stub::{Stub, TrapReporter, reporter_object};

/// The stubs for a link set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stubs {
    /// The stubs, sorted by name.
    pub stubs: Vec<Stub>,
    /// Symbols that no rule matches and that stay undefined, sorted.
    pub unmatched: Vec<String>,
    /// Patterns that match no undefined symbol, sorted.
    pub unused_patterns: Vec<String>,
}

/// Chooses the stubs. A symbol that no rule matches gets `default` or, without a default, stays
/// undefined. If the default is `trap`, `PyInit_NAME` functions get `import-error` instead.
///
/// # Errors
/// When any stub is refused. The error contains all refusals, sorted.
pub fn stubs(
    link: &Link,
    closure: &Closure,
    rules: &Rules,
    default: Option<Behaviour>,
) -> Result<Stubs, Vec<Refusal>> {
    let mut by_name: BTreeMap<&str, Vec<&Undefined>> = BTreeMap::new();
    for undefined in &closure.undefined {
        by_name.entry(&undefined.name).or_default().push(undefined);
    }
    let (mut chosen, mut refusals) = (Stubs::default(), Vec::new());
    let mut used = BTreeSet::new();
    for (name, uses) in by_name {
        used.extend(rules.matching(name));
        let behaviour = match rules.get(name) {
            Some((_, behaviour)) => Some(behaviour),
            None => default.map(|default| default_for(name, default)),
        };
        let (Some(behaviour), [first, ..]) = (behaviour, &uses[..]) else {
            chosen.unmatched.push(name.to_owned());
            continue;
        };
        let reason = if uses.len() > 1 {
            let types = uses.iter().map(|it| (it.kind.clone(), it.needed_by.clone()));
            Some(Reason::Types(types.collect()))
        } else if first.thread_local {
            Some(Reason::ThreadLocal)
        } else {
            refuse(name, &first.kind, behaviour, Stage::Object)
        };
        if let Some(reason) = reason {
            refusals.push(Refusal::new(name, reason));
        } else {
            let (name, kind, size) = (name.to_owned(), first.kind.clone(), first.used_bytes);
            chosen.stubs.push(Stub { name, kind, behaviour, size });
        }
    }
    for pattern in rules.patterns().filter(|pattern| !used.contains(pattern)) {
        match link.definition(pattern) {
            Some(object) => {
                refusals.push(Refusal::new(pattern, Reason::Defined(object.to_owned())));
            }
            None => chosen.unused_patterns.push(pattern.to_owned()),
        }
    }
    refusals.sort();
    if refusals.is_empty() { Ok(chosen) } else { Err(refusals) }
}

/// Replaces the default `trap` with `import-error` for `PyInit_NAME` functions, because Python code
/// can handle an ImportError.
fn default_for(name: &str, default: Behaviour) -> Behaviour {
    match default {
        Behaviour::Trap if name.starts_with("PyInit_") => Behaviour::ImportError,
        other => other,
    }
}

impl Stubs {
    /// Returns the C sources of the requested shims, keyed by shim name. The caller compiles them
    /// and passes the objects to [`Stubs::archive`].
    #[must_use]
    pub fn shims(&self) -> BTreeMap<&'static str, &'static str> {
        let shims = self.stubs.iter().filter(|stub| stub.behaviour == Behaviour::Shim);
        shims.filter_map(|stub| shim(&stub.name)).collect()
    }

    /// Writes the archive, which contains the stubs and the compiled shims. Each stub is a separate
    /// member, so that a link takes only the stubs that it needs. The archive must be linked last,
    /// because a stub takes precedence over a definition in a later archive.
    #[must_use]
    pub fn archive(&self, reporter: TrapReporter, shims: Vec<Member>) -> Vec<u8> {
        let member = |stub: &Stub| {
            let bytes = stub.object()?;
            Some(Member { name: format!("{}.o", stub.name), bytes })
        };
        let mut members: Vec<Member> = self.stubs.iter().filter_map(member).collect();
        let traps = |stub: &Stub| {
            stub.behaviour == Behaviour::Trap && matches!(stub.kind, SymbolKind::Function(_))
        };
        if self.stubs.iter().any(traps) {
            let name = "pywasm-trap-reporter.o".to_owned();
            members.push(Member { name, bytes: reporter_object(reporter) });
        }
        members.extend(shims);
        archive(&members)
    }
}

#[cfg(test)]
mod tests;
