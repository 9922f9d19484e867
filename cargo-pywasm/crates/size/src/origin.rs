//! Whose something is, as names tell: a crate of Rust's, an object, or C code by the prefix of its name.

use super::Kind;

/// What has no name.
pub(crate) const NAMELESS: &str = "without a name";

/// Where a function or a variable comes from, as its name tells.
pub(crate) fn of_name(name: &str) -> (Kind, String) {
    if name.is_empty() {
        return (Kind::Unknown, NAMELESS.to_owned());
    }
    if let Some(found) = of_rust(name) {
        return (Kind::Rust, found);
    }
    // `list_sort.llvm.7`, `run.command_export`: what follows is the compiler's.
    let name = name.split('.').next().unwrap_or(name);
    let word = name.trim_start_matches('_');
    let lead = &name[..name.len() - word.len()];
    let is_python = word.strip_prefix("Py").is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
    });
    if is_python {
        return (Kind::C, format!("{lead}Py… of CPython"));
    }
    let family = match word.split_once('_') {
        Some((first, _)) if !first.is_empty() => format!("{lead}{first}_…"),
        _ => name.to_owned(),
    };
    (Kind::C, family)
}

/// The crate of a name that rustc has mangled: `crate core`. Of a generic function it is the crate of the
/// type or the trait, not of who called for it.
pub(crate) fn of_rust(name: &str) -> Option<String> {
    let path = format!("{:#}", demangled(name)?);
    Some(krate(&path).map_or_else(|| "Rust".to_owned(), |it| format!("crate {it}")))
}

/// A name as people wrote it, without the hash that tells instances apart.
pub(super) fn told(name: &str) -> String {
    demangled(name).map_or_else(|| name.to_owned(), |path| format!("{path:#}"))
}

/// Longer names take more time to print than they are worth; nobody reads them.
const LONGEST: usize = 4096;

fn demangled(name: &str) -> Option<rustc_demangle::Demangle<'_>> {
    // What an optimizer has put behind a name that was there twice.
    if name.len() > LONGEST {
        return None;
    }
    rustc_demangle::try_demangle(name).ok()
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

/// What the linker calls its own in a map.
const INTERNAL: &str = "<internal>";

/// Whose an object is, by the path that the linker knows it by, and what it is called: without directories,
/// which are those of one machine, and without the hashes of Cargo and rustc, which are those of one build.
///
/// `…/libpython3.13.a(call.o)`, `…/libstd-0123.rlib(std-0123.….rcgu.o)`, `…/deps/demo-0123.….rcgu.o`.
pub(super) fn of_object(path: &str) -> (Kind, String, String) {
    let archive = path.split_once('(').map_or(path, |(archive, _)| archive);
    let from = archive.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let object = &path[from..];
    // Constructors' calls, and strings of which the linker has made one each.
    if object == INTERNAL {
        return (Kind::Unknown, "made by the linker".to_owned(), String::new());
    }
    let (archive, member) = match object.strip_suffix(')').and_then(|it| it.split_once('(')) {
        Some((archive, member)) => (archive, member),
        None => ("", object),
    };
    let library = archive.strip_suffix(".rlib").map(unhashed);
    if !member.contains(".rcgu.") {
        let object = match library {
            Some(library) => format!("{library}.rlib({member})"),
            None => object.to_owned(),
        };
        return (Kind::C, object.clone(), object);
    }
    let unit = unhashed(member.split('.').next().unwrap_or(member));
    let name = library.and_then(|it| it.strip_prefix("lib")).unwrap_or(unit);
    let object = library.map_or_else(|| format!("{unit}.rcgu.o"), |it| format!("{it}.rlib"));
    (Kind::Rust, format!("crate {name}"), object)
}

/// `demo` of `demo-0123456789abcdef`.
fn unhashed(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.bytes().all(|it| it.is_ascii_hexdigit()) => name,
        _ => stem,
    }
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
            assert_eq!(of_name(name).1, wanted, "{name}");
        }
        assert_eq!(krate("<&mut alloc::vec::Vec<u8> as core::fmt::Debug>::fmt"), Some("alloc"));
        assert_eq!(krate("<(dyn a::B) as c::D>::e"), Some("a"));
        assert_eq!(krate("<u8>::f"), None);
    }

    #[test]
    fn objects_are_told_without_what_is_one_machines_or_one_builds() {
        for (path, kind, origin, object) in [
            ("/s/libpython3.13.a(call.o)", Kind::C, "libpython3.13.a(call.o)", None),
            ("C:\\s\\crt1-command.o", Kind::C, "crt1-command.o", None),
            (
                "/t/my_demo-48ecdcfc.07m5.0jm0.rcgu.o",
                Kind::Rust,
                "crate my_demo",
                Some("my_demo.rcgu.o"),
            ),
            ("/t/demo.demo.8957-cgu.0.rcgu.o", Kind::Rust, "crate demo", Some("demo.rcgu.o")),
            (
                "/r/libstd-66e0.rlib(std-66e0.std.8f-cgu.0.rcgu.o)",
                Kind::Rust,
                "crate std",
                Some("libstd.rlib"),
            ),
            ("/r/liblibz-01.rlib(0123-adler32.o)", Kind::C, "liblibz.rlib(0123-adler32.o)", None),
            ("<internal>", Kind::Unknown, "made by the linker", Some("")),
            ("", Kind::C, "", None),
        ] {
            let wanted = (kind, origin.to_owned(), object.unwrap_or(origin).to_owned());
            assert_eq!(of_object(path), wanted, "{path}");
        }
    }
}
