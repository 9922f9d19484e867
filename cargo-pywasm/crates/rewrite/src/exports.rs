//! Removes exports. All other bytes of a module are copied unchanged.

use anyhow::Context;
use pywasm_wasm::sections::{HEADER, kind, sections};
use wasm_encoder::{ExportSection, Section as _};
use wasmparser::{BinaryReader, ExportSectionReader};

const EXPORTS: u8 = 7;

/// Returns the module without the exports for which `unwanted` returns true. The exported items
/// themselves stay in the module.
///
/// # Errors
/// When the module is malformed.
pub fn without_exports(module: &[u8], unwanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(module.len());
    let all = sections(module)?;
    out.extend_from_slice(&module[..HEADER]);
    for section in all {
        if section.id != EXPORTS {
            out.extend_from_slice(&module[section.whole]);
            continue;
        }
        let content = BinaryReader::new(&module[section.content], 0);
        let mut exports = ExportSection::new();
        for export in
            ExportSectionReader::new(content).context("the export section is malformed")?
        {
            let export = export.context("the export section is malformed")?;
            if !unwanted(export.name) {
                exports.export(export.name, kind(export.kind), export.index);
            }
        }
        exports.append_to(&mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn export_is_removed_and_its_item_kept() {
        let text = r#"(module (memory (export "memory") 1)
            (func $f (export "a") (export "b")) (func (export "c") call $f))"#;
        let module = wat::parse_str(text).unwrap();
        let result = without_exports(&module, |name| name == "a" || name == "memory").unwrap();
        wasmparser::validate(&result).unwrap();
        let names = |module: &[u8]| -> Vec<String> {
            let read = pywasm_wasm::Module::read(module).unwrap();
            read.exports.iter().map(|export| export.name.to_owned()).collect()
        };
        assert_eq!(names(&result), ["b", "c"]);
        assert_eq!(without_exports(&module, |_| false).unwrap(), module);
    }
}
