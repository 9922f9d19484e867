//! From what is undefined to stubs: who gets which, and who gets none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::archive::{Member, archive};
use crate::behaviour::{Behaviour, Rules};
use crate::families::{returns_a_structure, shim};
use crate::link::{Closure, Link, Undefined};
use crate::object::Kind;
use crate::signature::Signature;
use crate::stub::{Stub, Voice, say_object};

/// The stubs for a link set, and what no stub is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stubs {
    /// Sorted by name.
    pub stubs: Vec<Stub>,
    /// What no rule speaks of, sorted: it stays undefined.
    pub left: Vec<String>,
    /// Patterns that match nothing that is undefined, sorted.
    pub unused: Vec<String>,
}

/// Why a symbol can't have the stub that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The symbol.
    pub name: String,
    /// The reason.
    pub reason: Reason,
}

/// The reason of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Callers mean functions of different types: whichever the stub had, calls by another trap.
    Types(Vec<(Kind, Vec<String>)>),
    /// The link set has it: a stub before that would take its place, and one after it is never
    /// used.
    Defined(String),
    /// It returns a structure, through a pointer that a stub would leave as it is.
    Structure(Signature),
    /// It returns nothing, or a structure, which look the same in wasm.
    NoResult(Signature, Behaviour),
    /// A type that no value of C has.
    Type(Signature),
    /// A variable that every thread has for itself, a global or a tag: a stub can't be one.
    Kind(Kind, bool),
    /// There is no shim for it.
    NoShim,
    /// `import-error` for what is no `PyInit_NAME`.
    NotAModule(Signature),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.reason {
            Reason::Types(types) => {
                write!(f, "`{name}` is meant in {} ways:", types.len())?;
                for (kind, by) in types {
                    let by = by.first().map_or("", String::as_str);
                    write!(f, " {kind} by {by};")?;
                }
                f.write_str(" a stub of one type traps for the others")
            }
            Reason::Defined(by) => write!(f, "`{name}` is defined by {by}: a stub would hide it"),
            Reason::Structure(signature) => write!(
                f,
                "`{name}` {signature} returns a structure through its first parameter, which a stub \
                 would leave as it is: only `trap` is right"
            ),
            Reason::NoResult(signature, behaviour) => write!(
                f,
                "`{name}` {signature} has no result to give `{behaviour}` by; it may be one that \
                 returns a structure (sret): only `trap` is right"
            ),
            Reason::Type(signature) => {
                write!(f, "`{name}` {signature} has a type that a stub can't have")
            }
            Reason::Kind(_, true) => {
                write!(f, "`{name}` is a variable of each thread's own: a stub can't be one")
            }
            Reason::Kind(kind, false) => write!(f, "`{name}` is a {kind}: a stub can't be one"),
            Reason::NoShim => write!(f, "there is no shim for `{name}`"),
            Reason::NotAModule(signature) => write!(
                f,
                "`{name}` {signature} is not a `PyInit_NAME` of type () -> i32: `import-error` is \
                 for these"
            ),
        }
    }
}

/// Decides the stubs. What no rule speaks of has `default`, or is left; `PyInit_NAME` has
/// `import-error` before `trap`.
///
/// # Errors
/// All that is refused, sorted; never a part of the stubs.
pub fn stubs(
    link: &Link,
    closure: &Closure,
    rules: &Rules,
    default: Option<Behaviour>,
) -> Result<Stubs, Vec<Refusal>> {
    let mut of_name: BTreeMap<&str, Vec<&Undefined>> = BTreeMap::new();
    for undefined in &closure.undefined {
        of_name.entry(&undefined.name).or_default().push(undefined);
    }
    let (mut found, mut refused) = (Stubs::default(), Vec::new());
    let mut used = BTreeSet::new();
    for (name, wanted) in of_name {
        used.extend(rules.matching(name));
        let behaviour = match rules.of(name) {
            Some((_, behaviour)) => Some(behaviour),
            None => default.map(|default| of_modules(name, default)),
        };
        let (Some(behaviour), [first, ..]) = (behaviour, &wanted[..]) else {
            found.left.push(name.to_owned());
            continue;
        };
        if wanted.len() > 1 {
            let types = wanted.iter().map(|it| (it.kind.clone(), it.needed_by.clone())).collect();
            refused.push(Refusal { name: name.to_owned(), reason: Reason::Types(types) });
        } else if let Some(reason) = reason_against(first, behaviour) {
            refused.push(Refusal { name: name.to_owned(), reason });
        } else {
            let (name, kind, size) = (name.to_owned(), first.kind.clone(), first.used);
            found.stubs.push(Stub { name, kind, behaviour, size });
        }
    }
    for pattern in rules.patterns().filter(|pattern| !used.contains(pattern)) {
        match link.definition(pattern) {
            Some(by) => {
                let reason = Reason::Defined(by.to_owned());
                refused.push(Refusal { name: pattern.to_owned(), reason });
            }
            None => found.unused.push(pattern.to_owned()),
        }
    }
    refused.sort();
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// A module that is not there is an ImportError, not the end.
fn of_modules(name: &str, default: Behaviour) -> Behaviour {
    match default {
        Behaviour::Trap if name.starts_with("PyInit_") => Behaviour::ImportError,
        other => other,
    }
}

fn reason_against(undefined: &Undefined, behaviour: Behaviour) -> Option<Reason> {
    let (name, kind) = (undefined.name.as_str(), &undefined.kind);
    if undefined.tls || matches!(kind, Kind::Global | Kind::Tag) {
        return Some(Reason::Kind(kind.clone(), undefined.tls));
    }
    if behaviour == Behaviour::Shim {
        return shim(name).is_none().then_some(Reason::NoShim);
    }
    let Kind::Function(signature) = kind else { return None };
    if signature.types().is_none() {
        return Some(Reason::Type(signature.clone()));
    }
    match behaviour {
        Behaviour::Trap | Behaviour::Shim => None,
        Behaviour::ImportError => {
            let is_init = signature.params.is_empty() && signature.results == ["i32"];
            let is_module = name.starts_with("PyInit_") && is_init;
            (!is_module).then(|| Reason::NotAModule(signature.clone()))
        }
        _ if returns_a_structure(name) => Some(Reason::Structure(signature.clone())),
        // Without parameters it can't return a structure: there is no pointer to it.
        _ if signature.results.is_empty() && !signature.params.is_empty() => {
            Some(Reason::NoResult(signature.clone(), behaviour))
        }
        _ => None,
    }
}

impl Stubs {
    /// The shims that are asked for, by name, with their sources: to be compiled, and handed to
    /// [`Stubs::archive`].
    #[must_use]
    pub fn shims(&self) -> BTreeMap<&'static str, &'static str> {
        let shims = self.stubs.iter().filter(|stub| stub.behaviour == Behaviour::Shim);
        shims.filter_map(|stub| shim(&stub.name)).collect()
    }

    /// The archive: a member a stub, so that a link takes those it needs, and the compiled shims. To
    /// be linked last: before an archive that has the real one, a stub would win.
    #[must_use]
    pub fn archive(&self, voice: Voice, shims: Vec<Member>) -> Vec<u8> {
        let object = |stub: &Stub| {
            let bytes = stub.object()?;
            Some(Member { name: format!("{}.o", stub.name), bytes })
        };
        let mut members: Vec<Member> = self.stubs.iter().filter_map(object).collect();
        let says = |stub: &Stub| {
            stub.behaviour == Behaviour::Trap && matches!(stub.kind, Kind::Function(_))
        };
        if self.stubs.iter().any(says) {
            let name = "pywasm-stub-says.o".to_owned();
            members.push(Member { name, bytes: say_object(voice) });
        }
        members.extend(shims);
        archive(&members)
    }
}

#[cfg(test)]
mod tests;
