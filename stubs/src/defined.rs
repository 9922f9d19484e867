//! The functions that an archive's members define, local ones among them: whose code a function of a
//! linked module is, as its name tells.

use object::read::archive::ArchiveFile;
use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};

use crate::object::ReadError;

/// Tells each function that a member of an archive defines: the member's name, `call.o`, and the symbol.
/// What is no object is passed over, as the linker does it.
///
/// # Errors
/// When the archive or an object in it is broken.
pub fn functions(
    archive: &str,
    bytes: &[u8],
    mut tell: impl FnMut(&str, &str),
) -> Result<(), ReadError> {
    let broken = |source| ReadError::Archive { archive: archive.to_owned(), source };
    let file = ArchiveFile::parse(bytes).map_err(broken)?;
    if file.is_thin() {
        return Err(ReadError::Thin(archive.to_owned()));
    }
    for member in file.members() {
        let member = member.map_err(broken)?;
        let name = String::from_utf8_lossy(member.name());
        let bytes = member.data(bytes).map_err(broken)?;
        if !bytes.starts_with(b"\0asm") {
            continue;
        }
        let wasm = |source| ReadError::Wasm { object: format!("{archive}({name})"), source };
        for payload in Parser::new(0).parse_all(bytes) {
            let Payload::CustomSection(section) = payload.map_err(wasm)? else { continue };
            let KnownCustom::Linking(linking) = section.as_known() else { continue };
            for subsection in linking.subsections() {
                let Linking::SymbolTable(table) = subsection.map_err(wasm)? else { continue };
                for symbol in table {
                    if let SymbolInfo::Func { flags, name: Some(function), .. } =
                        symbol.map_err(wasm)?
                        && !flags.contains(SymbolFlags::UNDEFINED)
                    {
                        tell(&name, function);
                    }
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binding, Code, Member, Writer, archive};

    #[test]
    fn members_tell_what_they_define_and_not_what_they_want() {
        let mut writer = Writer::new();
        writer.undefined_function("wanted", &[], &[]);
        writer.function("own", Binding::Local, &[], &[], Code::new());
        writer.function("given", Binding::Global, &[], &[], Code::new());
        let object = Member { name: "a.o".to_owned(), bytes: writer.finish() };
        let readme = Member { name: "README".to_owned(), bytes: b"text".to_vec() };
        let mut told = Vec::new();
        functions("x.a", &archive(&[readme, object]), |member, function| {
            told.push(format!("{member} {function}"));
        })
        .unwrap();
        assert!(told.contains(&"a.o given".to_owned()), "{told:?}");
        assert!(!told.iter().any(|it| it.contains("wanted")), "{told:?}");
        assert!(functions("x.a", b"!<arch>\nhalf a head", |_, _| {}).is_err());
    }
}
