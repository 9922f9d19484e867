//! A link set: which members are pulled in, and what stays undefined.

use object::read::archive::ArchiveFile;

use self::table::Table;
use crate::object::{ImportedFunction, Kind, Object, ReadError, made_for};

mod table;

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
    /// Of a variable: how many bytes of it are known to be used. It may be larger.
    pub used: u32,
    /// Of a variable: whether every thread has its own.
    pub tls: bool,
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
        Table::of(&self.inputs, &self.roots).closure()
    }
}

/// Who wants a name that was asked for.
pub const WANTED_BY_NAME: &str = "the command line";

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
        let bytes = member.data(bytes).map_err(broken)?;
        if let Some(machine) = made_for(bytes) {
            return Err(ReadError::Foreign { object: name, what: machine });
        }
        match Object::read(&name, bytes) {
            // A README, a crate's metadata: the linker passes it over.
            Err(ReadError::NotRelocatable(_)) => {}
            Err(_) if !bytes.starts_with(b"\0asm") => {}
            read => objects.push(read?),
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests;
