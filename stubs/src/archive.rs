//! Writes archives with a symbol index. The output is reproducible, like that of `llvm-ar rcsD`.

use std::io::{self, Cursor};

use ar_archive_writer::{ArchiveKind, NewArchiveMember, ObjectReader, write_archive_to_stream};

use crate::object::Object;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The file name, such as `mpd_add.o`.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The functions that read symbols for the index. All except `get_symbols` matter only for object
/// files for other platforms.
static READER: ObjectReader = ObjectReader {
    get_symbols: symbols,
    is_64_bit_object_file: |_| false,
    is_ec_object_file: |_| false,
    is_any_arm64_coff: |_| false,
    get_xcoff_member_alignment: |_| 0,
};

/// Writes an archive. Dates, owners and modes are fixed, so the same members produce the same
/// bytes.
///
/// # Panics
/// Never, because writing to a vector does not fail.
#[must_use]
pub fn archive(members: &[Member]) -> Vec<u8> {
    let members: Vec<NewArchiveMember<'_>> = members
        .iter()
        .map(|member| NewArchiveMember::new(&member.bytes, &READER, member.name.clone()))
        .collect();
    let mut bytes = Cursor::new(Vec::new());
    write_archive_to_stream(&mut bytes, &members, ArchiveKind::Gnu, false, None)
        .expect("writing to a vector does not fail");
    bytes.into_inner()
}

fn symbols(object: &[u8], emit: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
    // A member that is not an object file is left out of the index.
    let Ok(object) = Object::read("", object) else { return Ok(false) };
    for symbol in object.symbols.iter().filter(|symbol| !symbol.undefined) {
        emit(symbol.name.as_bytes())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macros;

    #[test]
    fn written_archive_is_read_back() {
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
