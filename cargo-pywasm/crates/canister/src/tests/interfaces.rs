//! Tests Candid interfaces, and the conversion of Candid text using an interface's types.

use pywasm_session::hint_of;
use pywasm_wasm::custom;

use super::*;
use crate::Interface;
use crate::interface;
use crate::text;

const DID: &str = "type List = opt record { head : int; tail : List };
type Shape = variant { circle : nat8; square : record { side : float64 }; none };
service : (text) -> {
  draw : (Shape, opt text) -> (record { nat; text }) query;
  sum : (List) -> (int);
}";

/// Creates a module whose export runs `before` and returns `text`.
fn exporting(text: &str, imports: &str, before: &str) -> Vec<u8> {
    let text: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    wat::parse_str(format!(
        r#"(module {imports} (memory 1) (data (i32.const 16) "{text}")
            (func (export "get_candid_pointer") (result i32) {before} (i32.const 16)))"#
    ))
    .unwrap()
}

fn refused(module: &[u8]) -> String {
    format!("{:#}", interface::extract(module).unwrap_err())
}

#[test]
fn imports_return_zeros() {
    let imports = r#"
        (import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))
        (import "ic0" "time" (func $t (result i64)))
        (import "env" "f" (func $f (result f32))) (import "env" "d" (func $d (result f64)))
        (import "env" "v" (func $v (result v128))) (import "env" "two" (func $two (result i32 i64)))
        (import "env" "g" (global i64)) (import "env" "n" (func $n))"#;
    let before = "(drop (call $r (i32.const 0) (i32.const 0))) (drop (call $t)) (drop (call $f))
        (drop (call $d)) (drop (call $v)) (call $two) drop drop call $n";
    assert_eq!(interface::extract(&exporting(DID, imports, before)).unwrap(), DID);
}

#[test]
fn constructors_that_read_files_and_arguments_end() {
    // The loop of `__wasilibc_populate_preopens`, and the start of `__main_void`.
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $stat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (memory 1) (data (i32.const 8) "\ff\ff\ff\ff\ff\ff\ff\ff") (data (i32.const 16) "service : {}")
        (func $constructors (local $fd i32) (local.set $fd (i32.const 3))
            (block $done (loop $next
                (br_if $done (i32.eq (call $stat (local.get $fd) (i32.const 0)) (i32.const 8)))
                (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
                (br $next)))
            (if (call $sizes (i32.const 8) (i32.const 12)) (then unreachable))
            (if (i64.ne (i64.load (i32.const 8)) (i64.const 0)) (then unreachable)))
        (func (export "get_candid_pointer") (result i32) (call $constructors) (i32.const 16)))"#;
    let found = interface::extract(&wat::parse_str(text).unwrap());
    assert_eq!(found.unwrap(), "service : {}");
}

#[test]
fn constructors_run_only_if_needed() {
    let module = |start: &str| {
        format!(
            r#"(module (memory 1) (global $ready (mut i32) (i32.const 0))
            (data (i32.const 16) "service : {{}}")
            (func $ready {start} (global.set $ready (i32.const 1)))
            (func (export "get_candid_pointer") (result i32)
                (if (i32.eqz (global.get $ready)) (then unreachable)) (i32.const 16)))"#
        )
    };
    let bytes = |text: String| wat::parse_str(text).unwrap();
    let found = interface::extract(&bytes(module(r#"(export "_initialize")"#)));
    assert_eq!(found.unwrap(), "service : {}");
    let error = refused(&bytes(module("")));
    assert!(error.contains("it called no imports") && error.contains("unreachable"), "{error}");
    let text = exporting("service : {}", "(func (export \"_initialize\") unreachable)", "");
    assert_eq!(interface::extract(&text).unwrap(), "service : {}");
}

#[test]
fn failed_extraction_names_the_reason() {
    let import = r#"(import "env" "b" (func $b (result i32))) (import "env" "a" (func $a))
        (import "env" "unused" (func))"#;
    let error = refused(&exporting("", import, "(drop (call $b)) (call $a) (call $a) unreachable"));
    assert!(error.contains("which returned zeros: `env.a`, `env.b`:"), "{error}");
    assert!(refused(&exporting("", "", "(loop (br 0))")).contains("fuel"));
    assert!(refused(&exporting("service : { f : (Gone) -> () }", "", "")).contains("Gone"));
    assert!(refused(&exporting("type A = nat;", "", "")).contains("has no service"));
    assert!(refused(&exporting("hello there", "", "")).contains("line 1, column 1"));
    let latin = r#"(module (memory 1) (data (i32.const 16) "\ff\00")
        (func (export "get_candid_pointer") (result i32) (i32.const 16)))"#;
    assert!(refused(&wat::parse_str(latin).unwrap()).contains("not UTF-8"));
    let outside = latin.replace("(i32.const 16)))", "(i32.const -1)))");
    assert!(refused(&wat::parse_str(outside).unwrap()).contains("outside the memory"));
    let error = interface::extract(&wat::parse_str("(module)").unwrap()).unwrap_err();
    assert!(error.to_string().contains("no export `get_candid_pointer`"), "{error}");
    assert!(hint_of(&error).is_some_and(|hint| hint.contains("export_candid!()")));
}

#[test]
fn metadata_has_precedence() {
    let bytes = exporting("service : {}", "", "");
    let bytes = custom::embed(&bytes, custom::CANDID, DID.as_bytes()).unwrap();
    let module = Host::without_cache().unwrap().module(&bytes).unwrap();
    assert_eq!(Interface::of(&module).unwrap().unwrap().text, DID);
    assert_eq!(interface::extract(&bytes).unwrap(), "service : {}");
    let bare = super::module("(module)");
    assert!(Interface::of(&bare).unwrap().is_none());
}

#[test]
fn arguments_have_the_types_of_the_method() {
    let interface = Interface::parse(DID).unwrap();
    let encode = |method: &str, text: &str| {
        let types = &interface.method(method).unwrap().args;
        text::encode(text, &interface.env, types)
    };
    let bytes = encode("draw", "(variant { square = record { side = 2.0 } })").unwrap();
    let draw = interface.method("draw").unwrap();
    let back = candid::IDLArgs::from_bytes_with_types(&bytes, &interface.env, &draw.args).unwrap();
    assert_eq!(back.to_string(), "(variant { square = record { side = 2.0 : float64 } }, null)");
    assert!(
        encode("sum", "(opt record { head = 1; tail = opt record { head = 2; tail = null } })")
            .is_ok()
    );
    let error = |method: &str, text: &str| format!("{:#}", encode(method, text).unwrap_err());
    assert!(error("draw", "(5)").contains("argument 1 is `5` of type int, expected Shape"));
    assert!(error("draw", "(variant { oval })").contains("expected Shape"));
    let expected = "expected 2 arguments, got 0; the expected types are (Shape, opt text)";
    assert!(error("draw", "()").contains(expected));
    assert!(error("sum", "(null, null)").contains("expected 1 argument, got 2"));
}

#[test]
fn syntax_error_is_shown_with_its_position() {
    let error = |text: &str| format!("{:#}", text::encode_untyped(text).unwrap_err());
    let message = error("(record {\n  a = ; b = 1 })");
    assert!(message.contains("line 2, column 7:\n    a = ; b = 1 })\n        ^"), "{message}");
    assert!(message.contains("Expects"), "{message}");
    assert!(error("(\"ä\", ä)").contains("line 1, column 7:"), "{}", error("(\"ä\", ä)"));
    assert!(error("(1").contains("column 3:\n  (1\n    ^"), "{}", error("(1"));
    assert!(error("").contains("line 1, column 1"));
}

#[test]
fn replies_are_decoded_with_and_without_types() {
    let interface = Interface::parse(DID).unwrap();
    let draw = interface.method("draw").unwrap();
    let bytes = text::encode("(record { 1; \"x\" })", &interface.env, &draw.rets).unwrap();
    let typed = text::decode(&bytes, Some((&interface.env, draw))).unwrap();
    assert_eq!(typed, "(record { 1 : nat; \"x\" })");
    assert!(text::decode(&bytes, None).unwrap().contains("1 : nat"));
    assert!(text::decode(b"no", None).is_err());
    let sum = interface.method("sum").unwrap();
    let error = text::decode(&bytes, Some((&interface.env, sum))).unwrap_err();
    assert!(format!("{error:#}").contains("the reply does not have the types (int)"));
}

#[test]
fn removed_and_changed_methods_are_incompatible() {
    let old = Interface::parse("service : { a : () -> (nat); b : (text) -> () }").unwrap();
    let new = Interface::parse("service : { a : () -> (nat); b : (opt text) -> (); c : () -> () }");
    assert_eq!(new.unwrap().incompatibilities(&old), [] as [&str; 0]);
    let new = Interface::parse("service : { a : () -> (text) }").unwrap();
    let broken = new.incompatibilities(&old);
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(broken[0].contains("\"a\"") && broken[1].contains("\"b\""), "{broken:?}");
}

#[test]
fn deeply_nested_text_is_refused() {
    for (open, close) in [("opt ", ""), ("vec{", "}"), ("record{a:opt ", "}"), ("(", ")")] {
        let deep =
            |times| format!("service:{{f:({}nat{})->()}}", open.repeat(times), close.repeat(times));
        let error = Interface::parse(&deep(50_000)).unwrap_err().to_string();
        assert!(error.contains("nested more than 500 levels deep"), "{error}");
    }
    let deep = |times| format!("service:{{f:({}nat)->()}}", "opt ".repeat(times));
    assert!(Interface::parse(&deep(400)).is_ok());
    assert!(text::encode_untyped(&format!("({}1)", "opt ".repeat(100_000))).is_err());
    let wide = format!(
        "service:{{{}}}",
        (0..2000).map(|it| format!("f{it}:(opt nat)->();")).collect::<String>()
    );
    assert_eq!(Interface::parse(&wide).unwrap().methods.len(), 2000);
}

#[test]
fn large_interfaces_end_with_a_result_or_an_error() {
    let refused = |text: &str| format!("{:#}", Interface::parse(text).unwrap_err());
    let lines = |count: usize, line: &dyn Fn(usize) -> String| -> String {
        (0..count).map(|it| line(it) + "\n").collect()
    };
    let end = |it: usize| format!("type a{it} = nat;\nservice : {{ f : (a0) -> () }}\n");
    // A chain of names is resolved again for each name in it.
    let names = |it| format!("type a{it} = a{};", it + 1);
    let message = refused(&(lines(4_000, &names) + &end(4_000)));
    assert!(message.contains("a chain of more than 500 names"), "{message}");
    assert!(Interface::parse(&(lines(400, &names) + &end(400))).is_ok());
    assert!(
        refused("type a = b; type b = a; service : {}").contains("a chain of more than 500 names")
    );
    // The parser recurses for nested types.
    let records = |it| format!("type a{it} = opt record {{ x : a{} }};", it + 1);
    let interface = Interface::parse(&(lines(4_900, &records) + &end(4_900))).unwrap();
    let types = &interface.method("f").unwrap().args;
    assert!(text::encode("(null)", &interface.env, types).is_ok());
    let message = refused(&(lines(20_000, &records) + &end(20_000)));
    assert!(message.contains("20001 definitions, but the limit is 5000"), "{message}");
    // The parser searches for the end of the line at each token.
    let wide: String = (0..20_000).map(|it| format!("f{it} : () -> ();")).collect();
    assert!(refused(&format!("\nservice : {{{wide}}}")).contains("line 2"));
    assert!(refused(&"//\n".repeat(400_000)).contains("larger than 1048576 bytes"));
    let many = format!("type f = func ({}) -> (); service : {{}}", "nat,".repeat(101));
    assert!(refused(&many).contains("a function has 101 arguments"));
}
