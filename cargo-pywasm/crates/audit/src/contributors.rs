//! What a module has most of: functions by where they come from, Python's frozen code, data, custom sections.
//!
//! Said with limits only, by the attribution of `size`; names are those of the name section, which `strip`
//! takes away.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use pywasm_size::{self as size, Evidence, Kind, Row};
use pywasm_wasm::Module;

use super::policy::Limited;

/// How many are told.
const MOST: usize = 10;

/// The largest contributors to what has a limit, the largest first; none where it is no sum of parts.
/// Of custom sections those count of which `counts` says so.
///
/// # Errors
/// When the module is broken where nobody has looked yet.
pub(super) fn largest(
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
    let all = size::of_module(module, names, Evidence::default())?;
    let is_wanted = |row: &Row| {
        let section = all.text(row.section);
        if let Some(name) = section.strip_prefix("custom section `") {
            let name = name.strip_suffix('`').unwrap_or(name);
            // Its head counts for nothing.
            return row.origin == row.section
                && match limited {
                    Limited::CustomSectionsSize => counts(name),
                    Limited::Size | Limited::GzipSize => true,
                    _ => false,
                };
        }
        let wanted = match limited {
            Limited::CodeSize | Limited::Functions => section == "code",
            Limited::DataSize => section == "data",
            Limited::Size | Limited::GzipSize => true,
            _ => false,
        };
        // What the format needs nobody can do without.
        wanted && row.kind != Kind::Format
    };
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for row in all.rows.iter().filter(|row| is_wanted(row)) {
        // What nobody is known to have brought is told by what it is.
        let is_nobodys =
            row.kind == Kind::Unknown && (names.is_empty() || all.text(row.section) == "data");
        let id = if is_nobodys { row.name } else { row.origin };
        let part = parts.entry(all.text(id)).or_default();
        part.bytes += row.bytes;
        if all.text(row.section) == "code" {
            part.functions += u64::from(row.count);
        }
    }
    let mut parts: Vec<(&str, Part)> = parts.into_iter().collect();
    // By value, then by text, so that the same module always tells the same.
    parts.sort_by_key(|(_, part)| {
        let functions = if limited == Limited::Functions { part.functions } else { 0 };
        Reverse((functions, part.bytes))
    });
    parts.truncate(MOST);
    let told = |(label, part): (&str, Part)| {
        let (bytes, functions) = (part.bytes, counted(part.functions));
        match limited {
            Limited::Functions => format!("{functions}, {bytes} bytes: {label}"),
            _ if part.functions > 0 && !label.starts_with("function ") => {
                format!("{bytes} bytes, {functions}: {label}")
            }
            _ => format!("{bytes} bytes: {label}"),
        }
    };
    Ok(parts.into_iter().map(told).collect())
}

#[derive(Clone, Copy, Default)]
struct Part {
    bytes: u64,
    functions: u64,
}

fn counted(count: u64) -> String {
    if count == 1 { "1 function".to_owned() } else { format!("{count} functions") }
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
    fn the_largest_come_first_and_counts_by_count() {
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
    fn many_segments_are_told_as_one_beside_functions() {
        let segments: String =
            (0..11).map(|at| format!("(data (i32.const {at}) \"0123456789\")")).collect();
        let bytes = wat::parse_str(format!("(module (memory 1) {segments})")).unwrap();
        let module = Module::read(&bytes).unwrap();
        let of = |limited| largest(limited, &module, &[], |_| true).unwrap();
        assert_eq!(of(Limited::Size), ["110 bytes: data segments"]);
        assert_eq!(of(Limited::DataSize), ["110 bytes: data segments"]);
    }

    #[test]
    fn without_names_the_largest_functions_are_told_by_index() {
        let bytes = module();
        let module = Module::read(&bytes).unwrap();
        let told = largest(Limited::CodeSize, &module, &[], |_| true).unwrap();
        assert_eq!(told[0], "9 bytes: function 3");
        assert_eq!(told.len(), 3);
        assert!(largest(Limited::Functions, &module, &[], |_| true).unwrap().is_empty());
    }
}
