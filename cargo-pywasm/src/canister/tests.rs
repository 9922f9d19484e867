//! The host's semantics, each by a small module.

mod callbacks;
mod interfaces;
mod lives;
mod rules;
mod states;

use super::{Canister, Host, Module, Outcome, Principal, Run, Settings};

fn module(text: &str) -> Module {
    Host::without_cache().unwrap().module(&wat::parse_str(text).unwrap()).unwrap()
}

/// Functions of `ic0` that most modules here want, a memory, a counter in it and one in a global, and
/// a query of either.
const COUNTER: &str = r#"
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "debug_print" (func $print (param i32 i32)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
    (import "ic0" "stable64_grow" (func $sgrow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $swrite (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $sread (param i64 i64 i64)))
    (import "ic0" "stable64_size" (func $ssize (result i64)))
    (memory 1)
    (table 8 funcref)
    (data (i32.const 100) "help")
    (global $count (mut i32) (i32.const 0))
    (func $inc
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
    ;; The counter of the memory, that of the global, and the pages of stable memory.
    (func $tell
        (i32.store8 (i32.const 1) (global.get $count))
        (i32.store8 (i32.const 2) (i32.wrap_i64 (call $ssize)))
        (call $append (i32.const 0) (i32.const 3))
        (call $reply))
    (func (export "canister_query read") call $tell)
    (func (export "canister_update inc") call $inc call $tell)
"#;

fn counter(more: &str) -> Module {
    module(&format!("(module {COUNTER} {more})"))
}

fn installed(module: &Module) -> Canister {
    let mut canister = Canister::new(Settings::default());
    let run = canister.install(module, b"", who()).unwrap();
    assert_eq!(run.outcome, Outcome::Done);
    canister
}

fn who() -> Principal {
    Principal::anonymous()
}

fn update(canister: &mut Canister, method: &str) -> Run {
    canister.update(method, b"", who()).unwrap()
}

fn query(canister: &mut Canister, method: &str) -> Run {
    canister.query(method, b"", who()).unwrap()
}

fn reply(run: &Run) -> &[u8] {
    match &run.outcome {
        Outcome::Reply(bytes) => bytes,
        other => panic!("{other}"),
    }
}

/// The code and the message of a reject.
fn rejected(run: &Run) -> (u32, &str) {
    match &run.outcome {
        Outcome::Reject { code, message } => (*code, message),
        other => panic!("{other}"),
    }
}
