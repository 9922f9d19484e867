//! Archives with an index, as `llvm-ar rcsD` writes them: equal members give equal bytes.

use std::io::{self, Cursor};

use ar_archive_writer::{ArchiveKind, NewArchiveMember, ObjectReader, write_archive_to_stream};

use crate::object::Object;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name: `mpd_add.o`.
    pub name: String,
    /// An object.
    pub bytes: Vec<u8>,
}

/// What the writer asks of a member: the names for the index. The rest is for other systems.
static READER: ObjectReader = ObjectReader {
    get_symbols: symbols,
    is_64_bit_object_file: |_| false,
    is_ec_object_file: |_| false,
    is_any_arm64_coff: |_| false,
    get_xcoff_member_alignment: |_| 0,
};

/// The archive. Dates, owners and modes are the same whatever the machine.
///
/// # Panics
/// Never: a vector takes what is written to it.
#[must_use]
pub fn archive(members: &[Member]) -> Vec<u8> {
    let members: Vec<NewArchiveMember<'_>> = members
        .iter()
        .map(|member| NewArchiveMember::new(&member.bytes, &READER, member.name.clone()))
        .collect();
    let mut bytes = Cursor::new(Vec::new());
    write_archive_to_stream(&mut bytes, &members, ArchiveKind::Gnu, false, None)
        .expect("a vector takes everything");
    bytes.into_inner()
}

fn symbols(object: &[u8], tell: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
    // What is no object is a member that the index does not know.
    let Ok(object) = Object::read("", object) else { return Ok(false) };
    for symbol in object.symbols.iter().filter(|symbol| !symbol.undefined) {
        tell(symbol.name.as_bytes())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macros;

    #[test]
    fn an_archive_is_read_as_it_was_written() {
        let members: Vec<Member> = macros()
            .iter()
            .map(|it| Member { name: format!("{}.o", it.name), bytes: it.object() })
            .collect();
        let bytes = archive(&members);
        assert_eq!(bytes, archive(&members));
        let read = crate::members("a.a", &bytes).unwrap();
        assert_eq!(read.len(), members.len());
        assert!(read.iter().any(|object| object.name == "a.a(PyModule_Create.o)"));
        let index = object::read::archive::ArchiveFile::parse(&bytes[..]).unwrap();
        assert_eq!(index.symbols().unwrap().unwrap().count(), members.len());
    }
}
