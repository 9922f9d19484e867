//! Tests link sets of tiny objects. The expected outcomes are those of wasm-ld.

use std::collections::HashSet;

use super::table::is_segment_bound;
use super::*;
use wasm_encoder::{
    CodeSection, EntityType, Function, FunctionSection, ImportSection, LinkingSection, Module,
    SymbolTable, TypeSection, ValType,
};

/// An object to write, described by the functions that it uses and defines, in the order of its
/// symbols.
#[derive(Default)]
struct Source<'a> {
    /// The import module of the used functions, if it is not `env`.
    from: Option<&'a str>,
    uses: &'a [&'a str],
    /// True if the used functions have type `(i32) -> i64`.
    typed: bool,
    weak: bool,
    defines: &'a [&'a str],
    local: &'a [&'a str],
    data: &'a [&'a str],
}

impl Source<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([ValType::I32], [ValType::I64]);
        let mut imports = ImportSection::new();
        let mut table = SymbolTable::new();
        for (index, name) in self.uses.iter().enumerate() {
            let ty = EntityType::Function(u32::from(self.typed));
            imports.import(self.from.unwrap_or("env"), name, ty);
            let weakness = if self.weak { SymbolTable::WASM_SYM_BINDING_WEAK } else { 0 };
            table.function(SymbolTable::WASM_SYM_UNDEFINED | weakness, index as u32, None);
        }
        for name in self.data {
            table.data(SymbolTable::WASM_SYM_UNDEFINED, name, None);
        }
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        let local = SymbolTable::WASM_SYM_BINDING_LOCAL;
        let names = self.defines.iter().map(|name| (0, name));
        let names = names.chain(self.local.iter().map(|name| (local, name)));
        for (index, (flags, name)) in (self.uses.len() as u32..).zip(names) {
            table.function(flags, index, Some(name));
            functions.function(0);
            let mut body = Function::new([]);
            body.instructions().end();
            code.function(&body);
        }
        let mut linking = LinkingSection::new();
        linking.symbol_table(&table);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&code);
        module.section(&linking);
        module.finish()
    }
}

/// Writes an object that defines one function and refers to others.
fn object(defines: &str, uses: &[&str]) -> Vec<u8> {
    Source { defines: &[defines], uses, ..Source::default() }.bytes()
}

/// Writes an ar archive without an index.
fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in members {
        let name = format!("{name}/");
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len());
        bytes.extend(header.bytes());
        bytes.extend(data);
        if data.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn names(link: &Link) -> Vec<String> {
    link.undefined().into_iter().map(|symbol| symbol.name).collect()
}

#[test]
fn undefined_symbols_have_type_and_users() {
    let mut link = Link::new();
    let main = Source {
        defines: &["main"],
        uses: &["mpd_add", "__wasm_call_ctors"],
        typed: true,
        data: &["mpd_traphandler", "__heap_base"],
        ..Source::default()
    };
    link.object("main.o", &main.bytes()).unwrap();
    link.object("again.o", &object("again", &["mpd_add"])).unwrap();
    let undefined = link.undefined();
    let lines: Vec<String> = undefined
        .iter()
        .map(|it| format!("{} {} {}", it.name, it.kind, it.needed_by.join(" ")))
        .collect();
    assert_eq!(
        lines,
        // Neither object calls `mpd_add`, so the linker does not check its type.
        ["mpd_add () -> () again.o main.o", "mpd_traphandler data main.o"]
    );
}

#[test]
fn libc_symbols_are_undefined_without_libc() {
    let mut link = Link::new();
    link.object("crt1.o", &object("_start", &["__main_void", "__wasm_call_dtors"])).unwrap();
    assert_eq!(names(&link), ["__main_void", "__wasm_call_dtors"]);
}

#[test]
fn needed_members_are_pulled_transitively() {
    let lib = archive(&[
        ("a.o", object("a", &["b"])),
        ("b.o", object("b", &["nowhere"])),
        ("unused.o", object("unused", &["elsewhere"])),
    ]);
    let main = object("main", &["a"]);
    for archive_first in [false, true] {
        let mut link = Link::new();
        if archive_first {
            link.archive("lib.a", &lib).unwrap();
        }
        link.object("main.o", &main).unwrap();
        if !archive_first {
            link.archive("lib.a", &lib).unwrap();
        }
        assert_eq!(names(&link), ["nowhere"]);
        assert_eq!(link.undefined()[0].needed_by, ["lib.a(b.o)"]);
        assert_eq!(link.closure().pulled, ["lib.a(a.o)", "lib.a(b.o)"]);
    }

    let mut whole = Link::new();
    whole.whole_archive("lib.a", &lib).unwrap();
    assert_eq!(names(&whole), ["elsewhere", "nowhere"]);
    assert!(whole.closure().pulled.is_empty());
}

#[test]
fn object_definition_precedes_archive_member() {
    let lib = archive(&[("lib.o", object("foo", &["nowhere"]))]);
    let mut link = Link::new();
    link.object("main.o", &object("main", &["foo"])).unwrap();
    link.object("foo.o", &object("foo", &[])).unwrap();
    link.archive("lib.a", &lib).unwrap();
    assert_eq!(link.closure(), Closure::default());
}

#[test]
fn first_defining_member_is_pulled() {
    let both = archive(&[("1.o", object("foo", &["one"])), ("2.o", object("foo", &["two"]))]);
    let mut link = Link::new();
    link.archive("lib.a", &both).unwrap();
    link.object("main.o", &object("main", &["foo"])).unwrap();
    assert_eq!(link.closure().pulled, ["lib.a(1.o)"]);
    assert_eq!(names(&link), ["one"]);
}

#[test]
fn mutually_dependent_members_are_linked_once() {
    let lib = archive(&[
        ("a.o", Source { uses: &["b"], defines: &["a", "a2"], ..Source::default() }.bytes()),
        ("b.o", Source { uses: &["a2"], defines: &["b"], ..Source::default() }.bytes()),
    ]);
    let mut link = Link::new();
    link.archive("lib.a", &lib).unwrap();
    link.object("main.o", &object("main", &["a"])).unwrap();
    let closure = link.closure();
    assert_eq!(closure.pulled, ["lib.a(a.o)", "lib.a(b.o)"]);
    assert!(closure.undefined.is_empty());
}

#[test]
fn local_functions_do_not_resolve_references() {
    let mut link = Link::new();
    link.object("main.o", &object("main", &["quiet"])).unwrap();
    let other = Source { local: &["quiet"], ..Source::default() }.bytes();
    link.object("other.o", &other).unwrap();
    assert_eq!(names(&link), ["quiet"]);
}

#[test]
fn linker_defines_bounds_of_linked_segments() {
    let segments = HashSet::from(["hooks", ".data.x"]);
    assert!(
        is_segment_bound("__start_hooks", &segments) && is_segment_bound("__stop_hooks", &segments)
    );
    assert!(!is_segment_bound("__start_others", &segments));
    assert!(!is_segment_bound("__start_.data.x", &segments), "not a C identifier");
}

#[test]
fn imports_from_named_modules_are_not_undefined() {
    let mut link = Link::new();
    let from = Some("wasi_snapshot_preview1");
    let source = Source { from, defines: &["main"], uses: &["fd_write"], ..Source::default() };
    link.object("main.o", &source.bytes()).unwrap();
    assert!(names(&link).is_empty());
}

#[test]
fn weak_references_pull_no_members() {
    let lib = archive(&[("lib.o", object("maybe", &["nowhere"]))]);
    let weak = Source { defines: &["main"], uses: &["maybe"], weak: true, ..Source::default() };
    let mut link = Link::new();
    link.object("main.o", &weak.bytes()).unwrap();
    link.archive("lib.a", &lib).unwrap();
    assert_eq!(link.closure(), Closure::default());
    // A strong reference in another object pulls in the member.
    link.object("other.o", &object("other", &["maybe"])).unwrap();
    assert_eq!(names(&link), ["nowhere"]);
}

#[test]
fn unreadable_files_are_refused() {
    let mut link = Link::new();
    let linked = Module::new().finish();
    let error = link.object("app.wasm", &linked).unwrap_err();
    assert!(matches!(&error, ReadError::NotRelocatable(name) if name == "app.wasm"));
    assert!(matches!(link.object("x.o", b"text"), Err(ReadError::Wasm { .. })));
    assert!(matches!(link.archive("x.a", b"text"), Err(ReadError::Archive { .. })));
    // A thin archive contains only the names of its members. It must be refused: without the
    // members, the symbols that they need would be missing from the result.
    let thin = b"!<thin>\na.o/            0           0     0     644     8         `\n";
    assert!(matches!(link.archive("thin.a", thin), Err(ReadError::Thin(_))));
    // Nothing was added.
    assert!(link.undefined().is_empty());
}

#[test]
fn symbols_of_missing_functions_are_refused() {
    let mut table = SymbolTable::new();
    table.function(0, 7, Some("ghost"));
    let mut linking = LinkingSection::new();
    linking.symbol_table(&table);
    let mut module = Module::new();
    module.section(&linking);
    let error = Link::new().object("x.o", &module.finish()).unwrap_err();
    assert!(matches!(error, ReadError::NoSuchFunction { index: 7, .. }), "{error}");
}

/// Writes an object that calls a function, takes the address of another, and defines a third.
fn caller(name: &str, params: &[crate::ValType]) -> Vec<u8> {
    let mut writer = crate::Writer::new();
    let called = writer.undefined_function("called", params, &[]);
    let taken = writer.undefined_function("taken", params, &[]);
    let host = writer.imported_function("env", "log", params, &[]);
    let mut table = crate::Data::default();
    table.push_address(taken, 0);
    writer.data("table", crate::Binding::Local, 4, table);
    let code = crate::Code::new().call(called).call(host);
    writer.function(name, crate::Binding::Global, &[], &[], code);
    writer.finish()
}

#[test]
fn only_called_types_conflict() {
    let mut link = Link::new();
    link.object("a.o", &caller("a", &[])).unwrap();
    link.object("b.o", &caller("b", &[crate::ValType::I32])).unwrap();
    let closure = link.closure();
    let conflicts: Vec<&str> = closure.conflicts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(conflicts, ["__pywasm_env_log", "called"]);
    let line = |it: &Undefined| format!("{} {} {}", it.name, it.kind, it.needed_by.join(" "));
    assert_eq!(
        closure.undefined.iter().map(line).collect::<Vec<_>>(),
        ["called () -> () a.o", "called (i32) -> () b.o", "taken () -> () a.o b.o"]
    );
}

#[test]
fn host_functions_are_imports_unless_defined() {
    let mut link = Link::new();
    link.object("a.o", &caller("a", &[])).unwrap();
    let imports = link.closure().imports;
    assert_eq!((imports[0].0.module.as_str(), imports[0].0.name.as_str()), ("env", "log"));
    link.object("log.o", &object("__pywasm_env_log", &[])).unwrap();
    assert!(link.closure().imports.is_empty());
}

#[test]
fn archives_skip_text_and_refuse_foreign_objects() {
    let mut link = Link::new();
    link.archive("a.a", &archive(&[("README", b"text".to_vec()), ("a.o", object("a", &[]))]))
        .unwrap();
    let elf = archive(&[("a.o", b"\x7fELF\x02".to_vec())]);
    let message = link.archive("b.a", &elf).unwrap_err().to_string();
    assert!(message.starts_with("`b.a(a.o)` is an ELF file"), "{message}");
}
