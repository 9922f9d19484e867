//! Lists the functions that the members of an archive define, including local ones. Size reports
//! use this list to find out, by name, where the functions in a linked wasm module come from.

use object::read::archive::ArchiveFile;
use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolFlags, SymbolInfo};

use crate::read_error::ReadError;

/// Calls `visit` for each function that a member of an archive defines. The arguments are the
/// member's name, such as `call.o`, and the function's symbol. Members that are not object files
/// are skipped, as they are by the linker.
///
/// # Errors
/// If the archive or an object in it is malformed.
pub fn defined_functions(
    archive: &str,
    bytes: &[u8],
    mut visit: impl FnMut(&str, &str),
) -> Result<(), ReadError> {
    let malformed = ReadError::archive(archive);
    let file = ArchiveFile::parse(bytes).map_err(&malformed)?;
    if file.is_thin() {
        return Err(ReadError::Thin(archive.to_owned()));
    }
    for member in file.members() {
        let member = member.map_err(&malformed)?;
        let name = String::from_utf8_lossy(member.name());
        let bytes = member.data(bytes).map_err(&malformed)?;
        if !bytes.starts_with(b"\0asm") {
            continue;
        }
        let object = format!("{archive}({name})");
        let wasm = ReadError::wasm(&object);
        for payload in Parser::new(0).parse_all(bytes) {
            let Payload::CustomSection(section) = payload.map_err(&wasm)? else { continue };
            let KnownCustom::Linking(linking) = section.as_known() else { continue };
            for subsection in linking.subsections() {
                let Linking::SymbolTable(table) = subsection.map_err(&wasm)? else { continue };
                for symbol in table {
                    if let SymbolInfo::Func { flags, name: Some(function), .. } =
                        symbol.map_err(&wasm)?
                        && !flags.contains(SymbolFlags::UNDEFINED)
                    {
                        visit(&name, function);
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
    fn undefined_functions_are_not_listed() {
        let mut writer = Writer::new();
        writer.undefined_function("undefined", &[], &[]);
        writer.function("local", Binding::Local, &[], &[], Code::new());
        writer.function("global", Binding::Global, &[], &[], Code::new());
        let object = Member { name: "a.o".to_owned(), bytes: writer.finish() };
        let readme = Member { name: "README".to_owned(), bytes: b"text".to_vec() };
        let mut listed = Vec::new();
        defined_functions("x.a", &archive(&[readme, object]), |member, function| {
            listed.push(format!("{member} {function}"));
        })
        .unwrap();
        assert!(listed.contains(&"a.o global".to_owned()), "{listed:?}");
        assert!(!listed.iter().any(|it| it.contains("undefined")), "{listed:?}");
        assert!(defined_functions("x.a", b"!<arch>\nhalf a head", |_, _| {}).is_err());
    }
}
