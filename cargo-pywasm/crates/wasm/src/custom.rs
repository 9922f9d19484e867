//! Reads, removes and adds custom sections. All other bytes of a module are copied unchanged.

use anyhow::Context;
use wasm_encoder::{CustomSection, Section as _};
use wasmparser::BinaryReader;

use super::sections::{HEADER, Section, sections};

/// The custom section with a canister's public Candid interface.
///
/// Source: the interface specification of the Internet Computer, "Canister module format".
pub const CANDID: &str = "icp:public candid:service";

/// The custom section that marks a module as a snapshot.
pub const SNAPSHOT: &str = "pywasm:snapshot";

/// The exported function that returns the address of a canister's interface text. This text becomes
/// the content of the section [`CANDID`].
///
/// Source: `export_candid!` in ic-cdk, which defines this function for candid-extractor.
pub const POINTER: &str = "get_candid_pointer";

const CUSTOM: u8 = 0;

/// The result of removing custom sections from a module.
#[derive(Clone, Debug)]
pub struct Cleared {
    /// The module.
    pub module: Vec<u8>,
    /// The name of each removed section and its size in the file, in file order.
    pub sections: Vec<(String, usize)>,
}

/// Returns true if only debuggers and build tools read a custom section with this name.
///
/// Sources: "Custom Sections" in WebAssembly's tool conventions (`name`, `producers`,
/// `target_features`, `linking`, `reloc.*`, `.debug_*`, `external_debug_info`, `build_id`), and
/// `sourceMappingURL` from the source map specification. One of the build tools is `wasm-opt`,
/// which reads `target_features`.
#[must_use]
pub fn is_for_debuggers(name: &str) -> bool {
    const WHOLE: [&str; 7] = [
        "build_id",
        "external_debug_info",
        "linking",
        "name",
        "producers",
        "sourceMappingURL",
        "target_features",
    ];
    WHOLE.contains(&name) || name.starts_with(".debug_") || name.starts_with("reloc.")
}

/// Calls `visit` with the name and the payload of each custom section, in file order.
///
/// # Errors
/// When a section is truncated.
pub fn each<'a>(module: &'a [u8], mut visit: impl FnMut(&'a str, &'a [u8])) -> anyhow::Result<()> {
    for section in sections(module)? {
        if let Some((name, payload)) = custom(module, &section)? {
            visit(name, payload);
        }
    }
    Ok(())
}

/// Returns the payload of the first custom section with this name.
///
/// # Errors
/// When a section is truncated.
pub fn read<'a>(module: &'a [u8], name: &str) -> anyhow::Result<Option<&'a [u8]>> {
    let mut first = None;
    each(module, |of, payload| {
        if of == name {
            first.get_or_insert(payload);
        }
    })?;
    Ok(first)
}

/// Removes the custom sections for which `unwanted` returns true. A module without such sections is
/// returned unchanged.
///
/// # Errors
/// When a section is truncated.
pub fn clear(module: &[u8], unwanted: impl Fn(&str) -> bool) -> anyhow::Result<Cleared> {
    let all = sections(module)?;
    let mut kept = Vec::with_capacity(module.len());
    kept.extend_from_slice(&module[..HEADER]);
    let mut removed = Vec::new();
    for section in all {
        match custom(module, &section)? {
            Some((name, _)) if unwanted(name) => {
                removed.push((name.to_owned(), section.whole.len()));
            }
            _ => kept.extend_from_slice(&module[section.whole]),
        }
    }
    Ok(Cleared { module: kept, sections: removed })
}

/// Adds a custom section at the end of the module, and removes all other sections with the same
/// name. A module whose only section with this name already has this payload is returned unchanged.
///
/// # Errors
/// When a section is truncated.
pub fn embed(module: &[u8], name: &str, payload: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut present = Vec::new();
    each(module, |of, found| {
        if of == name {
            present.push(found == payload);
        }
    })?;
    if present == [true] {
        return Ok(module.to_vec());
    }
    let mut out = clear(module, |of| of == name)?.module;
    CustomSection { name: name.into(), data: payload.into() }.append_to(&mut out);
    Ok(out)
}

/// Returns the name and the payload of a custom section, or `None` if the section is not a custom
/// section.
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
    use crate::Module;

    const MODULE: &str = r#"(module
        (@custom "first" (before first) "x")
        (@custom "target_features" "\00")
        (@custom ".debug_info" "1234")
        (@custom "icp:public candid:service" "service : {}")
        (@custom "icp:private name" "kept")
        (@producers (language "C" "11"))
        (memory (export "memory") 1)
        (func $named (export "run") nop)
        (data (i32.const 0) "abc"))"#;

    fn names(bytes: &[u8]) -> Vec<String> {
        let module = Module::read(bytes).unwrap();
        let mut names: Vec<String> = module.custom().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn debug_sections_are_removed_and_others_kept() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let cleared = clear(&bytes, is_for_debuggers).unwrap();
        wasmparser::validate(&cleared.module).unwrap();
        assert_eq!(
            names(&cleared.module),
            ["first", "icp:private name", "icp:public candid:service"]
        );
        let mut gone: Vec<&str> = cleared.sections.iter().map(|(name, _)| name.as_str()).collect();
        gone.sort_unstable();
        assert_eq!(gone, [".debug_info", "name", "producers", "target_features"]);
        let bytes_gone: usize = cleared.sections.iter().map(|(_, size)| size).sum();
        assert_eq!(cleared.module.len() + bytes_gone, bytes.len());
    }

    #[test]
    fn module_without_debug_sections_is_unchanged() {
        let bytes = wat::parse_str(MODULE).unwrap();
        assert_eq!(clear(&bytes, |_| false).unwrap().module, bytes);
        let cleared = clear(&bytes, is_for_debuggers).unwrap().module;
        let again = clear(&cleared, is_for_debuggers).unwrap();
        assert!(again.sections.is_empty() && again.module == cleared);
    }

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
    fn added_section_replaces_all_of_its_name() {
        let before = module();
        assert_eq!(read(&before, CANDID).unwrap(), Some(&b"service : {}"[..]));
        let after = embed(&before, CANDID, b"service : { a : () -> () }").unwrap();
        wasmparser::validate(&after).unwrap();
        assert_eq!(read(&after, CANDID).unwrap(), Some(&b"service : { a : () -> () }"[..]));
        assert_eq!(read(&after, "other").unwrap(), Some(&b"stays"[..]));
        let mut names = Vec::new();
        each(&after, |name, _| names.push(name)).unwrap();
        assert_eq!(names, ["other", CANDID]);
    }

    #[test]
    fn adding_the_same_section_again_changes_nothing() {
        let once = embed(&module(), CANDID, b"service : {}").unwrap();
        assert_eq!(embed(&once, CANDID, b"service : {}").unwrap(), once);
    }

    #[test]
    fn new_section_is_appended() {
        let bare = wat::parse_str("(module)").unwrap();
        assert_eq!(read(&bare, CANDID).unwrap(), None);
        let after = embed(&bare, CANDID, b"x").unwrap();
        assert!(after.starts_with(&bare) && read(&after, CANDID).unwrap() == Some(b"x"));
    }

    #[test]
    fn truncated_module_is_refused() {
        let whole = embed(&module(), CANDID, b"x").unwrap();
        let refused = |bytes: &[u8]| {
            assert!(read(bytes, CANDID).is_err() && clear(bytes, is_for_debuggers).is_err());
            embed(bytes, CANDID, b"y").unwrap_err().to_string()
        };
        assert!(refused(&whole[..whole.len() - 1]).contains("truncated"));
        assert!(refused(b"\0asm").contains("not a wasm module"));
        assert!(refused(b"").contains("not a wasm module"));
        assert!(refused(b"\0asm\x01\0\0\0\0").contains("header is truncated"));
    }
}
