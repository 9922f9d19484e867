//! A link set: which members are pulled in, and what stays undefined.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use object::read::archive::ArchiveFile;

use crate::object::{ImportedFunction, Kind, Object, ReadError};
use crate::signature::Signature;

/// A symbol that nothing in the link set defines. A function that is called by two types is
/// there twice, once for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// What it names.
    pub kind: Kind,
    /// The objects that want it, sorted.
    pub needed_by: Vec<String>,
    /// Of a variable: how many bytes of it are known to be used.
    pub used: u32,
}

/// A name by which linked objects mean functions of different types. The linker warns of it, and
/// a call by the wrong type traps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// The types, and the objects that have or want it so, all sorted.
    pub types: Vec<(Kind, Vec<String>)>,
}

/// What comes of a link set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The archive members that are linked because something wants them, sorted.
    pub pulled: Vec<String>,
    /// What stays undefined, sorted by name.
    pub undefined: Vec<Undefined>,
    /// Names of more than one type, sorted. Weak references are looked at as well.
    pub conflicts: Vec<Conflict>,
    /// The functions of hosts that are imported on purpose, with the objects that do, sorted.
    pub imports: Vec<(ImportedFunction, Vec<String>)>,
}

/// Objects and archives in the order of a linker's command line. As with wasm-ld, an archive
/// also answers to what comes after it; the order decides only between two that have the same.
///
/// A whole object counts, with the functions that the linker would drop because nothing
/// calls them.
#[derive(Clone, Debug, Default)]
pub struct Link {
    inputs: Vec<Input>,
    roots: Vec<String>,
}

#[derive(Clone, Debug)]
struct Input {
    object: Object,
    /// Linked only when it is wanted.
    lazy: bool,
}

impl Link {
    /// An empty link set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object: it is linked whether it is wanted or not.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn object(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        self.inputs.push(Input { object: Object::read(name, bytes)?, lazy: false });
        Ok(())
    }

    /// An archive: a member is linked when it defines what is wanted.
    ///
    /// # Errors
    /// When it or a member can't be read.
    pub fn archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let members = members(name, bytes)?.into_iter();
        self.inputs.extend(members.map(|object| Input { object, lazy: true }));
        Ok(())
    }

    /// An archive of which every member is linked.
    ///
    /// # Errors
    /// When it or a member can't be read.
    pub fn whole_archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let members = members(name, bytes)?.into_iter();
        self.inputs.extend(members.map(|object| Input { object, lazy: false }));
        Ok(())
    }

    /// A name that is wanted from the beginning, as `-u` and `--export` of a linker have it.
    pub fn root(&mut self, name: &str) {
        self.roots.push(name.to_owned());
    }

    /// Adds one that was read.
    pub fn push(&mut self, object: Object, lazy: bool) {
        self.inputs.push(Input { object, lazy });
    }

    /// The first object or member that has a symbol of this name, linked or not.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&str> {
        let has = |input: &&Input| {
            input.object.symbols.iter().any(|symbol| !symbol.undefined && symbol.name == name)
        };
        self.inputs.iter().find(has).map(|input| input.object.name.as_str())
    }

    /// Takes out the objects and members that define a name.
    pub(crate) fn remove_defining(&mut self, name: &str) -> Vec<Object> {
        let has = |input: &mut Input| {
            input.object.symbols.iter().any(|symbol| !symbol.undefined && symbol.name == name)
        };
        self.inputs.extract_if(.., has).map(|input| input.object).collect()
    }

    /// Whether any object has or wants a name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.wants(name).or_else(|| self.definition(name)).is_some()
    }

    /// The first object that wants a name.
    pub(crate) fn wants(&self, name: &str) -> Option<&str> {
        let wants = |input: &&Input| {
            input.object.symbols.iter().any(|symbol| symbol.undefined && symbol.name == name)
        };
        self.inputs.iter().find(wants).map(|input| input.object.name.as_str())
    }

    /// An object before all others.
    pub(crate) fn push_first(&mut self, object: Object) {
        self.inputs.insert(0, Input { object, lazy: false });
    }

    /// What stays undefined, sorted by name. Weak references and what the linker itself
    /// provides are not undefined.
    #[must_use]
    pub fn undefined(&self) -> Vec<Undefined> {
        self.closure().undefined
    }

    /// Which members are pulled in, and what stays undefined.
    #[must_use]
    pub fn closure(&self) -> Closure {
        let mut table = Table { inputs: &self.inputs, roots: &self.roots, ..Table::default() };
        for root in &self.roots {
            table.states.insert(root, State::Wanted);
        }
        for (index, input) in self.inputs.iter().enumerate() {
            if input.lazy {
                table.offer(index);
            } else {
                table.link(index);
            }
        }
        table.closure()
    }
}

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
struct Table<'a> {
    inputs: &'a [Input],
    roots: &'a [String],
    states: HashMap<&'a str, State>,
    linked: BTreeSet<usize>,
}

impl<'a> Table<'a> {
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

    fn closure(self) -> Closure {
        let pulled = self.linked().filter(|input| input.lazy);
        let mut pulled: Vec<String> = pulled.map(|input| input.object.name.clone()).collect();
        pulled.sort();
        let mut imports: BTreeMap<&ImportedFunction, BTreeSet<&str>> = BTreeMap::new();
        for Input { object, .. } in self.linked() {
            for import in &object.imports {
                imports.entry(import).or_default().insert(&object.name);
            }
        }
        let imports = imports.into_iter().map(|(import, by)| (import.clone(), owned(by)));
        Closure {
            pulled,
            undefined: self.undefined(),
            conflicts: self.conflicts(),
            imports: imports.collect(),
        }
    }

    fn undefined(&self) -> Vec<Undefined> {
        let mut wanted: BTreeMap<(&str, &Kind), (BTreeSet<&str>, u32)> = BTreeMap::new();
        let mut bounds: HashSet<&str> = HashSet::new();
        let is_defined = |name: &str| self.states.get(name) == Some(&State::Defined);
        for Input { object, .. } in self.linked() {
            bounds.extend(object.segments.iter().map(String::as_str));
            for symbol in &object.symbols {
                if symbol.undefined && !symbol.weak && !is_defined(&symbol.name) {
                    let (objects, used) = wanted.entry((&symbol.name, &symbol.kind)).or_default();
                    objects.insert(&object.name);
                    *used = object.data_used.get(&symbol.name).copied().unwrap_or(0).max(*used);
                }
            }
        }
        for root in self.roots {
            // Of which kind it is nobody says: it is told as a function of no type.
            let asked = |(name, _): &(&str, &Kind)| *name == root.as_str();
            if !is_defined(root) && !wanted.keys().any(asked) {
                wanted.insert((root, &ROOT), ([WANTED_BY_NAME].into(), 0));
            }
        }
        let undefined = wanted.into_iter();
        undefined
            .filter(|((name, _), _)| !is_of_the_linker(name) && !is_a_bound(name, &bounds))
            .map(|((name, kind), (objects, used))| Undefined {
                name: name.to_owned(),
                kind: kind.clone(),
                needed_by: owned(objects),
                used,
            })
            .collect()
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let mut kinds: BTreeMap<&str, BTreeMap<&Kind, BTreeSet<&str>>> = BTreeMap::new();
        for Input { object, .. } in self.linked() {
            for symbol in &object.symbols {
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

/// What a wanted name is that no object says anything of.
static ROOT: Kind = Kind::Function(Signature { params: Vec::new(), results: Vec::new() });

/// Who wants a name that was asked for.
pub const WANTED_BY_NAME: &str = "the command line";

fn owned(names: BTreeSet<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The members of an archive.
///
/// # Errors
/// When it or a member can't be read.
pub fn members(archive: &str, bytes: &[u8]) -> Result<Vec<Object>, ReadError> {
    let broken = |source| ReadError::Archive { archive: archive.to_owned(), source };
    let file = ArchiveFile::parse(bytes).map_err(broken)?;
    if file.is_thin() {
        return Err(ReadError::Thin(archive.to_owned()));
    }
    let mut objects = Vec::new();
    for member in file.members() {
        let member = member.map_err(broken)?;
        let name = format!("{archive}({})", String::from_utf8_lossy(member.name()));
        objects.push(Object::read(&name, member.data(bytes).map_err(broken)?)?);
    }
    Ok(objects)
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
            | "__wasm_init_tls"
            | "__wasm_first_page_end"
    )
}

/// `__start_NAME` and `__stop_NAME` of a data segment that is linked, when NAME is one of C's.
///
/// Source: `addStartStopSymbols` of lld's wasm writer.
fn is_a_bound(name: &str, segments: &HashSet<&str>) -> bool {
    let segment = name.strip_prefix("__start_").or_else(|| name.strip_prefix("__stop_"));
    let is_of_c = |name: &str| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    segment.is_some_and(|segment| is_of_c(segment) && segments.contains(segment))
}

#[cfg(test)]
mod tests;
