//! The largest contributors to a limited value: functions by origin, frozen Python code, data, and
//! custom sections.
//!
//! The crate `pywasm-size` attributes the bytes. Functions are attributed by name, so the report
//! for a stripped module is less precise.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use pywasm_size::{Breakdown, Evidence, Kind, Origin, Row, Section};
use pywasm_wasm::Module;

use crate::policy::Limited;

/// The maximum number of contributors that are reported.
const MAX_CONTRIBUTORS: usize = 10;

/// Returns the largest contributors to a limited value in descending order, or an empty list if the
/// value is not a sum. The limit on the size of custom sections applies to the sections for which
/// `counts` returns true.
///
/// # Errors
/// When the module is malformed.
pub(crate) fn largest(
    limited: Limited,
    module: &Module<'_>,
    names: &[&str],
    counts: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<String>> {
    let is_sum = matches!(
        limited,
        Limited::CodeSize
            | Limited::Functions
            | Limited::DataSize
            | Limited::CustomSectionsSize
            | Limited::Size
            | Limited::GzipSize
    );
    if !is_sum || (limited == Limited::Functions && names.is_empty()) {
        return Ok(Vec::new());
    }
    let all = pywasm_size::of_module(module, names, Evidence::default())?;
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for row in all.rows.iter().filter(|row| contributes(limited, &all, row, &counts)) {
        let is_code = *all.section(row) == Section::CODE;
        // All unattributed data shares one origin, and so do all unnamed functions. The row's name
        // is more precise, so it is the label.
        let is_unattributed = row.kind == Kind::Unknown && (names.is_empty() || !is_code);
        let label = match all.name(row) {
            Some(name) if is_unattributed => name.to_owned(),
            _ => all.origin(row).to_string(),
        };
        let part = parts.entry(label).or_default();
        part.bytes += row.bytes;
        part.is_one |= is_unattributed && row.count == 1;
        if is_code {
            part.functions += u64::from(row.count);
        }
    }
    let mut parts: Vec<(String, Part)> = parts.into_iter().collect();
    // The sort is stable: parts of equal size stay sorted by label.
    parts.sort_by_key(|(_, part)| {
        let functions = if limited == Limited::Functions { part.functions } else { 0 };
        Reverse((functions, part.bytes))
    });
    parts.truncate(MAX_CONTRIBUTORS);
    let line = |(label, part): (String, Part)| {
        let (bytes, functions) = (counted(part.bytes, "byte"), part.functions);
        match limited {
            Limited::Functions => format!("{}, {bytes}: {label}", counted(functions, "function")),
            _ if functions > 0 && !part.is_one => {
                format!("{bytes}, {}: {label}", counted(functions, "function"))
            }
            _ => format!("{bytes}: {label}"),
        }
    };
    Ok(parts.into_iter().map(line).collect())
}

/// Returns true if a row is reported as a contributor to a limited value. Structural bytes (section
/// headers, the type section) are not reported, because they cannot be removed.
fn contributes(
    limited: Limited,
    all: &Breakdown,
    row: &Row,
    counts: impl Fn(&str) -> bool,
) -> bool {
    let is_whole = matches!(limited, Limited::Size | Limited::GzipSize);
    match all.section(row) {
        Section::Custom(name) => {
            let is_content = matches!(all.origin(row), Origin::Section(_));
            is_content && (is_whole || (limited == Limited::CustomSectionsSize && counts(name)))
        }
        section => {
            let is_limited = match limited {
                Limited::CodeSize | Limited::Functions => *section == Section::CODE,
                Limited::DataSize => *section == Section::DATA,
                _ => is_whole,
            };
            is_limited && row.kind != Kind::Format
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Part {
    bytes: u64,
    functions: u64,
    /// True if the part is a single function without a name. The number of functions is then not
    /// shown.
    is_one: bool,
}

fn counted(count: u64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module() -> Vec<u8> {
        wat::parse_str(
            r#"(module (import "env" "f" (func)) (memory 1)
                (func $mpd_one nop) (func $mpd_two nop) (func $_PyLong_Big nop nop nop nop nop nop)
                (data (i32.const 0) "0123456789") (data (i32.const 100) "0123456789abcdef"))"#,
        )
        .unwrap()
    }

    #[test]
    fn largest_contributor_comes_first() {
        let bytes = module();
        let module = Module::read(&bytes).unwrap();
        let names = module.names().unwrap();
        let of = |limited| largest(limited, &module, &names, |_| true).unwrap();
        assert_eq!(
            of(Limited::CodeSize),
            ["9 bytes, 1 function: _Py… of CPython", "8 bytes, 2 functions: mpd_…"]
        );
        assert_eq!(
            of(Limited::Functions),
            ["2 functions, 8 bytes: mpd_…", "1 function, 9 bytes: _Py… of CPython"]
        );
        assert_eq!(of(Limited::DataSize), ["16 bytes: data segment 1", "10 bytes: data segment 0"]);
        assert!(of(Limited::Size)[0].ends_with("custom section `name`"), "{:?}", of(Limited::Size));
        assert!(of(Limited::Globals).is_empty());
    }

    #[test]
    fn many_segments_are_one_contributor() {
        let segments: String =
            (0..11).map(|at| format!("(data (i32.const {at}) \"0123456789\")")).collect();
        let bytes = wat::parse_str(format!("(module (memory 1) {segments})")).unwrap();
        let module = Module::read(&bytes).unwrap();
        let of = |limited| largest(limited, &module, &[], |_| true).unwrap();
        assert_eq!(of(Limited::Size), ["110 bytes: data segments"]);
        assert_eq!(of(Limited::DataSize), ["110 bytes: data segments"]);
    }

    #[test]
    fn unnamed_functions_are_reported_by_index() {
        let bytes = module();
        let module = Module::read(&bytes).unwrap();
        let found = largest(Limited::CodeSize, &module, &[], |_| true).unwrap();
        assert_eq!(found[0], "9 bytes: function 3");
        assert_eq!(found.len(), 3);
        assert!(largest(Limited::Functions, &module, &[], |_| true).unwrap().is_empty());
    }
}
