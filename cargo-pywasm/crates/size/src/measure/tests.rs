use pywasm_wasm::custom;

use super::*;
use crate::By;
use crate::View;

fn rows(all: &Breakdown) -> Vec<String> {
    let row = |row: &Row| {
        let (section, origin) = (all.section(row), all.origin(row));
        let object = all.object(row).map(ToString::to_string).unwrap_or_default();
        let name = all.name(row).unwrap_or_default();
        format!("{} {section}|{origin}|{object}|{name} {}", row.kind.word(), row.bytes)
    };
    all.rows.iter().map(row).collect()
}

fn measured(text: &str, evidence: Evidence<'_>) -> Breakdown {
    let bytes = wat::parse_str(text).unwrap();
    let all = measure(&bytes, evidence).unwrap();
    assert_eq!(all.total, bytes.len() as u64, "every byte is in a row");
    assert_eq!(all.sum(|_| true), all.total);
    all
}

const MODULE: &str = r#"(module (import "env" "f" (func)) (memory 1)
    (func $PyObject_Call nop) (func $mpd_two nop nop)
    (func $_ZN4core3fmt9Formatter3pad17h0123456789abcdefE nop)
    (data (i32.const 1024) "0123456789") (data (i32.const 2000) "abcdef")
    (@custom "icp:public x" "12"))"#;

#[test]
fn every_byte_has_a_row() {
    let all = measured(MODULE, Evidence::default());
    let found = rows(&all);
    for row in [
        "c code|Py… of CPython||PyObject_Call 4",
        "c code|mpd_…||mpd_two 5",
        "rust code|crate core||core::fmt::Formatter::pad 4",
        "unknown data|data without a symbol||data segment 0 10",
        "unknown data|data without a symbol||data segment 1 6",
        "format file header|file header|| 8",
        "format import|import|| 9",
    ] {
        assert!(found.contains(&row.to_owned()), "{row}: {found:#?}");
    }
    assert!(found.iter().any(|it| it.starts_with("debug custom section `name`|")), "{found:#?}");
    assert!(found.iter().any(|it| it.starts_with("format custom section `icp:public x`|")));
    measured("(module)", Evidence::default());
}

#[test]
fn largest_unnamed_functions_have_rows() {
    let many = "(func nop)".repeat(MAX_UNNAMED + 5);
    let all = measured(&format!("(module (func nop nop nop) {many})"), Evidence::default());
    let view = View::of(&all, By::Function);
    assert_eq!(view.entries[0].label, "other functions without a name");
    assert_eq!((view.entries[0].count, view.entries[0].bytes), (6, 24));
    assert_eq!((view.entries[1].label.as_str(), view.entries[1].bytes), ("function 0", 6));
}

const MAP: &str = "    Addr      Off     Size Out     In      Symbol
       -       20       1e CODE
       -       22        4         /l/libpython3.13.a(call.o):(PyObject_Call)
       -       26        5         /l/libmpd.a(two.o):(mpd_two)
       -       26        5         /l/other.o:(mpd_two)
       -       37        9         /t/deps/demo-48ecdcfc8a753af5.a.b.rcgu.o:(_ZN4core3fmt9Formatter3pad17h0123456789abcdefE)
     400       60       20 DATA
     400       61       18 .rodata
     400       67        4         /l/libpython3.13.a(call.o):(.rodata.doc)
     404       77        2         /l/libpython3.13.a(call.o):(.rodata..L.str.1)
     407       77        3         /t/deps/demo-48ecdcfc8a753af5.a.b.rcgu.o:(.rodata..Lanon.0123.4)
";

#[test]
fn map_gives_objects_by_address_and_by_name() {
    let map = LinkMap::read(MAP).unwrap();
    let all = measured(MODULE, Evidence { map: Some(&map), ..Evidence::default() });
    let found = rows(&all);
    for row in [
        "c code|libpython3.13.a(call.o)|libpython3.13.a(call.o)|PyObject_Call 4",
        "c data|libpython3.13.a(call.o)|libpython3.13.a(call.o)|doc 4",
        "c data|libpython3.13.a(call.o)|libpython3.13.a(call.o)|constants 2",
        "rust data|crate demo|demo.rcgu.o|constants 3",
        "rust code|crate core|demo.rcgu.o|core::fmt::Formatter::pad 4",
        // Two objects define a function with this name and size, so the object is unknown.
        "c code|mpd_…||mpd_two 5",
        // The byte between the data of two objects.
        "unknown data|data without a symbol||data segment 0 1",
    ] {
        assert!(found.contains(&row.to_owned()), "{row}: {found:#?}");
    }
    let other = MAP.replace("       5         /l/other.o", "       6         /l/other.o");
    let map = LinkMap::read(&other).unwrap();
    let all = measured(MODULE, Evidence { map: Some(&map), ..Evidence::default() });
    assert!(rows(&all).contains(&"c code|libmpd.a(two.o)|libmpd.a(two.o)|mpd_two 5".to_owned()));
}

#[test]
fn names_and_archives_replace_a_map() {
    use pywasm_stubs::{Binding, Code, Member, Writer, archive};
    let mut writer = Writer::new();
    writer.function("mpd_two", Binding::Local, &[], &[], Code::new());
    let member = Member { name: "two.o".to_owned(), bytes: writer.finish() };
    let mut members = Members::default();
    members.add("libmpd.a", &archive(&[member])).unwrap();
    let stripped = MODULE.replace("$mpd_two", "").replace("$PyObject_Call", "");
    let names = ["", "", "mpd_two.1", ""];
    let evidence = Evidence { names: Some(&names), members: Some(&members), map: None };
    let found = rows(&measured(&stripped, evidence));
    assert!(
        found.contains(&"c code|libmpd.a(two.o)|libmpd.a(two.o)|mpd_two.1 5".to_owned()),
        "{found:#?}"
    );
}

/// Returns the text of a module whose memory contains the name and the code of a Python module,
/// and a `_frozen` table with an entry for it.
fn frozen() -> String {
    let mut data = b"json\0...".to_vec();
    data.push(0xe3);
    data.extend([0; 12]);
    data.extend((0..987_u32).map(|it| (it / 8 * 37 % 251) as u8));
    for word in [65544_u32, 65552, 1000, 0] {
        data.extend(word.to_le_bytes());
    }
    let text: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(
        r#"(module (memory (export "memory") 8) (global $__stack_pointer (mut i32) (i32.const 65536))
            (func (export "stack") (result i32) global.get $__stack_pointer)
            (data (i32.const 65544) "{text}"))"#
    )
}

#[test]
fn frozen_code_needs_no_symbol() {
    let all = measured(&frozen(), Evidence::default());
    assert!(rows(&all).contains(&"python data|json||json 1000".to_owned()), "{:#?}", rows(&all));
}

#[test]
fn snapshot_has_a_note() {
    let module = wat::parse_str(frozen()).unwrap();
    let module = custom::embed(&module, custom::SNAPSHOT, b"0").unwrap();
    let all = measure(&module, Evidence::default()).unwrap();
    assert!(all.notes[0].contains("is a snapshot"), "{:?}", all.notes);
}

#[test]
fn malformed_module_is_refused() {
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x0a\x05\x01"] {
        assert!(measure(bytes, Evidence::default()).is_err(), "{bytes:?}");
    }
}

/// The map of a module with two functions. Its code section starts at byte 19 and is 11 bytes long.
const TWO: &str = "    Addr      Off     Size Out     In      Symbol
       -       13        b CODE
       -       16        4         /l/a.o:(f)
       -       1a        4         /l/b.o:(f)
";

#[test]
fn order_distinguishes_functions_of_one_name() {
    let map = LinkMap::read(TWO).unwrap();
    let evidence = Evidence { map: Some(&map), ..Evidence::default() };
    let named = r#"(module (func (@name "f") nop) (func (@name "f") nop))"#;
    for text in [named, "(module (func nop) (func nop))"] {
        // For a module that the linker stripped, the names come from the map.
        let found = rows(&measured(text, evidence));
        for row in ["c code|a.o|a.o|f 4", "c code|b.o|b.o|f 4"] {
            assert!(found.contains(&row.to_owned()), "{row}: {found:#?}");
        }
    }
    // The map of another module is not used.
    let found = rows(&measured("(module (func nop) (func nop nop))", evidence));
    assert!(!found.iter().any(|it| it.contains("a.o")), "{found:#?}");
}
