//! wasm-ld's symbol table, as far as it decides what is linked and what stays undefined.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Closure, Conflict, Input, Undefined, WANTED_BY_NAME};
use crate::object::{ImportedFunction, Kind, Symbol};
use crate::signature::Signature;

/// What is known of a name while the inputs are read in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Something wants it and can't do without.
    Wanted,
    /// A member that is not linked has it.
    Offered(usize),
    /// What is linked has it.
    Defined,
}

/// wasm-ld's symbol table, as far as it decides what is linked.
///
/// Source: `SymbolTable::addLazy`, `addDefined*` and `addUndefined*` of lld's wasm driver.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    inputs: &'a [Input],
    roots: &'a [String],
    states: HashMap<&'a str, State>,
    linked: BTreeSet<usize>,
}

impl<'a> Table<'a> {
    /// Reads the inputs in their order.
    pub(super) fn of(inputs: &'a [Input], roots: &'a [String]) -> Self {
        let mut table = Self { inputs, roots, ..Self::default() };
        for root in roots {
            table.states.insert(root, State::Wanted);
        }
        for (index, input) in inputs.iter().enumerate() {
            if input.lazy {
                table.offer(index);
            } else {
                table.link(index);
            }
        }
        table
    }

    /// A member of an archive: linked now when it is wanted, and remembered when not.
    fn offer(&mut self, index: usize) {
        let inputs = self.inputs;
        let defines = inputs[index].object.symbols.iter().filter(|symbol| !symbol.undefined);
        for symbol in defines.clone() {
            if self.states.get(symbol.name.as_str()) == Some(&State::Wanted) {
                return self.link(index);
            }
        }
        for symbol in defines {
            self.states.entry(&symbol.name).or_insert(State::Offered(index));
        }
    }

    /// Links an object, and at once, before its next symbol, what that one wants. On a stack of
    /// its own: chains of members are longer than a thread's stack should have to bear.
    fn link(&mut self, index: usize) {
        let inputs = self.inputs;
        let symbols = |index: usize| inputs[index].object.symbols.iter();
        self.linked.insert(index);
        let mut open = vec![symbols(index)];
        while let Some(rest) = open.last_mut() {
            let Some(symbol) = rest.next() else {
                open.pop();
                continue;
            };
            let state = self.states.get(symbol.name.as_str()).copied();
            match state {
                _ if !symbol.undefined => {
                    self.states.insert(&symbol.name, State::Defined);
                }
                // A weak reference takes what there is and pulls nothing.
                _ if symbol.weak => {}
                None => {
                    self.states.insert(&symbol.name, State::Wanted);
                }
                Some(State::Offered(member)) => {
                    self.states.insert(&symbol.name, State::Wanted);
                    // One that is being linked may be wanted again before it comes to this name.
                    if self.linked.insert(member) {
                        open.push(symbols(member));
                    }
                }
                Some(State::Wanted | State::Defined) => {}
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
            for symbol in object.symbols.iter().filter(|symbol| self.is_open(symbol)) {
                if let (Some((module, name)), Kind::Function(signature)) =
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

    /// Whether a symbol is wanted, and nothing has it.
    fn is_open(&self, symbol: &Symbol) -> bool {
        symbol.undefined && self.states.get(symbol.name.as_str()) != Some(&State::Defined)
    }

    fn undefined(&self) -> Vec<Undefined> {
        let mut wanted: BTreeMap<&str, BTreeMap<&Kind, Want<'_>>> = BTreeMap::new();
        let mut bounds: HashSet<&str> = HashSet::new();
        for Input { object, .. } in self.linked() {
            bounds.extend(object.segments.iter().map(String::as_str));
            let open = object.symbols.iter().filter(|symbol| self.is_open(symbol));
            for symbol in open.filter(|symbol| !symbol.weak && symbol.host.is_none()) {
                let want = wanted.entry(&symbol.name).or_default().entry(&symbol.kind).or_default();
                let used = object.data_used.get(&symbol.name).copied().unwrap_or(0);
                want.by.insert(&object.name);
                want.used = used.max(want.used);
                want.called |= symbol.called;
                want.tls |= symbol.tls;
            }
        }
        for root in self.roots {
            // Of which kind it is nobody says: it is told as a function of no type.
            let is_defined = self.states.get(root.as_str()) == Some(&State::Defined);
            if !is_defined && !wanted.contains_key(root.as_str()) {
                let want = Want { by: [WANTED_BY_NAME].into(), ..Want::default() };
                wanted.insert(root, [(&ROOT, want)].into());
            }
        }
        let undefined = wanted.into_iter();
        undefined
            .filter(|(name, _)| !is_of_the_linker(name) && !is_a_bound(name, &bounds))
            .flat_map(|(name, kinds)| of_callers(kinds).into_iter().map(move |it| (name, it)))
            .map(|(name, (kind, want))| Undefined {
                name: name.to_owned(),
                kind: kind.clone(),
                needed_by: owned(want.by),
                used: want.used,
                tls: want.tls,
            })
            .collect()
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let mut kinds: BTreeMap<&str, BTreeMap<&Kind, BTreeSet<&str>>> = BTreeMap::new();
        for Input { object, .. } in self.linked() {
            let asked =
                |symbol: &&Symbol| symbol.called || !matches!(symbol.kind, Kind::Function(_));
            for symbol in object.symbols.iter().filter(asked) {
                let of_kind = kinds.entry(&symbol.name).or_default();
                of_kind.entry(&symbol.kind).or_default().insert(&object.name);
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

/// Who wants a name as one kind, and how.
#[derive(Debug, Default)]
struct Want<'a> {
    by: BTreeSet<&'a str>,
    used: u32,
    called: bool,
    tls: bool,
}

/// The types by which a function is called, where it is called at all: who only takes its address
/// means any of them.
fn of_callers<'a>(kinds: BTreeMap<&'a Kind, Want<'a>>) -> Vec<(&'a Kind, Want<'a>)> {
    let is_called =
        |(kind, want): &(&Kind, &Want<'_>)| want.called || !matches!(kind, Kind::Function(_));
    let some_call = kinds.iter().map(|(kind, want)| (*kind, want)).any(|it| is_called(&it));
    let mut kept: Vec<(&Kind, Want<'_>)> = Vec::new();
    let mut others = BTreeSet::new();
    for (kind, want) in kinds {
        if kept.is_empty() && !some_call || is_called(&(kind, &want)) {
            kept.push((kind, want));
        } else {
            others.extend(want.by);
        }
    }
    if let Some((_, first)) = kept.first_mut() {
        first.by.extend(others);
    }
    kept
}

/// What a wanted name is that no object says anything of.
static ROOT: Kind = Kind::Function(Signature { params: Vec::new(), results: Vec::new() });

fn owned(names: BTreeSet<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// What wasm-ld defines when something refers to it. `__wasm_call_dtors` and `__main_void` are
/// not among these: they are libc's.
///
/// Source: `createSyntheticSymbols` and `createOptionalSymbols` of lld's wasm driver.
fn is_of_the_linker(name: &str) -> bool {
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

/// `__start_NAME` and `__stop_NAME` of a data segment that is linked, when NAME is one of C's.
///
/// Source: `addStartStopSymbols` of lld's wasm writer.
pub(super) fn is_a_bound(name: &str, segments: &HashSet<&str>) -> bool {
    let segment = name.strip_prefix("__start_").or_else(|| name.strip_prefix("__stop_"));
    let is_of_c = |name: &str| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    segment.is_some_and(|segment| is_of_c(segment) && segments.contains(segment))
}
