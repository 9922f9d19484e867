//! A link set: which members are pulled in, and what stays undefined.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use object::read::archive::ArchiveFile;

use crate::object::{Kind, Object, ReadError, Symbol};

/// A symbol that nothing in the link set defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// What it names.
    pub kind: Kind,
    /// The objects that want it, sorted.
    pub needed_by: Vec<String>,
}

/// Objects and archives as they would stand on a linker's command line. As with wasm-ld, the
/// order of archives does not decide what is found.
#[derive(Clone, Debug, Default)]
pub struct Link {
    taken: Vec<Object>,
    offered: Vec<Object>,
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
        self.taken.push(Object::read(name, bytes)?);
        Ok(())
    }

    /// An archive: a member is linked when it defines what is wanted.
    ///
    /// # Errors
    /// When it or a member can't be read.
    pub fn archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        self.offered.extend(members(name, bytes)?);
        Ok(())
    }

    /// An archive of which every member is linked.
    ///
    /// # Errors
    /// When it or a member can't be read.
    pub fn whole_archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        self.taken.extend(members(name, bytes)?);
        Ok(())
    }

    /// What stays undefined, sorted by name. Weak references and what the linker itself
    /// provides are not undefined.
    #[must_use]
    pub fn undefined(&self) -> Vec<Undefined> {
        let mut offers: HashMap<&str, usize> = HashMap::new();
        for (index, object) in self.offered.iter().enumerate() {
            for symbol in object.symbols.iter().filter(|symbol| !symbol.undefined) {
                offers.entry(&symbol.name).or_insert(index);
            }
        }
        let mut pulled: HashSet<usize> = HashSet::new();
        let mut todo: Vec<&Object> = self.taken.iter().collect();
        let mut defined: HashSet<&str> = HashSet::new();
        let mut wanted: BTreeMap<&Symbol, BTreeSet<&str>> = BTreeMap::new();
        while let Some(object) = todo.pop() {
            for symbol in &object.symbols {
                if !symbol.undefined {
                    defined.insert(&symbol.name);
                } else if !symbol.weak {
                    wanted.entry(symbol).or_default().insert(&object.name);
                    // The first archive member that has it; taken once.
                    if let Some(index) = offers.get(symbol.name.as_str())
                        && pulled.insert(*index)
                    {
                        todo.push(&self.offered[*index]);
                    }
                }
            }
        }
        wanted
            .into_iter()
            .filter(|(symbol, _)| !defined.contains(symbol.name.as_str()))
            .filter(|(symbol, _)| !is_of_the_linker(&symbol.name))
            .map(|(symbol, objects)| Undefined {
                name: symbol.name.clone(),
                kind: symbol.kind,
                needed_by: objects.into_iter().map(str::to_owned).collect(),
            })
            .collect()
    }
}

fn members(archive: &str, bytes: &[u8]) -> Result<Vec<Object>, ReadError> {
    let broken = |source| ReadError::Archive { archive: archive.to_owned(), source };
    let file = ArchiveFile::parse(bytes).map_err(broken)?;
    let mut objects = Vec::new();
    for member in file.members() {
        let member = member.map_err(broken)?;
        let name = format!("{archive}({})", String::from_utf8_lossy(member.name()));
        objects.push(Object::read(&name, member.data(bytes).map_err(broken)?)?);
    }
    Ok(objects)
}

/// What wasm-ld defines when something refers to it.
///
/// Source: `createSyntheticSymbols` and `createOptionalSymbols` of lld's wasm driver.
fn is_of_the_linker(name: &str) -> bool {
    matches!(
        name,
        "__wasm_call_ctors"
            | "__wasm_call_dtors"
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

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        CodeSection, EntityType, Function, FunctionSection, ImportSection, LinkingSection, Module,
        SymbolTable, TypeSection,
    };

    /// An object with one function that it defines and calls to others.
    fn object(defines: &str, wants: &[&str], weak: bool) -> Vec<u8> {
        object_importing(defines, "env", wants, weak)
    }

    fn object_importing(defines: &str, from: &str, wants: &[&str], weak: bool) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        let mut table = SymbolTable::new();
        for (index, name) in wants.iter().enumerate() {
            imports.import(from, name, EntityType::Function(0));
            let weakness = if weak { SymbolTable::WASM_SYM_BINDING_WEAK } else { 0 };
            table.function(SymbolTable::WASM_SYM_UNDEFINED | weakness, index as u32, None);
        }
        table.function(0, wants.len() as u32, Some(defines));
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut code = CodeSection::new();
        let mut body = Function::new([]);
        body.instructions().end();
        code.function(&body);
        let mut linking = LinkingSection::new();
        linking.symbol_table(&table);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&code);
        module.section(&linking);
        module.finish()
    }

    /// A plain ar archive, without an index.
    fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, data) in members {
            let name = format!("{name}/");
            let header =
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len());
            bytes.extend(header.bytes());
            bytes.extend(data);
            if data.len() % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    fn names(link: &Link) -> Vec<String> {
        link.undefined().into_iter().map(|symbol| symbol.name).collect()
    }

    #[test]
    fn what_no_one_defines_is_named_with_who_wants_it() {
        let mut link = Link::new();
        link.object("main.o", &object("main", &["mpd_add", "__wasm_call_ctors"], false)).unwrap();
        let undefined = link.undefined();
        assert_eq!(undefined.len(), 1);
        assert_eq!(undefined[0].name, "mpd_add");
        assert_eq!(undefined[0].needed_by, ["main.o"]);
    }

    #[test]
    fn a_member_is_pulled_in_only_when_it_is_wanted_and_brings_its_own_wants() {
        let lib = archive(&[
            ("a.o", object("a", &["b"], false)),
            ("b.o", object("b", &["nowhere"], false)),
            ("unused.o", object("unused", &["elsewhere"], false)),
        ]);
        let mut link = Link::new();
        link.object("main.o", &object("main", &["a"], false)).unwrap();
        link.archive("lib.a", &lib).unwrap();
        assert_eq!(names(&link), ["nowhere"]);
        assert_eq!(link.undefined()[0].needed_by, ["lib.a(b.o)"]);

        let mut whole = Link::new();
        whole.whole_archive("lib.a", &lib).unwrap();
        assert_eq!(names(&whole), ["elsewhere", "nowhere"]);
    }

    #[test]
    fn an_import_from_a_named_module_is_meant() {
        let mut link = Link::new();
        let bytes = object_importing("main", "wasi_snapshot_preview1", &["fd_write"], false);
        link.object("main.o", &bytes).unwrap();
        assert!(names(&link).is_empty());
    }

    #[test]
    fn a_weak_reference_may_stay_open() {
        let mut link = Link::new();
        link.object("main.o", &object("main", &["maybe"], true)).unwrap();
        assert!(names(&link).is_empty());
    }

    #[test]
    fn what_is_no_object_or_archive_is_refused_by_name() {
        let mut link = Link::new();
        let linked = Module::new().finish();
        let error = link.object("app.wasm", &linked).unwrap_err();
        assert!(matches!(&error, ReadError::NotRelocatable(name) if name == "app.wasm"));
        assert!(matches!(link.object("x.o", b"text"), Err(ReadError::Wasm { .. })));
        assert!(matches!(link.archive("x.a", b"text"), Err(ReadError::Archive { .. })));
    }
}
