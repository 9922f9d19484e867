//! Custom sections of a module, left out or added: all others are copied as they are.

use anyhow::Context;
use wasmparser::{Parser, Payload};

/// A module without some of its custom sections.
#[derive(Clone, Debug)]
pub struct Cleared {
    /// The module.
    pub module: Vec<u8>,
    /// The sections that were left out, in their order, with the bytes each took in the file.
    pub sections: Vec<(String, usize)>,
}

/// The header of a module: its magic number and version.
const HEADER: usize = 8;

/// Whether only debuggers and tools of the build read a custom section of this name.
///
/// Sources: "Custom Sections" of WebAssembly's tool conventions (`name`, `producers`,
/// `target_features`, `linking`, `reloc.*`, `.debug_*`, `external_debug_info`, `build_id`), and
/// `sourceMappingURL` of the source map specification. `wasm-opt` reads `target_features`.
#[must_use]
pub fn debugger(name: &str) -> bool {
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

/// Leaves out the custom sections of these names. A module that has none comes out as it came in.
///
/// # Errors
/// When the module is broken.
pub fn clear(bytes: &[u8], unwanted: impl Fn(&str) -> bool) -> anyhow::Result<Cleared> {
    let mut module = bytes.get(..HEADER).context("it is cut off")?.to_vec();
    let (mut sections, mut at) = (Vec::new(), HEADER);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        let Some((_, range)) = payload.as_section() else { continue };
        let end = usize::try_from(range.end)?;
        let whole = bytes.get(at..end).context("its sections overlap")?;
        match &payload {
            Payload::CustomSection(section) if unwanted(section.name()) => {
                sections.push((section.name().to_owned(), whole.len()));
            }
            _ => module.extend_from_slice(whole),
        }
        at = end;
    }
    Ok(Cleared { module, sections })
}

/// Shows each custom section, its name and what it has.
///
/// # Errors
/// When the module is broken.
pub fn each(bytes: &[u8], mut see: impl FnMut(&str, &[u8])) -> anyhow::Result<()> {
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CustomSection(section) = payload? {
            see(section.name(), section.data());
        }
    }
    Ok(())
}

/// Adds a custom section behind all others.
pub fn push(module: &mut Vec<u8>, name: &str, payload: &[u8]) {
    let name_length = leb128(name.len());
    module.push(0);
    module.extend(leb128(name_length.len() + name.len() + payload.len()));
    module.extend(name_length);
    module.extend_from_slice(name.as_bytes());
    module.extend_from_slice(payload);
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit;

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
        let module = audit::Module::read(bytes).unwrap();
        let mut names: Vec<String> = module.custom().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_debuggers_read_goes_and_what_hosts_read_stays() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let cleared = clear(&bytes, debugger).unwrap();
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
    fn a_module_without_them_is_copied_byte_for_byte() {
        let bytes = wat::parse_str(MODULE).unwrap();
        assert_eq!(clear(&bytes, |_| false).unwrap().module, bytes);
        let cleared = clear(&bytes, debugger).unwrap().module;
        let again = clear(&cleared, debugger).unwrap();
        assert!(again.sections.is_empty() && again.module == cleared);
    }

    #[test]
    fn a_section_that_was_added_is_read_back() {
        let mut module = wat::parse_str("(module)").unwrap();
        push(&mut module, "mine", &[7; 300]);
        wasmparser::validate(&module).unwrap();
        let read = audit::Module::read(&module).unwrap();
        assert_eq!(read.custom().collect::<Vec<_>>(), [("mine", 300)]);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x00\x09"] {
            assert!(clear(bytes, debugger).is_err(), "{bytes:?}");
        }
    }
}
