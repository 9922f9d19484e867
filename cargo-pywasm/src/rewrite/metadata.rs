//! Custom sections of a module, read and written: every other byte of it stays as it was.

use anyhow::Context;
use wasm_encoder::{CustomSection, Section as _};
use wasmparser::BinaryReader;

use super::sections::{Section, sections};

/// The custom section in which a canister tells its interface, to anyone who asks.
///
/// Source: the interface specification of the Internet Computer, "Canister module format".
pub const CANDID: &str = "icp:public candid:service";

/// The export that gives the interface as text, of a canister that was not asked for it yet.
///
/// Source: `export_candid!` of ic-cdk; candid-extractor calls it.
pub const POINTER: &str = "get_candid_pointer";

const CUSTOM: u8 = 0;

/// The content of a custom section; of several with this name, the first.
///
/// # Errors
/// When the module is broken.
pub fn read<'a>(module: &'a [u8], name: &str) -> anyhow::Result<Option<&'a [u8]>> {
    for section in sections(module)? {
        if let Some((of, payload)) = custom(module, &section)?
            && of == name
        {
            return Ok(Some(payload));
        }
    }
    Ok(None)
}

/// The module with this custom section at its end, in the place of any that had its name. Nothing
/// changes when it is there already.
///
/// # Errors
/// When the module is broken.
pub fn embed(module: &[u8], name: &str, payload: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut there = Vec::new();
    for section in sections(module)? {
        if let Some((of, found)) = custom(module, &section)?
            && of == name
        {
            there.push((section, found == payload));
        }
    }
    if let [(_, true)] = there[..] {
        return Ok(module.to_vec());
    }
    let mut out = Vec::with_capacity(module.len() + payload.len() + name.len() + 16);
    let mut copied = 0;
    for (section, _) in &there {
        out.extend_from_slice(&module[copied..section.whole.start]);
        copied = section.whole.end;
    }
    out.extend_from_slice(&module[copied..]);
    CustomSection { name: name.into(), data: payload.into() }.append_to(&mut out);
    Ok(out)
}

/// The name and the payload of a custom section.
fn custom<'a>(module: &'a [u8], section: &Section) -> anyhow::Result<Option<(&'a str, &'a [u8])>> {
    if section.id != CUSTOM {
        return Ok(None);
    }
    let content = &module[section.content.clone()];
    let mut reader = BinaryReader::new(content, 0);
    let name = reader.read_string().context("a custom section has no name")?;
    Ok(Some((name, &content[content.len() - reader.bytes_remaining()..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> Vec<u8> {
        wat::parse_str(
            r#"(module
                (@custom "icp:public candid:service" (before first) "service : {}")
                (func (export "f"))
                (@custom "other" (after code) "stays")
                (@custom "icp:public candid:service" (after code) "a second one"))"#,
        )
        .unwrap()
    }

    #[test]
    fn a_section_takes_the_place_of_all_that_had_its_name() {
        let before = module();
        assert_eq!(read(&before, CANDID).unwrap(), Some(&b"service : {}"[..]));
        let after = embed(&before, CANDID, b"service : { a : () -> () }").unwrap();
        wasmparser::validate(&after).unwrap();
        assert_eq!(read(&after, CANDID).unwrap(), Some(&b"service : { a : () -> () }"[..]));
        assert_eq!(read(&after, "other").unwrap(), Some(&b"stays"[..]));
        let names = sections(&after).unwrap();
        let names = names.iter().filter_map(|it| custom(&after, it).unwrap());
        assert_eq!(names.map(|(name, _)| name).collect::<Vec<_>>(), ["other", CANDID]);
    }

    #[test]
    fn embedding_the_same_again_changes_no_byte() {
        let once = embed(&module(), CANDID, b"service : {}").unwrap();
        assert_eq!(embed(&once, CANDID, b"service : {}").unwrap(), once);
    }

    #[test]
    fn a_module_without_the_section_has_none_and_gets_it_at_its_end() {
        let bare = wat::parse_str("(module)").unwrap();
        assert_eq!(read(&bare, CANDID).unwrap(), None);
        let after = embed(&bare, CANDID, b"x").unwrap();
        assert!(after.starts_with(&bare) && read(&after, CANDID).unwrap() == Some(b"x"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = embed(&module(), CANDID, b"x").unwrap();
        let refused = |bytes: &[u8]| embed(bytes, CANDID, b"y").unwrap_err().to_string();
        assert!(refused(&whole[..whole.len() - 1]).contains("cut off"));
        assert!(refused(b"\0asm").contains("not a wasm module"));
        assert!(refused(b"\0asm\x01\0\0\0\0").contains("no head"));
    }
}
