//! A link set: the archive members that a link takes, and the symbols that stay undefined.

use object::read::archive::ArchiveFile;

use self::table::Table;
use crate::object::{ImportedFunction, Object, SymbolKind};
use crate::read_error::{ReadError, foreign_format};

mod table;

/// A symbol that no object of the link set defines. A function that is called with two types is
/// listed once for each type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Undefined {
    /// The name.
    pub name: String,
    /// The kind, including the type of a function.
    pub kind: SymbolKind,
    /// The objects that refer to the symbol, sorted.
    pub needed_by: Vec<String>,
    /// For a variable, the number of bytes that are known to be used. The variable may be larger.
    pub used_bytes: u32,
    /// True if the symbol is a thread-local variable.
    pub thread_local: bool,
}

/// A symbol for which linked objects assume different types. The linker only warns, and a call with
/// the wrong type traps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// The types, sorted, each with the objects that define or use the symbol with that type.
    pub types: Vec<(SymbolKind, Vec<String>)>,
}

/// The outcome of resolving a link set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// The archive members that are linked, sorted.
    pub pulled: Vec<String>,
    /// The undefined symbols, sorted by name.
    pub undefined: Vec<Undefined>,
    /// The symbols that are used with more than one type, sorted. Weak references are included.
    pub conflicts: Vec<Conflict>,
    /// The functions that objects import explicitly from the host, sorted, each with the objects
    /// that import it.
    pub imports: Vec<(ImportedFunction, Vec<String>)>,
}

/// Objects and archives, in the order in which a linker's command line would list them. As with
/// wasm-ld, an archive is also searched for symbols that later objects need. The order only decides
/// between two definitions of the same symbol.
///
/// Each object counts as a whole, including functions that the linker would garbage-collect.
#[derive(Clone, Debug, Default)]
pub struct Link {
    inputs: Vec<Input>,
    roots: Vec<String>,
}

#[derive(Clone, Debug)]
struct Input {
    object: Object,
    /// True for an archive member, which is linked only if something needs it.
    lazy: bool,
}

impl Link {
    /// Creates an empty link set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object, which is always linked.
    ///
    /// # Errors
    /// If the object cannot be read.
    pub fn object(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        self.inputs.push(Input { object: Object::read(name, bytes)?, lazy: false });
        Ok(())
    }

    /// Adds an archive. Each member is linked only if it is needed.
    ///
    /// # Errors
    /// If the archive or a member cannot be read.
    pub fn archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let members = members(name, bytes)?.into_iter();
        self.inputs.extend(members.map(|object| Input { object, lazy: true }));
        Ok(())
    }

    /// Adds an archive and links all of its members.
    ///
    /// # Errors
    /// If the archive or a member cannot be read.
    pub fn whole_archive(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let members = members(name, bytes)?.into_iter();
        self.inputs.extend(members.map(|object| Input { object, lazy: false }));
        Ok(())
    }

    /// Adds a symbol that the link needs even if no object refers to it, like the linker's `-u` and
    /// `--export`.
    pub fn root(&mut self, name: &str) {
        self.roots.push(name.to_owned());
    }

    /// Adds an object that has already been read. If `lazy` is true, the object is linked only if
    /// something needs it.
    pub fn push(&mut self, object: Object, lazy: bool) {
        self.inputs.push(Input { object, lazy });
    }

    /// Returns the first object or member that defines a symbol, whether it is linked or not.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&str> {
        let defining = self.inputs.iter().find(|input| input.object.defines(name));
        defining.map(|input| input.object.name.as_str())
    }

    /// Removes the objects and members that define a symbol.
    pub(crate) fn remove_defining(&mut self, name: &str) -> Vec<Object> {
        let removed = self.inputs.extract_if(.., |input| input.object.defines(name));
        removed.map(|input| input.object).collect()
    }

    /// Returns true if any object defines or uses a symbol.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.user(name).or_else(|| self.definition(name)).is_some()
    }

    /// Returns the first object that refers to a symbol without defining it.
    pub(crate) fn user(&self, name: &str) -> Option<&str> {
        let uses = |input: &&Input| {
            input.object.symbols.iter().any(|symbol| symbol.undefined && symbol.name == name)
        };
        self.inputs.iter().find(uses).map(|input| input.object.name.as_str())
    }

    /// Adds an object in front of all others.
    pub(crate) fn push_first(&mut self, object: Object) {
        self.inputs.insert(0, Input { object, lazy: false });
    }

    /// Returns the undefined symbols, sorted by name. Weak references and symbols that the linker
    /// itself defines do not count.
    #[must_use]
    pub fn undefined(&self) -> Vec<Undefined> {
        self.closure().undefined
    }

    /// Resolves the link set.
    #[must_use]
    pub fn closure(&self) -> Closure {
        Table::of(&self.inputs, &self.roots).closure()
    }
}

/// The name reported as the user of a symbol that [`Link::root`] added.
const COMMAND_LINE: &str = "the command line";

/// Reads the members of an archive. Members that are not objects are skipped.
///
/// # Errors
/// If the archive or an object in it cannot be read.
pub fn members(archive: &str, bytes: &[u8]) -> Result<Vec<Object>, ReadError> {
    let malformed = ReadError::archive(archive);
    let file = ArchiveFile::parse(bytes).map_err(&malformed)?;
    if file.is_thin() {
        return Err(ReadError::Thin(archive.to_owned()));
    }
    let mut objects = Vec::new();
    for member in file.members() {
        let member = member.map_err(&malformed)?;
        let name = format!("{archive}({})", String::from_utf8_lossy(member.name()));
        let bytes = member.data(bytes).map_err(&malformed)?;
        if let Some(format) = foreign_format(bytes) {
            return Err(ReadError::Foreign { object: name, format });
        }
        match Object::read(&name, bytes) {
            // The linker also skips members such as a README or the metadata of a Rust crate.
            Err(ReadError::NotRelocatable(_)) => {}
            Err(_) if !bytes.starts_with(b"\0asm") => {}
            read => objects.push(read?),
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests;
