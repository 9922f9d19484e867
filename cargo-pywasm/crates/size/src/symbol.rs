//! Finds the origin of a function or variable from its symbol, and the origin of an object file
//! from its path.

use crate::Kind;
use crate::origin::{Object, Origin};

/// Derives the kind and the origin of a function from its symbol.
pub(crate) fn origin_of(name: &str) -> (Kind, Origin) {
    if name.is_empty() {
        return (Kind::Unknown, Origin::Unnamed);
    }
    if let Some(origin) = rust_origin(name) {
        return (Kind::Rust, origin);
    }
    // The compiler and the linker add suffixes: `list_sort.llvm.7`, `run.command_export`.
    let name = name.split('.').next().unwrap_or(name);
    let word = name.trim_start_matches('_');
    let underscores = &name[..name.len() - word.len()];
    let is_python = word.strip_prefix("Py").is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
    });
    if is_python {
        return (Kind::C, Origin::object(&format!("{underscores}Py… of CPython")));
    }
    let group = match word.split_once('_') {
        Some((first, _)) if !first.is_empty() => format!("{underscores}{first}_…"),
        _ => name.to_owned(),
    };
    (Kind::C, Origin::object(&group))
}

/// Returns the origin of a symbol mangled by rustc. A generic function belongs to the crate of its
/// type or trait, not to the crate that instantiates it.
pub(crate) fn rust_origin(name: &str) -> Option<Origin> {
    let path = format!("{:#}", demangled(name)?);
    Some(crate_of(&path).map_or(Origin::Rust, |name| Origin::Crate(name.to_owned())))
}

/// Returns a symbol as it is written in source code, without the hash that rustc adds.
pub(crate) fn display_name(name: &str) -> String {
    demangled(name).map_or_else(|| name.to_owned(), |path| format!("{path:#}"))
}

/// The maximum length of a symbol that is demangled. Longer names would be unreadable.
const MAX_MANGLED: usize = 4096;

fn demangled(name: &str) -> Option<rustc_demangle::Demangle<'_>> {
    if name.len() > MAX_MANGLED {
        return None;
    }
    rustc_demangle::try_demangle(name).ok()
}

/// Returns the first crate in a path, which is the first word that is followed by `::`. In `<&mut
/// alloc::vec::Vec<u8> as core::…>::f`, it is `alloc`.
fn crate_of(path: &str) -> Option<&str> {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let before = path
        .match_indices("::")
        .map(|(at, _)| &path[..at])
        .find(|before| before.ends_with(is_word))?;
    let start = before.rfind(|it| !is_word(it)).map_or(0, |at| at + 1);
    before.get(start..)
}

/// The object name in linker maps for code and data that the linker generates.
const INTERNAL: &str = "<internal>";

/// Returns the kind and the origin of an object file, and its name. Directories are omitted because
/// they differ between machines. Hashes from Cargo and rustc are omitted because they differ
/// between builds.
///
/// `path` is the path in a linker map, such as `…/libpython3.13.a(call.o)`,
/// `…/libstd-0123.rlib(std-0123.….rcgu.o)` or `…/deps/demo-0123.….rcgu.o`.
pub(crate) fn object_of(path: &str) -> (Kind, Origin, Option<Object>) {
    let archive = path.split_once('(').map_or(path, |(archive, _)| archive);
    let file = archive.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let file = &path[file..];
    if file == INTERNAL {
        return (Kind::Unknown, Origin::Linker, None);
    }
    if file.is_empty() {
        return (Kind::C, Origin::object(""), None);
    }
    let Ok(Object { archive, name }) = file.parse();
    let library = archive.as_deref().and_then(|it| it.strip_suffix(".rlib")).map(without_hash);
    if !name.contains(".rcgu.") {
        let archive = match library {
            Some(library) => Some(format!("{library}.rlib")),
            None => archive,
        };
        let object = Object { archive, name };
        return (Kind::C, Origin::Object(object.clone()), Some(object));
    }
    let unit = without_hash(name.split('.').next().unwrap_or(&name));
    let crate_name = library.and_then(|it| it.strip_prefix("lib")).unwrap_or(unit);
    let name = library.map_or_else(|| format!("{unit}.rcgu.o"), |it| format!("{it}.rlib"));
    let origin = Origin::Crate(crate_name.to_owned());
    (Kind::Rust, origin, Some(Object { archive: None, name }))
}

/// Returns `demo` for `demo-0123456789abcdef`.
fn without_hash(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.bytes().all(|it| it.is_ascii_hexdigit()) => name,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbol_has_an_origin() {
        for (name, expected) in [
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
            assert_eq!(origin_of(name).1.to_string(), expected, "{name}");
        }
        assert_eq!(crate_of("<&mut alloc::vec::Vec<u8> as core::fmt::Debug>::fmt"), Some("alloc"));
        assert_eq!(crate_of("<(dyn a::B) as c::D>::e"), Some("a"));
        assert_eq!(crate_of("<u8>::f"), None);
    }

    #[test]
    fn object_has_no_directory_and_no_hash() {
        for (path, kind, origin, object) in [
            (
                "/s/libpython3.13.a(call.o)",
                Kind::C,
                "libpython3.13.a(call.o)",
                "libpython3.13.a(call.o)",
            ),
            ("C:\\s\\crt1-command.o", Kind::C, "crt1-command.o", "crt1-command.o"),
            ("/t/my_demo-48ecdcfc.07m5.0jm0.rcgu.o", Kind::Rust, "crate my_demo", "my_demo.rcgu.o"),
            ("/t/demo.demo.8957-cgu.0.rcgu.o", Kind::Rust, "crate demo", "demo.rcgu.o"),
            (
                "/r/libstd-66e0.rlib(std-66e0.std.8f-cgu.0.rcgu.o)",
                Kind::Rust,
                "crate std",
                "libstd.rlib",
            ),
            (
                "/r/liblibz-01.rlib(0123-adler32.o)",
                Kind::C,
                "liblibz.rlib(0123-adler32.o)",
                "liblibz.rlib(0123-adler32.o)",
            ),
            ("<internal>", Kind::Unknown, "generated by the linker", "none"),
            ("", Kind::C, "", "none"),
        ] {
            let (found_kind, found_origin, found_object) = object_of(path);
            let found_object = found_object.map_or("none".to_owned(), |it| it.to_string());
            assert_eq!(
                (found_kind, found_origin.to_string().as_str(), found_object.as_str()),
                (kind, origin, object),
                "{path}"
            );
        }
    }
}
