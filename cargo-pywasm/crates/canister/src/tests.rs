//! Tests the host's semantics with small modules.

mod callbacks;
mod interfaces;
mod lifecycle;
mod rules;
mod state_file;

use super::{Canister, Host, Module, Outcome, Principal, Run, Settings};

fn module(text: &str) -> Module {
    Host::without_cache().unwrap().module(&wat::parse_str(text).unwrap()).unwrap()
}

/// The text that most test modules share: imports, a counter in memory, a counter in a global, and
/// a query that returns both counters.
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
    ;; Replies with the counter in memory, the counter in the global, and the pages of stable memory.
    (func $reply_state
        (i32.store8 (i32.const 1) (global.get $count))
        (i32.store8 (i32.const 2) (i32.wrap_i64 (call $ssize)))
        (call $append (i32.const 0) (i32.const 3))
        (call $reply))
    (func (export "canister_query read") call $reply_state)
    (func (export "canister_update inc") call $inc call $reply_state)
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

/// Returns the code and the message of a reject.
fn rejected(run: &Run) -> (u32, &str) {
    match &run.outcome {
        Outcome::Reject { code, message } => (*code, message),
        other => panic!("{other}"),
    }
}
