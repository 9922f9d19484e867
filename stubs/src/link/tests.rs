//! Link sets of tiny objects, against what wasm-ld makes of the same.

use std::collections::HashSet;

use super::table::is_a_bound;
use super::*;
use wasm_encoder::{
    CodeSection, EntityType, Function, FunctionSection, ImportSection, LinkingSection, Module,
    SymbolTable, TypeSection, ValType,
};

/// An object to be written: functions it wants and has, in this order of symbols.
#[derive(Default)]
struct Text<'a> {
    from: Option<&'a str>,
    wants: &'a [&'a str],
    /// The wanted functions return an i64 and take an i32.
    typed: bool,
    weak: bool,
    has: &'a [&'a str],
    local: &'a [&'a str],
    data: &'a [&'a str],
}

impl Text<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([ValType::I32], [ValType::I64]);
        let mut imports = ImportSection::new();
        let mut table = SymbolTable::new();
        for (index, name) in self.wants.iter().enumerate() {
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
        let names = self.has.iter().map(|name| (0, name));
        let names = names.chain(self.local.iter().map(|name| (local, name)));
        for (index, (flags, name)) in (self.wants.len() as u32..).zip(names) {
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

/// An object with one function that it has and calls to others.
fn object(has: &str, wants: &[&str]) -> Vec<u8> {
    Text { has: &[has], wants, ..Text::default() }.bytes()
}

/// A plain ar archive, without an index.
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
fn what_no_one_defines_is_named_with_its_type_and_who_wants_it() {
    let mut link = Link::new();
    let main = Text {
        has: &["main"],
        wants: &["mpd_add", "__wasm_call_ctors"],
        typed: true,
        data: &["mpd_traphandler", "__heap_base"],
        ..Text::default()
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
        // Neither calls it, so the linker does not ask for its type.
        ["mpd_add () -> () again.o main.o", "mpd_traphandler data main.o"]
    );
}

#[test]
fn what_only_libc_can_supply_is_undefined_without_it() {
    let mut link = Link::new();
    link.object("crt1.o", &object("_start", &["__main_void", "__wasm_call_dtors"])).unwrap();
    assert_eq!(names(&link), ["__main_void", "__wasm_call_dtors"]);
}

#[test]
fn a_member_is_pulled_in_only_when_it_is_wanted_and_brings_its_own_wants() {
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
fn an_object_that_has_it_keeps_the_member_out() {
    let lib = archive(&[("lib.o", object("foo", &["nowhere"]))]);
    let mut link = Link::new();
    link.object("main.o", &object("main", &["foo"])).unwrap();
    link.object("foo.o", &object("foo", &[])).unwrap();
    link.archive("lib.a", &lib).unwrap();
    assert_eq!(link.closure(), Closure::default());
}

#[test]
fn of_two_members_that_have_it_the_first_is_taken() {
    let both = archive(&[("1.o", object("foo", &["one"])), ("2.o", object("foo", &["two"]))]);
    let mut link = Link::new();
    link.archive("lib.a", &both).unwrap();
    link.object("main.o", &object("main", &["foo"])).unwrap();
    assert_eq!(link.closure().pulled, ["lib.a(1.o)"]);
    assert_eq!(names(&link), ["one"]);
}

#[test]
fn members_that_want_each_other_are_linked_once() {
    let lib = archive(&[
        ("a.o", Text { wants: &["b"], has: &["a", "a2"], ..Text::default() }.bytes()),
        ("b.o", Text { wants: &["a2"], has: &["b"], ..Text::default() }.bytes()),
    ]);
    let mut link = Link::new();
    link.archive("lib.a", &lib).unwrap();
    link.object("main.o", &object("main", &["a"])).unwrap();
    let closure = link.closure();
    assert_eq!(closure.pulled, ["lib.a(a.o)", "lib.a(b.o)"]);
    assert!(closure.undefined.is_empty());
}

#[test]
fn a_function_of_one_object_alone_is_nobodys_else() {
    let mut link = Link::new();
    link.object("main.o", &object("main", &["quiet"])).unwrap();
    let other = Text { local: &["quiet"], ..Text::default() }.bytes();
    link.object("other.o", &other).unwrap();
    assert_eq!(names(&link), ["quiet"]);
}

#[test]
fn the_bounds_of_a_data_segment_come_from_the_linker_and_those_of_none_do_not() {
    let segments = HashSet::from(["hooks", ".data.x"]);
    assert!(is_a_bound("__start_hooks", &segments) && is_a_bound("__stop_hooks", &segments));
    assert!(!is_a_bound("__start_others", &segments));
    assert!(!is_a_bound("__start_.data.x", &segments), "not a name of C");
}

#[test]
fn an_import_from_a_named_module_is_meant() {
    let mut link = Link::new();
    let from = Some("wasi_snapshot_preview1");
    let text = Text { from, has: &["main"], wants: &["fd_write"], ..Text::default() };
    link.object("main.o", &text.bytes()).unwrap();
    assert!(names(&link).is_empty());
}

#[test]
fn a_weak_reference_may_stay_open_and_pulls_nothing() {
    let lib = archive(&[("lib.o", object("maybe", &["nowhere"]))]);
    let weak = Text { has: &["main"], wants: &["maybe"], weak: true, ..Text::default() };
    let mut link = Link::new();
    link.object("main.o", &weak.bytes()).unwrap();
    link.archive("lib.a", &lib).unwrap();
    assert_eq!(link.closure(), Closure::default());
    // Another one that can't do without pulls it for both.
    link.object("other.o", &object("other", &["maybe"])).unwrap();
    assert_eq!(names(&link), ["nowhere"]);
}

#[test]
fn what_is_no_object_or_archive_is_refused_by_name() {
    let mut link = Link::new();
    let linked = Module::new().finish();
    let error = link.object("app.wasm", &linked).unwrap_err();
    assert!(matches!(&error, ReadError::NotRelocatable(name) if name == "app.wasm"));
    assert!(matches!(link.object("x.o", b"text"), Err(ReadError::Wasm { .. })));
    assert!(matches!(link.archive("x.a", b"text"), Err(ReadError::Archive { .. })));
    // One of which members were read as empty would be wrong in silence.
    let thin = b"!<thin>\na.o/            0           0     0     644     8         `\n";
    assert!(matches!(link.archive("thin.a", thin), Err(ReadError::Thin(_))));
    // So that a broken object can't be taken for one that wants nothing.
    assert!(link.undefined().is_empty());
}

#[test]
fn a_symbol_of_a_function_that_is_not_there_is_refused() {
    let mut table = SymbolTable::new();
    table.function(0, 7, Some("ghost"));
    let mut linking = LinkingSection::new();
    linking.symbol_table(&table);
    let mut module = Module::new();
    module.section(&linking);
    let error = Link::new().object("x.o", &module.finish()).unwrap_err();
    assert!(matches!(error, ReadError::NoSuchFunction { index: 7, .. }), "{error}");
}

/// An object that calls a function, takes the address of another, and has one.
fn caller(name: &str, kind: &[ValType]) -> Vec<u8> {
    let mut writer = crate::Writer::new();
    let called = writer.undefined_function("called", kind, &[]);
    let taken = writer.undefined_function("taken", kind, &[]);
    let host = writer.imported_function("env", "log", kind, &[]);
    let mut table = crate::Data::default();
    table.push_address(taken, 0);
    writer.data("table", crate::Binding::Local, 4, table);
    let code = crate::Code::new().call(called).call(host);
    writer.function(name, crate::Binding::Global, &[], &[], code);
    writer.finish()
}

#[test]
fn types_are_asked_of_calls_and_not_of_addresses() {
    let mut link = Link::new();
    link.object("a.o", &caller("a", &[])).unwrap();
    link.object("b.o", &caller("b", &[ValType::I32])).unwrap();
    let closure = link.closure();
    let conflicts: Vec<&str> = closure.conflicts.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(conflicts, ["__pywasm_env_log", "called"]);
    let told = |it: &Undefined| format!("{} {} {}", it.name, it.kind, it.needed_by.join(" "));
    assert_eq!(
        closure.undefined.iter().map(told).collect::<Vec<_>>(),
        ["called () -> () a.o", "called (i32) -> () b.o", "taken () -> () a.o b.o"]
    );
}

#[test]
fn a_function_of_the_host_is_an_import_unless_somebody_has_it() {
    let mut link = Link::new();
    link.object("a.o", &caller("a", &[])).unwrap();
    let imports = link.closure().imports;
    assert_eq!((imports[0].0.module.as_str(), imports[0].0.name.as_str()), ("env", "log"));
    link.object("log.o", &object("__pywasm_env_log", &[])).unwrap();
    assert!(link.closure().imports.is_empty());
}

#[test]
fn a_member_that_is_no_object_is_passed_over_and_one_of_another_machine_is_told() {
    let mut link = Link::new();
    link.archive("a.a", &archive(&[("README", b"text".to_vec()), ("a.o", object("a", &[]))]))
        .unwrap();
    let elf = archive(&[("a.o", b"\x7fELF\x02".to_vec())]);
    let told = link.archive("b.a", &elf).unwrap_err().to_string();
    assert!(told.starts_with("`b.a(a.o)` is ELF"), "{told}");
}
