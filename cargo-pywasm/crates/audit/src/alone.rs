//! Audits an object or an archive without the other files of its link.

use pywasm_stubs::{Link, Object};

use crate::finding::Finding;
use crate::link::link;
use crate::policy::Policy;

/// The crates of Rust's standard library, which rustc adds to each static library. rustc appends
/// `-HASH` to their names.
const SYSROOT: [&str; 22] = [
    "addr2line",
    "adler2",
    "alloc",
    "cfg_if",
    "compiler_builtins",
    "core",
    "dlmalloc",
    "gimli",
    "hashbrown",
    "libc",
    "memchr",
    "miniz_oxide",
    "object",
    "panic_abort",
    "panic_unwind",
    "rustc_demangle",
    "rustc_std_workspace_alloc",
    "rustc_std_workspace_core",
    "std",
    "std_detect",
    "unwind",
    "wasip1",
];

/// The endings of members that rustc compiled, and of those that come from compiler-rt, which
/// `compiler_builtins` contains.
const BY_RUSTC: &str = ".rcgu.o";
const COMPILER_RT: &str = ".c.obj";

/// Audits the members of an archive, or a single object. libc is assumed to be present, because
/// every link includes it.
///
/// All members are audited, except that a static library of rustc needs only a part of the standard
/// library that it contains.
#[must_use]
pub fn alone(objects: Vec<Object>, policy: &Policy) -> Vec<Finding> {
    let is_rust = objects.iter().any(|object| is_of_sysroot(&object.name));
    let is_optional =
        |name: &str| is_rust && (is_of_sysroot(name) || file_name(name).ends_with(COMPILER_RT));
    let mut link_set = Link::new();
    for object in objects {
        let is_lazy = is_optional(&object.name);
        link_set.push(object, is_lazy);
    }
    let mut closure = link_set.closure();
    closure.undefined.retain(|undefined| {
        // What only the standard library needs is in the libc that comes with Rust.
        !pywasm_stubs::is_libc_symbol(&undefined.name)
            && !undefined.needed_by.iter().all(|object| is_optional(object))
    });
    link(&closure, policy)
}

/// Returns the file name of an object, without the name of its archive.
fn file_name(name: &str) -> String {
    let Ok(object) = name.parse::<pywasm_size::Object>();
    object.name
}

/// Returns true for `ARCHIVE(CRATE-HASH.….rcgu.o)` if the crate belongs to the standard library.
fn is_of_sysroot(name: &str) -> bool {
    let member = file_name(name);
    let of = member.split_once('-').map(|(of, _)| of);
    member.ends_with(BY_RUSTC) && of.is_some_and(|of| SYSROOT.contains(&of))
}

#[cfg(test)]
mod tests {
    use pywasm_stubs::{Binding, Code, Writer};

    use super::*;

    /// Creates a member with this name that defines a function and calls others.
    fn member(name: &str, defines: &str, calls: &[&str]) -> Object {
        let mut writer = Writer::new();
        let mut code = Code::new();
        for name in calls {
            code = code.call(writer.undefined_function(name, &[], &[]));
        }
        writer.function(defines, Binding::Global, &[], &[], code);
        Object::read(&format!("libx.a({name})"), &writer.finish()).unwrap()
    }

    fn undefined(objects: Vec<Object>) -> Vec<String> {
        let policy = Policy::load("wasip1", "".into()).unwrap();
        alone(objects, &policy).into_iter().map(|finding| finding.subject).collect()
    }

    const STD: &str = "std-bb8e8480c2405e3e.std.669281ecc41d73a2-cgu.0.rcgu.o";

    #[test]
    fn static_library_of_rustc_needs_only_a_part_of_std() {
        let own = "x-0123456789abcdef.x.89ab-cgu.0.rcgu.o";
        let objects = vec![
            member(own, "run", &["print", "missing"]),
            member(STD, "print", &["pthread_create", "malloc"]),
            member("gcc_personality_v0.c.obj", "__gcc_personality_v0", &["_Unwind_GetIP"]),
        ];
        assert_eq!(undefined(objects), ["missing"]);
    }

    #[test]
    fn all_members_of_other_archives_are_audited() {
        let objects = vec![member("a.o", "a", &["pthread_create"]), member("b.c.obj", "b", &["c"])];
        assert_eq!(undefined(objects), ["c", "pthread_create"]);
    }
}
