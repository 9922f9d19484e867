//! Why a function is in a module: the way from what is seen from outside down to it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::code::Calls;
use super::module::{Extern, Module};

/// What is needed to tell origins, read once a module.
#[derive(Debug)]
pub(super) struct Origins<'a> {
    calls: Calls,
    names: Vec<&'a str>,
    exports: HashMap<u32, &'a str>,
    in_tables: HashSet<u32>,
    start: Option<u32>,
}

/// Who needs a function that nobody calls by name.
pub(super) const TABLE: &str = "a table";

/// Longer ways are told by their two ends.
const MOST_STEPS: usize = 8;

impl<'a> Origins<'a> {
    /// Reads names and code of a module.
    ///
    /// # Errors
    /// When either is broken.
    pub(super) fn read(module: &Module<'a>) -> anyhow::Result<Self> {
        let exports = module.exports.iter().filter_map(|export| match export.kind {
            Extern::Function(function) => Some((function, export.name)),
            _ => None,
        });
        Ok(Self {
            calls: Calls::read(module)?,
            names: module.names()?,
            exports: exports.collect(),
            in_tables: module.in_tables.iter().copied().collect(),
            start: module.start,
        })
    }

    /// The shortest way to a function: from an export, from the initialization of a module of
    /// Python, or from a function that is called through a table; the function itself left out.
    /// Nothing where nobody calls it.
    #[must_use]
    pub(super) fn of(&self, function: u32) -> Vec<String> {
        let mut next: HashMap<u32, u32> = HashMap::new();
        let mut queue: VecDeque<u32> = [function].into();
        let mut table = None;
        let mut last = None;
        while let Some(at) = queue.pop_front() {
            if at != function {
                if self.exports.contains_key(&at) || self.start == Some(at) || self.is_init(at) {
                    return vec![self.way(at, &next)];
                }
                if table.is_none() && self.in_tables.contains(&at) {
                    table = Some(at);
                }
                last = Some(at);
            }
            for caller in self.calls.callers(at) {
                if caller != function && !next.contains_key(&caller) {
                    next.insert(caller, at);
                    queue.push_back(caller);
                }
            }
        }
        let from = table.or(last);
        let held = self.in_tables.contains(&function).then(|| TABLE.to_owned());
        from.map(|from| self.way(from, &next)).or(held).into_iter().collect()
    }

    /// Functions that are reached from one by direct calls, itself included.
    #[must_use]
    pub(super) fn reached_from(&self, function: u32, all: &[u32]) -> Vec<u32> {
        // Callers are known, not callees: go up from each and see whether the way leads there.
        let leads = |wanted: &&u32| {
            let mut seen: HashSet<u32> = [**wanted].into();
            let mut stack = vec![**wanted];
            while let Some(at) = stack.pop() {
                if at == function {
                    return true;
                }
                stack.extend(self.calls.callers(at).filter(|caller| seen.insert(*caller)));
            }
            false
        };
        all.iter().filter(leads).copied().collect()
    }

    fn is_init(&self, function: u32) -> bool {
        self.name(function).starts_with("PyInit_")
    }

    fn name(&self, function: u32) -> &'a str {
        self.names.get(function as usize).copied().unwrap_or("")
    }

    /// How a function is called in messages.
    #[must_use]
    pub(super) fn told(&self, function: u32) -> String {
        match self.name(function) {
            "" => format!("function {function}"),
            name => format!("{:#}", rustc_demangle::demangle(name)),
        }
    }

    fn way(&self, from: u32, next: &HashMap<u32, u32>) -> String {
        let mut steps = Vec::new();
        let mut at = from;
        if let Some(export) = self.exports.get(&from) {
            let name = self.name(from);
            let same = name.is_empty() || name.trim_end_matches(".command_export") == *export;
            let told = || format!("{export} ({})", self.told(from));
            steps.push(if same { (*export).to_owned() } else { told() });
        } else {
            steps.push(self.told(from));
        }
        while let Some(&to) = next.get(&at) {
            at = to;
            if next.contains_key(&at) {
                steps.push(self.told(at));
            }
        }
        if steps.len() > MOST_STEPS {
            let left_out = steps.len() - MOST_STEPS;
            steps.splice(
                MOST_STEPS / 2..steps.len() - MOST_STEPS / 2,
                [format!("… {left_out} more")],
            );
        }
        steps.join(" > ")
    }
}
