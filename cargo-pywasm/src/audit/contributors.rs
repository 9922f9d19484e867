//! What a module has most of: functions by where they come from, data segments, custom sections.
//!
//! Said with limits only; names are those of the name section, which `strip` takes away.

use std::collections::BTreeMap;

use super::module::Module;
use super::policy::Limited;

/// How many are told.
const MOST: usize = 10;

/// The largest contributors to what has a limit, the largest first; none where it is no sum of parts.
/// Of custom sections those count of which `counts` says so.
pub(super) fn largest(
    limited: Limited,
    module: &Module<'_>,
    names: &[&str],
    counts: impl Fn(&str) -> bool,
) -> Vec<String> {
    match limited {
        Limited::CodeSize => told(by_size(functions(module, names))),
        Limited::Functions if names.is_empty() => Vec::new(),
        Limited::Functions => {
            let by_count = functions(module, names).into_iter().map(|(label, part)| {
                let text = format!("{}, {} bytes: {label}", counted(part.count), part.bytes);
                (part.count, text)
            });
            told(by_count.collect())
        }
        Limited::DataSize => told(segments(module)),
        Limited::CustomSectionsSize => told(sections(module, counts)),
        Limited::Size | Limited::GzipSize => {
            let functions = by_size(functions(module, names)).into_iter();
            told(functions.chain(data(module)).chain(sections(module, |_| true)).collect())
        }
        _ => Vec::new(),
    }
}

#[derive(Clone, Copy, Default)]
struct Part {
    bytes: u64,
    count: u64,
}

/// By value, then by text, so that the same module always tells the same.
fn told(mut parts: Vec<(u64, String)>) -> Vec<String> {
    parts.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    parts.truncate(MOST);
    parts.into_iter().map(|(_, text)| text).collect()
}

fn counted(count: u64) -> String {
    if count == 1 { "1 function".to_owned() } else { format!("{count} functions") }
}

/// Without names each function is a part of its own.
fn functions(module: &Module<'_>, names: &[&str]) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    if names.is_empty() {
        // Of a million functions, only those that can be told.
        let mut all: Vec<(u32, u32)> = (module.imported_functions..)
            .zip(&module.bodies)
            .map(|(at, it)| (len(it), at))
            .collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.truncate(MOST);
        let part = |(bytes, at): (u32, u32)| {
            (format!("function {at}"), Part { bytes: u64::from(bytes), count: 1 })
        };
        return all.into_iter().map(part).collect();
    }
    for (function, range) in (module.imported_functions as usize..).zip(&module.bodies) {
        let name = names.get(function).copied().unwrap_or_default();
        let part = parts.entry(origin(name)).or_default();
        part.bytes += u64::from(len(range));
        part.count += 1;
    }
    parts
}

fn len(range: &std::ops::Range<u32>) -> u32 {
    range.end.saturating_sub(range.start)
}

fn by_size(parts: BTreeMap<String, Part>) -> Vec<(u64, String)> {
    let text = |(label, part): (String, Part)| {
        let text = if label.starts_with("function ") {
            format!("{} bytes: {label}", part.bytes)
        } else {
            format!("{} bytes, {}: {label}", part.bytes, counted(part.count))
        };
        (part.bytes, text)
    };
    parts.into_iter().map(text).collect()
}

fn segments(module: &Module<'_>) -> Vec<(u64, String)> {
    let mut all: Vec<(u32, usize)> = module.segments.iter().copied().zip(0..).collect();
    all.sort_unstable_by_key(|(bytes, at)| (std::cmp::Reverse(*bytes), *at));
    all.truncate(MOST);
    all.into_iter()
        .map(|(bytes, at)| (u64::from(bytes), format!("{bytes} bytes: data segment {at}")))
        .collect()
}

/// Beside other things: an optimizer leaves thousands of segments, none of which says how much they are.
fn data(module: &Module<'_>) -> Vec<(u64, String)> {
    let count = module.segments.len();
    if count <= MOST {
        return segments(module);
    }
    let bytes: u64 = module.segments.iter().map(|bytes| u64::from(*bytes)).sum();
    vec![(bytes, format!("{bytes} bytes: {count} data segments"))]
}

fn sections(module: &Module<'_>, counts: impl Fn(&str) -> bool) -> Vec<(u64, String)> {
    let section = |(name, bytes): (&str, usize)| {
        (bytes as u64, format!("{bytes} bytes: custom section `{name}`"))
    };
    module.custom().filter(|(name, _)| counts(name)).map(section).collect()
}

/// Where a function comes from, as its name tells: a crate of Rust's, or C code by its prefix.
fn origin(name: &str) -> String {
    if name.is_empty() {
        return "without a name".to_owned();
    }
    if let Ok(path) = rustc_demangle::try_demangle(name) {
        let path = format!("{path:#}");
        return krate(&path).map_or_else(|| "Rust".to_owned(), |it| format!("crate {it}"));
    }
    // `list_sort.llvm.7`, `run.command_export`: what follows is the compiler's.
    let name = name.split('.').next().unwrap_or(name);
    let word = name.trim_start_matches('_');
    let lead = &name[..name.len() - word.len()];
    let is_python = word.strip_prefix("Py").is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
    });
    if is_python {
        return format!("{lead}Py… of CPython");
    }
    match word.split_once('_') {
        Some((first, _)) if !first.is_empty() => format!("{lead}{first}_…"),
        _ => name.to_owned(),
    }
}

/// The first word of a path that another follows: `<&mut alloc::vec::Vec<u8> as core::…>::f`.
fn krate(path: &str) -> Option<&str> {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let before = path
        .match_indices("::")
        .map(|(at, _)| &path[..at])
        .find(|before| before.ends_with(is_word))?;
    let begin = before.rfind(|it| !is_word(it)).map_or(0, |at| at + 1);
    before.get(begin..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_by_where_they_come_from() {
        for (name, wanted) in [
            ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "crate core"),
            (
                "_ZN50_$LT$T$u20$as$u20$core..convert..Into$LT$U$GT$$GT$4into17h0123456789abcdefE",
                "crate core",
            ),
            ("_RNvCs1234_7mycrate3foo", "crate mycrate"),
            ("_PyLong_Add", "_Py… of CPython"),
            ("PyUnicode_New", "Py… of CPython"),
            ("_Py_Dealloc", "_Py… of CPython"),
            ("Pynot", "Pynot"),
            ("mpd_qadd", "mpd_…"),
            ("__ic_custom_fd_write", "__ic_…"),
            ("list_sort.llvm.77", "list_…"),
            ("run.command_export", "run"),
            ("malloc", "malloc"),
            ("_", "_"),
            ("__", "__"),
            ("", "without a name"),
        ] {
            assert_eq!(origin(name), wanted, "{name}");
        }
        assert_eq!(krate("<&mut alloc::vec::Vec<u8> as core::fmt::Debug>::fmt"), Some("alloc"));
        assert_eq!(krate("<(dyn a::B) as c::D>::e"), Some("a"));
        assert_eq!(krate("<u8>::f"), None);
    }

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
        let of = |limited| largest(limited, &module, &names, |_| true);
        assert_eq!(
            of(Limited::CodeSize),
            ["8 bytes, 1 function: _Py… of CPython", "6 bytes, 2 functions: mpd_…"]
        );
        assert_eq!(
            of(Limited::Functions),
            ["2 functions, 6 bytes: mpd_…", "1 function, 8 bytes: _Py… of CPython"]
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
        let of = |limited| largest(limited, &module, &[], |_| true);
        assert_eq!(of(Limited::Size), ["110 bytes: 11 data segments"]);
        assert_eq!(of(Limited::DataSize).len(), MOST);
    }

    #[test]
    fn without_names_the_largest_functions_are_told_by_index() {
        let bytes = module();
        let module = Module::read(&bytes).unwrap();
        let told = largest(Limited::CodeSize, &module, &[], |_| true);
        assert_eq!(told[0], "8 bytes: function 3");
        assert_eq!(told.len(), 3);
        assert!(largest(Limited::Functions, &module, &[], |_| true).is_empty());
    }
}
