//! Tests rules of the interface specification: allowed calls, rollback and limits.

use std::collections::BTreeMap;

use pywasm_audit::Policy;

use super::*;
use crate::ic0::{self, Type};

#[test]
fn trap_rolls_back_an_update() {
    let module = counter(
        r#"(func $boom (export "canister_update boom")
            call $inc
            (drop (call $sgrow (i64.const 3)))
            (drop (memory.grow (i32.const 2)))
            (call $print (i32.const 100) (i32.const 3))
            (call $trap (i32.const 100) (i32.const 4)))
        (func (export "canister_update wasm_trap") call $inc unreachable)"#,
    );
    let mut canister = installed(&module);
    update(&mut canister, "inc");
    let run = update(&mut canister, "boom");
    let (code, message) = rejected(&run);
    assert!(code == 5 && message.starts_with("the canister trapped: help\n"), "{message}");
    assert!(message.contains("in boom"), "{message}");
    assert_eq!(run.debug, ["hel"]);
    let run = update(&mut canister, "wasm_trap");
    assert!(rejected(&run).1.contains("unreachable"));
    let run = query(&mut canister, "read");
    assert_eq!((reply(&run), run.heap_pages), (&[1, 1, 0][..], 1));
}

#[test]
fn query_drops_its_changes() {
    let module = counter(r#"(func (export "canister_query inc_q") call $inc call $reply_state)"#);
    let mut canister = installed(&module);
    for _ in 0..2 {
        assert_eq!(reply(&query(&mut canister, "inc_q")), [1, 1, 0]);
        assert_eq!(reply(&update(&mut canister, "inc_q")), [1, 1, 0]);
    }
    update(&mut canister, "inc");
    assert_eq!(reply(&update(&mut canister, "inc")), [2, 2, 0]);
}

#[test]
fn data_and_start_function_run_once() {
    let module = module(&format!(
        r#"(module {COUNTER}
            (func $start call $inc call $inc)
            (start $start)
            (func (export "canister_update over") (i32.store8 (i32.const 100) (i32.const 1)))
            (func (export "canister_query data")
                (call $append (i32.const 100) (i32.const 1)) (call $reply)))"#
    ));
    let mut canister = installed(&module);
    assert_eq!(reply(&query(&mut canister, "read")), [2, 2, 0]);
    update(&mut canister, "over");
    assert_eq!(reply(&query(&mut canister, "data")), [1]);
    assert_eq!(reply(&query(&mut canister, "read")), [2, 2, 0]);
}

#[test]
fn function_not_allowed_in_a_mode_traps() {
    let text = |export: &str| {
        format!(
            r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "time" (func $time (result i64)))
            (import "ic0" "call_perform" (func $perform (result i32)))
            (import "ic0" "msg_arg_data_size" (func $size (result i32)))
            {export})"#
        )
    };
    let at_install = |export: &str| {
        let mut canister = Canister::new(Settings::default());
        let run = canister.install(&module(&text(export)), b"", who()).unwrap();
        assert!(canister.module().is_none());
        rejected(&run).1.to_owned()
    };
    let message = at_install(r#"(func (export "canister_init") call $reply)"#);
    assert!(message.contains("ic0.msg_reply: not allowed in canister_init"), "{message}");
    let message = at_install("(func $start (drop (call $time))) (start $start)");
    assert!(message.contains("ic0.time: not allowed in the start function"), "{message}");
    let module = module(&text(
        r#"(func (export "canister_query q") (drop (call $perform)))
        (func (export "canister_heartbeat") (drop (call $size)))"#,
    ));
    let mut canister = installed(&module);
    let run = query(&mut canister, "q");
    assert!(rejected(&run).1.contains("ic0.call_perform: not allowed in a query"));
    let run = canister.heartbeat().unwrap();
    assert!(rejected(&run).1.contains("ic0.msg_arg_data_size: not allowed in a heart"));
}

#[test]
fn message_has_exactly_one_response() {
    let module = counter(
        r#"(func (export "canister_update twice") call $inc call $reply call $reply)
        (func (export "canister_update never") call $inc)"#,
    );
    let mut canister = installed(&module);
    let run = update(&mut canister, "twice");
    assert!(rejected(&run).1.starts_with("ic0.msg_reply: the message was already replied to"));
    assert_eq!(reply(&query(&mut canister, "read")), [0, 0, 0]);
    // The changes made by a message that does not reply are kept.
    assert_eq!(rejected(&update(&mut canister, "never")), (5, "`never` did not reply"));
    assert_eq!(reply(&query(&mut canister, "read")), [1, 1, 0]);
}

#[test]
fn method_has_one_kind() {
    let mut canister = installed(&counter(""));
    let message = |run: Run| rejected(&run).1.to_owned();
    assert_eq!(message(query(&mut canister, "inc")), "`inc` is of kind update, not query");
    assert_eq!(message(update(&mut canister, "gone")), "the canister has no update `gone`");
    let mut empty = Canister::new(Settings::default());
    assert_eq!(message(update(&mut empty, "inc")), "the canister has no module");
}

#[test]
fn large_arguments_and_replies_are_refused() {
    let module = module(
        r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
            (memory 64)
            (func $three (call $append (i32.const 0) (i32.const 3145728)))
            (func (export "canister_update u") call $three call $reply)
            (func (export "canister_query q") call $three call $reply)
            (func (export "canister_query more")
                call $three (call $append (i32.const 0) (i32.const 1)))
            (func (export "canister_query outside")
                (call $append (i32.const 4194300) (i32.const 5))))"#,
    );
    let mut canister = installed(&module);
    assert_eq!(reply(&query(&mut canister, "q")).len(), 3 << 20);
    let run = update(&mut canister, "u");
    assert!(
        rejected(&run).1.contains("the reply would have 3145728 bytes, but the limit is 2097152")
    );
    assert!(rejected(&query(&mut canister, "more")).1.contains("but the limit is 3145728"));
    assert!(rejected(&query(&mut canister, "outside")).1.contains("out of bounds"));
    let run = canister.update("u", &vec![0; (2 << 20) + 1], who()).unwrap();
    assert!(rejected(&run).1.contains("2097153 bytes"));
}

#[test]
fn fuel_stack_and_heap_are_limited() {
    let module = module(
        r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
            (memory 1)
            (func $deep call $deep)
            (func (export "canister_update deep") call $deep)
            (func (export "canister_update loop") (loop (br 0)))
            (func (export "canister_update grow")
                (i32.store (i32.const 0) (memory.grow (i32.const 2)))
                (call $append (i32.const 0) (i32.const 4)) call $reply))"#,
    );
    let mut settings = Settings::default();
    settings.limits.update_fuel = 100_000_000;
    settings.limits.heap = 2 << 16;
    let mut canister = Canister::new(settings);
    canister.install(&module, b"", who()).unwrap();
    let run = update(&mut canister, "loop");
    assert_eq!(rejected(&run).1, "the canister used up its 100000000 units of wasm fuel");
    assert_eq!(run.fuel, 100_000_000);
    assert!(rejected(&update(&mut canister, "deep")).1.contains("call stack exhausted"));
    assert_eq!(reply(&update(&mut canister, "grow")), (-1_i32).to_le_bytes());
}

#[test]
fn memory_fill_and_copy_use_fuel_per_byte() {
    let module = counter(
        r#"(func (export "canister_update fill")
            (memory.fill (i32.const 1000) (i32.const 1) (i32.const 50000)))
        (func (export "canister_update copy")
            (memory.copy (i32.const 1000) (i32.const 1) (i32.const 50000)))"#,
    );
    let mut canister = installed(&module);
    for method in ["fill", "copy"] {
        assert!(update(&mut canister, method).fuel > 50_000, "{method}");
    }
}

#[test]
fn unsupported_proposals_are_refused() {
    let host = Host::without_cache().unwrap();
    for text in [
        "(module (func $f return_call $f))",
        "(module (memory 1) (memory 1))",
        "(module (func (param v128 v128) (result v128)
            (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
        "(module (memory 1 1 shared))",
        "(module (tag))",
    ] {
        let error = host.module(&wat::parse_str(text).unwrap()).unwrap_err();
        assert!(
            format!("{error:#}").contains("not a WebAssembly module that a canister can use"),
            "{error:#}"
        );
    }
    host.module(&wat::parse_str("(module (memory i64 1) (func (param v128)))").unwrap()).unwrap();
}

#[test]
fn missing_imports_are_named_at_install() {
    let module = module(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32)))
            (import "ic0" "time" (func (result i64))) (import "ic0" "tim" (func)))"#,
    );
    let run = Canister::new(Settings::default()).install(&module, b"", who()).unwrap();
    let message = rejected(&run).1;
    assert!(message.contains("`ic0.tim`, `wasi_snapshot_preview1.fd_write`"), "{message}");
    let module = super::module(r#"(module (import "ic0" "time" (func (result i32))))"#);
    let run = Canister::new(Settings::default()).install(&module, b"", who()).unwrap();
    assert!(rejected(&run).1.contains("a type other than"));
}

#[test]
fn functions_match_the_policy() {
    let policy = Policy::load("ic", camino::Utf8Path::new(".")).unwrap();
    for (has_64_bit_memory, address) in [(false, "i32"), (true, "i64")] {
        let word = |ty: &Type| match ty {
            Type::Word => address,
            Type::I32 => "i32",
            Type::I64 => "i64",
        };
        let own: BTreeMap<String, String> = ic0::functions()
            .map(|function| {
                let params: Vec<&str> = function.params.iter().map(word).collect();
                let result = function.result.as_ref().map_or("()", word);
                (function.name.to_owned(), format!("({}) -> {result}", params.join(", ")))
            })
            .collect();
        let theirs: BTreeMap<String, String> = policy.functions["ic0"]
            .iter()
            .map(|(name, it)| (name.clone(), it.ty.signature(has_64_bit_memory).to_string()))
            .collect();
        assert_eq!(own, theirs);
    }
}

#[test]
fn functions_have_64_bits_with_a_64_bit_memory() {
    let module = module(
        r#"(module
            (import "ic0" "msg_reply" (func $reply))
            (import "ic0" "msg_reply_data_append" (func $append (param i64 i64)))
            (import "ic0" "msg_caller_size" (func $size (result i64)))
            (import "ic0" "msg_caller_copy" (func $copy (param i64 i64 i64)))
            (memory i64 1)
            (func (export "canister_query who")
                (call $copy (i64.const 9) (i64.const 0) (call $size))
                (call $append (i64.const 9) (call $size)) call $reply))"#,
    );
    let who = Principal::from_slice(&[1, 2, 3, 4, 5]);
    let run = installed(&module).query("who", b"", who).unwrap();
    assert_eq!(reply(&run), [1, 2, 3, 4, 5]);
}

#[test]
fn inspect_message_accepts_and_drops_changes() {
    let module = module(&format!(
        r#"(module
            (import "ic0" "accept_message" (func $accept))
            (import "ic0" "msg_method_name_size" (func $size (result i32)))
            {COUNTER}
            (func (export "canister_inspect_message")
                call $inc
                (if (i32.eq (call $size) (i32.const 3)) (then call $accept))))"#
    ));
    let mut canister = installed(&module);
    assert_eq!(canister.inspect_message("inc", b"", who()).unwrap().outcome, Outcome::Done);
    let run = canister.inspect_message("other", b"", who()).unwrap();
    assert_eq!(rejected(&run), (4, "canister_inspect_message did not accept `other`"));
    assert_eq!(reply(&query(&mut canister, "read")), [0, 0, 0]);
    let mut without = installed(&counter(""));
    assert!(without.inspect_message("inc", b"", who()).unwrap().outcome.is_ok());
}

#[test]
fn module_refused_by_the_internet_computer_is_refused() {
    for (text, why) in [
        (
            "(module (table 1 funcref) (func (table.set (i32.const 0) (ref.null func))))",
            "table.set",
        ),
        (r#"(module (func (export "canister_inti")))"#, "canister_inti"),
        (r#"(module (func (export "canister_query a") (param i32)))"#, "canister_query a"),
    ] {
        let run = Canister::new(Settings::default()).install(&module(text), b"", who()).unwrap();
        let message = rejected(&run).1;
        assert!(
            message.starts_with("the module cannot be installed: ") && message.contains(why),
            "{message}"
        );
    }
}
