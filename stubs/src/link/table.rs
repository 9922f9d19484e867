//! The part of wasm-ld's symbol resolution that decides which archive members are linked and which
//! symbols stay undefined.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{COMMAND_LINE, Closure, Conflict, Input, Undefined};
use crate::object::{ImportedFunction, Symbol, SymbolKind};
use crate::signature::Signature;

/// The state of a symbol while the inputs are read in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A linked object has a strong reference to the symbol.
    Undefined,
    /// An archive member that has not been linked defines the symbol.
    Lazy(usize),
    /// A linked object defines the symbol.
    Defined,
}

/// The symbol table.
///
/// Source: `SymbolTable::addLazy`, `addDefined*` and `addUndefined*` in lld's wasm driver.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    inputs: &'a [Input],
    roots: &'a [String],
    states: HashMap<&'a str, State>,
    linked: BTreeSet<usize>,
}

impl<'a> Table<'a> {
    /// Creates the table by reading the inputs in order.
    pub(super) fn of(inputs: &'a [Input], roots: &'a [String]) -> Self {
        let mut table = Self { inputs, roots, ..Self::default() };
        for root in roots {
            table.states.insert(root, State::Undefined);
        }
        for (index, input) in inputs.iter().enumerate() {
            if input.lazy {
                table.add_lazy(index);
            } else {
                table.link(index);
            }
        }
        table
    }

    /// Adds an archive member. Links it if it is already needed, and otherwise registers its
    /// symbols.
    fn add_lazy(&mut self, index: usize) {
        let inputs = self.inputs;
        let defines = inputs[index].object.symbols.iter().filter(|symbol| !symbol.undefined);
        for symbol in defines.clone() {
            if self.states.get(symbol.name.as_str()) == Some(&State::Undefined) {
                return self.link(index);
            }
        }
        for symbol in defines {
            self.states.entry(&symbol.name).or_insert(State::Lazy(index));
        }
    }

    /// Links an object. If one of its symbols needs an archive member, that member is linked before
    /// the object's next symbol is processed. The stack is explicit, because chains of members can
    /// be too long for recursion.
    fn link(&mut self, index: usize) {
        let inputs = self.inputs;
        let symbols = |index: usize| inputs[index].object.symbols.iter();
        self.linked.insert(index);
        let mut stack = vec![symbols(index)];
        while let Some(rest) = stack.last_mut() {
            let Some(symbol) = rest.next() else {
                stack.pop();
                continue;
            };
            let state = self.states.get(symbol.name.as_str()).copied();
            match state {
                _ if !symbol.undefined => {
                    self.states.insert(&symbol.name, State::Defined);
                }
                // A weak reference does not pull in a member.
                _ if symbol.weak => {}
                None => {
                    self.states.insert(&symbol.name, State::Undefined);
                }
                Some(State::Lazy(member)) => {
                    self.states.insert(&symbol.name, State::Undefined);
                    // `insert` returns false if the member is already being linked. Its symbols
                    // stay lazy until the loop reaches them.
                    if self.linked.insert(member) {
                        stack.push(symbols(member));
                    }
                }
                Some(State::Undefined | State::Defined) => {}
            }
        }
    }

    fn linked(&self) -> impl Iterator<Item = &'a Input> + Clone {
        let inputs = self.inputs;
        self.linked.iter().map(move |index| &inputs[*index])
    }

    pub(super) fn closure(self) -> Closure {
        let pulled = self.linked().filter(|input| input.lazy);
        let mut pulled: Vec<String> = pulled.map(|input| input.object.name.clone()).collect();
        pulled.sort();
        let mut imports: BTreeMap<ImportedFunction, BTreeSet<&str>> = BTreeMap::new();
        for Input { object, .. } in self.linked() {
            for symbol in object.symbols.iter().filter(|symbol| self.is_undefined(symbol)) {
                if let (Some((module, name)), SymbolKind::Function(signature)) =
                    (&symbol.host, &symbol.kind)
                {
                    let (module, name) = (module.clone(), name.clone());
                    let signature = signature.clone();
                    let import = ImportedFunction { module, name, signature };
                    imports.entry(import).or_default().insert(&object.name);
                }
            }
        }
        let imports = imports.into_iter().map(|(import, by)| (import, owned(by)));
        Closure {
            pulled,
            undefined: self.undefined(),
            conflicts: self.conflicts(),
            imports: imports.collect(),
        }
    }

    /// Returns true for a reference to a symbol that no linked object defines.
    fn is_undefined(&self, symbol: &Symbol) -> bool {
        symbol.undefined && self.states.get(symbol.name.as_str()) != Some(&State::Defined)
    }

    fn undefined(&self) -> Vec<Undefined> {
        let mut uses: BTreeMap<&str, BTreeMap<&SymbolKind, Use<'_>>> = BTreeMap::new();
        let mut segments: HashSet<&str> = HashSet::new();
        for Input { object, .. } in self.linked() {
            segments.extend(object.segments.iter().map(String::as_str));
            let undefined = object.symbols.iter().filter(|symbol| self.is_undefined(symbol));
            for symbol in undefined.filter(|symbol| !symbol.weak && symbol.host.is_none()) {
                let entry = uses.entry(&symbol.name).or_default().entry(&symbol.kind).or_default();
                let used = object.used_bytes.get(&symbol.name).copied().unwrap_or(0);
                entry.by.insert(&object.name);
                entry.used_bytes = used.max(entry.used_bytes);
                entry.called |= symbol.called;
                entry.thread_local |= symbol.thread_local;
            }
        }
        for root in self.roots {
            // The kind of a root is unknown, so the root is reported as a function without
            // parameters.
            let is_defined = self.states.get(root.as_str()) == Some(&State::Defined);
            if !is_defined && !uses.contains_key(root.as_str()) {
                let entry = Use { by: [COMMAND_LINE].into(), ..Use::default() };
                uses.insert(root, [(&ROOT, entry)].into());
            }
        }
        uses.into_iter()
            .filter(|(name, _)| !is_linker_defined(name) && !is_segment_bound(name, &segments))
            .flat_map(|(name, kinds)| by_call_type(kinds).into_iter().map(move |it| (name, it)))
            .map(|(name, (kind, it))| Undefined {
                name: name.to_owned(),
                kind: kind.clone(),
                needed_by: owned(it.by),
                used_bytes: it.used_bytes,
                thread_local: it.thread_local,
            })
            .collect()
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let mut kinds: BTreeMap<&str, BTreeMap<&SymbolKind, BTreeSet<&str>>> = BTreeMap::new();
        for Input { object, .. } in self.linked() {
            let is_checked =
                |symbol: &&Symbol| symbol.called || !matches!(symbol.kind, SymbolKind::Function(_));
            for symbol in object.symbols.iter().filter(is_checked) {
                let by_kind = kinds.entry(&symbol.name).or_default();
                by_kind.entry(&symbol.kind).or_default().insert(&object.name);
            }
        }
        let conflicts = kinds.into_iter().filter(|(_, types)| types.len() > 1);
        conflicts
            .map(|(name, types)| Conflict {
                name: name.to_owned(),
                types: types.into_iter().map(|(kind, by)| (kind.clone(), owned(by))).collect(),
            })
            .collect()
    }
}

/// All references to a symbol that assume the same kind.
#[derive(Debug, Default)]
struct Use<'a> {
    by: BTreeSet<&'a str>,
    used_bytes: u32,
    called: bool,
    thread_local: bool,
}

/// Merges uses that only take a function's address, and are therefore compatible with any type,
/// into the first use that calls the function. If no use calls it, merges them into the first use.
fn by_call_type<'a>(kinds: BTreeMap<&'a SymbolKind, Use<'a>>) -> Vec<(&'a SymbolKind, Use<'a>)> {
    let is_called =
        |kind: &SymbolKind, it: &Use<'_>| it.called || !matches!(kind, SymbolKind::Function(_));
    let any_called = kinds.iter().any(|(kind, it)| is_called(kind, it));
    let mut kept: Vec<(&SymbolKind, Use<'_>)> = Vec::new();
    let mut others = BTreeSet::new();
    for (kind, it) in kinds {
        if kept.is_empty() && !any_called || is_called(kind, &it) {
            kept.push((kind, it));
        } else {
            others.extend(it.by);
        }
    }
    if let Some((_, first)) = kept.first_mut() {
        first.by.extend(others);
    }
    kept
}

/// The kind of a root that no object refers to.
static ROOT: SymbolKind =
    SymbolKind::Function(Signature { params: Vec::new(), results: Vec::new() });

fn owned(names: BTreeSet<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Returns true for a symbol that wasm-ld defines on demand. `__wasm_call_dtors` and `__main_void`
/// are not among these symbols, because libc defines them.
///
/// Source: `createSyntheticSymbols` and `createOptionalSymbols` in lld's wasm driver.
fn is_linker_defined(name: &str) -> bool {
    matches!(
        name,
        "__wasm_call_ctors"
            | "__stack_pointer"
            | "__stack_low"
            | "__stack_high"
            | "__memory_base"
            | "__table_base"
            | "__data_end"
            | "__global_base"
            | "__heap_base"
            | "__heap_end"
            | "__rodata_start"
            | "__rodata_end"
            | "__dso_handle"
            | "__indirect_function_table"
            | "__tls_base"
            | "__tls_size"
            | "__tls_align"
            | "__table_base32"
            | "__wasm_init_tls"
            | "__wasm_first_page_end"
    )
}

/// Returns true for `__start_NAME` and `__stop_NAME`, where NAME is a C identifier and the name of
/// a linked data segment.
///
/// Source: `addStartStopSymbols` in lld's wasm writer.
pub(super) fn is_segment_bound(name: &str, segments: &HashSet<&str>) -> bool {
    let segment = name.strip_prefix("__start_").or_else(|| name.strip_prefix("__stop_"));
    let is_identifier = |name: &str| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    segment.is_some_and(|segment| is_identifier(segment) && segments.contains(segment))
}
