//! Explains why a function is in a module by finding the shortest chain of calls that leads to it
//! from outside the module.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};

use pywasm_wasm::{Calls as CallGraph, Extern, Module};

use crate::origin::{Caller, Calls, Origin};

/// The callers of all functions, found in a single search of the module.
#[derive(Debug)]
pub(crate) struct Callers<'a> {
    calls: CallGraph,
    names: &'a [&'a str],
    exports: HashMap<u32, &'a str>,
    in_tables: HashSet<u32>,
    /// For each reachable function, its caller in the shortest chain that leads to it. A root,
    /// which is the start of a chain, is recorded as its own caller.
    callers: HashMap<u32, u32>,
}

/// The maximum number of callers shown for a chain: half of them from each end.
const MAX_CALLERS: usize = 8;

impl<'a> Callers<'a> {
    /// Decodes the code of a module and searches it breadth first: from exports, the start function
    /// and the init functions of Python modules, then from functions in wasm tables, and finally
    /// from the functions that are still unreached.
    ///
    /// # Errors
    /// When a function body is malformed.
    pub(crate) fn read(module: &'a Module<'_>, names: &'a [&'a str]) -> anyhow::Result<Self> {
        let exports = module.exports.iter().filter_map(|export| match export.kind {
            Extern::Function(function) => Some((function, export.name)),
            _ => None,
        });
        let mut callers = Self {
            calls: CallGraph::read(module)?,
            exports: exports.collect(),
            in_tables: module.in_tables.iter().copied().collect(),
            callers: HashMap::new(),
            names,
        };
        let count = u32::try_from(module.functions.len())?;
        let is_init = |function: &u32| callers.name(*function).starts_with("PyInit_");
        let mut outside: Vec<u32> = callers.exports.keys().copied().collect();
        outside.extend(module.start);
        outside.extend((0..count).filter(is_init));
        outside.sort_unstable();
        let mut tables: Vec<u32> = callers.in_tables.iter().copied().collect();
        tables.sort_unstable();
        for roots in [outside, tables, (module.imported_functions..count).collect()] {
            callers.search(roots);
        }
        Ok(callers)
    }

    fn search(&mut self, roots: Vec<u32>) {
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

    /// Returns the reason why a function is in the module, or `None` if nothing needs it.
    #[must_use]
    pub(crate) fn origin(&self, function: u32) -> Option<Origin> {
        let mut chain = Vec::new();
        let mut at = function;
        while let Some(&caller) = self.callers.get(&at) {
            if caller == at {
                break;
            }
            chain.push(caller);
            at = caller;
        }
        chain.reverse();
        if !chain.is_empty() {
            return Some(Origin::Calls(self.calls(&chain)));
        }
        match self.exports.get(&function) {
            Some(export) => Some(Origin::Export((*export).to_owned())),
            None => self.in_tables.contains(&function).then_some(Origin::Table),
        }
    }

    /// Returns the functions in `targets` that are reachable from a function by direct calls. Each
    /// function is reachable from itself.
    #[must_use]
    pub(crate) fn reached_from(&self, function: u32, targets: &[u32]) -> Vec<u32> {
        let mut seen: HashSet<u32> = [function].into();
        let mut stack = vec![function];
        while let Some(at) = stack.pop() {
            stack.extend(self.calls.called_by(at).filter(|called| seen.insert(*called)));
        }
        targets.iter().copied().filter(|function| seen.contains(function)).collect()
    }

    fn name(&self, function: u32) -> &'a str {
        self.names.get(function as usize).copied().unwrap_or("")
    }

    fn calls(&self, chain: &[u32]) -> Calls {
        let omitted = chain.len().saturating_sub(MAX_CALLERS);
        let outer = if omitted == 0 { chain.len() } else { MAX_CALLERS / 2 };
        let inner = outer + omitted;
        let caller = |function: &u32| self.caller(*function, None);
        let mut calls = Calls {
            outer: chain[..outer].iter().map(caller).collect(),
            omitted,
            inner: chain[inner..].iter().map(caller).collect(),
        };
        if let (Some(root), Some(first)) = (chain.first(), calls.outer.first_mut()) {
            *first = self.caller(*root, self.exports.get(root).copied());
        }
        calls
    }

    fn caller(&self, function: u32, export: Option<&str>) -> Caller {
        let symbol = self.name(function);
        match export {
            // In a command module, the linker appends `.command_export` to the symbol of each
            // exported function, so this suffix is ignored.
            Some(export)
                if symbol.is_empty() || symbol.trim_end_matches(".command_export") == export =>
            {
                Caller { name: export.to_owned(), export: None }
            }
            export => Caller {
                name: match symbol {
                    "" => format!("function {function}"),
                    symbol => format!("{:#}", rustc_demangle::demangle(symbol)),
                },
                export: export.map(str::to_owned),
            },
        }
    }
}
