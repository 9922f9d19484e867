//! Why a function is in a module: the way from what is seen from outside down to it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use pywasm_wasm::{Calls, Extern, Module};

/// What is needed to tell origins, read once a module.
#[derive(Debug)]
pub(super) struct Origins<'a> {
    calls: Calls,
    names: &'a [&'a str],
    exports: HashMap<u32, &'a str>,
    in_tables: HashSet<u32>,
    /// Of each function that something leads to, who calls it on the shortest way; of where ways
    /// begin, itself.
    callers: HashMap<u32, u32>,
}

/// Who needs a function that nobody calls by name.
pub(super) const TABLE: &str = "a table";

/// Longer ways are told by their two ends.
const MOST_STEPS: usize = 8;

impl<'a> Origins<'a> {
    /// Reads the code of a module, and goes once through all that is reached from outside:
    /// from exports, the start function and the initialization of modules of Python; then from
    /// functions that tables hold; then from whatever nobody calls.
    ///
    /// # Errors
    /// When it is broken.
    pub(super) fn read(module: &'a Module<'_>, names: &'a [&'a str]) -> anyhow::Result<Self> {
        let exports = module.exports.iter().filter_map(|export| match export.kind {
            Extern::Function(function) => Some((function, export.name)),
            _ => None,
        });
        let mut origins = Self {
            calls: Calls::read(module)?,
            exports: exports.collect(),
            in_tables: module.in_tables.iter().copied().collect(),
            callers: HashMap::new(),
            names,
        };
        let count = u32::try_from(module.functions.len())?;
        let is_init = |function: &u32| origins.name(*function).starts_with("PyInit_");
        let mut outside: Vec<u32> = origins.exports.keys().copied().collect();
        outside.extend(module.start);
        outside.extend((0..count).filter(is_init));
        outside.sort_unstable();
        let mut tables: Vec<u32> = origins.in_tables.iter().copied().collect();
        tables.sort_unstable();
        for roots in [outside, tables, (module.imported_functions..count).collect()] {
            origins.go(roots);
        }
        Ok(origins)
    }

    fn go(&mut self, roots: Vec<u32>) {
        let mut queue = VecDeque::new();
        for root in roots {
            if let Entry::Vacant(entry) = self.callers.entry(root) {
                entry.insert(root);
                queue.push_back(root);
            }
        }
        while let Some(at) = queue.pop_front() {
            for called in self.calls.of(at) {
                if let Entry::Vacant(entry) = self.callers.entry(called) {
                    entry.insert(at);
                    queue.push_back(called);
                }
            }
        }
    }

    /// The shortest way to a function, itself left out. Nothing where nobody needs it.
    #[must_use]
    pub(super) fn of(&self, function: u32) -> Vec<String> {
        let mut way = Vec::new();
        let mut at = function;
        while let Some(&caller) = self.callers.get(&at) {
            if caller == at {
                break;
            }
            way.push(caller);
            at = caller;
        }
        way.reverse();
        match (way.first(), self.exports.get(&function)) {
            (Some(_), _) => vec![self.way(&way)],
            (None, Some(export)) => vec![format!("export {export}")],
            (None, None) if self.in_tables.contains(&function) => vec![TABLE.to_owned()],
            (None, None) => Vec::new(),
        }
    }

    /// Which of these functions are reached from one by calls, itself included.
    #[must_use]
    pub(super) fn reached_from(&self, function: u32, wanted: &[u32]) -> Vec<u32> {
        let mut seen: HashSet<u32> = [function].into();
        let mut stack = vec![function];
        while let Some(at) = stack.pop() {
            stack.extend(self.calls.called_by(at).filter(|called| seen.insert(*called)));
        }
        wanted.iter().copied().filter(|function| seen.contains(function)).collect()
    }

    fn name(&self, function: u32) -> &'a str {
        self.names.get(function as usize).copied().unwrap_or("")
    }

    /// How a function is called in messages.
    fn told(&self, function: u32) -> String {
        match self.name(function) {
            "" => format!("function {function}"),
            name => format!("{:#}", rustc_demangle::demangle(name)),
        }
    }

    fn way(&self, way: &[u32]) -> String {
        let first = |function: u32| {
            let Some(export) = self.exports.get(&function) else { return self.told(function) };
            let name = self.name(function);
            let same = name.is_empty() || name.trim_end_matches(".command_export") == *export;
            if same { (*export).to_owned() } else { format!("{export} ({})", self.told(function)) }
        };
        let told = |(at, function): (usize, &u32)| {
            if at == 0 { first(*function) } else { self.told(*function) }
        };
        let left_out = way.len().saturating_sub(MOST_STEPS);
        let mut steps: Vec<String> = way
            .iter()
            .enumerate()
            .filter(|(at, _)| {
                left_out == 0 || *at < MOST_STEPS / 2 || *at >= way.len() - MOST_STEPS / 2
            })
            .map(told)
            .collect();
        if left_out > 0 {
            steps.insert(MOST_STEPS / 2, format!("… {left_out} more"));
        }
        steps.join(" > ")
    }
}
