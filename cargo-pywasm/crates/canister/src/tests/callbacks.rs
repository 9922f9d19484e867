//! Tests the calls that a canister makes, and their callbacks.

use super::*;

/// Creates a module whose method `ask` calls `method` of `callee`. The callbacks receive the
/// argument 7.
fn caller(callee: &[u8], method: &str, more: &str) -> Module {
    let hex: String = callee.iter().map(|byte| format!("\\{byte:02x}")).collect();
    module(&format!(
        r#"(module
        (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
        (import "ic0" "call_perform" (func $perform (result i32)))
        (import "ic0" "call_data_append" (func $data (param i32 i32)))
        (import "ic0" "msg_arg_data_size" (func $size (result i32)))
        (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
        (import "ic0" "msg_reject_code" (func $code (result i32)))
        (import "ic0" "msg_reject_msg_size" (func $text_size (result i32)))
        (import "ic0" "msg_reject_msg_copy" (func $text_copy (param i32 i32 i32)))
        {COUNTER}
        (data (i32.const 200) "{method}") (data (i32.const 300) "{hex}")
        (elem (i32.const 1) func $on_reply $on_reject $clean)
        (func $call (param $env i32)
            (call $new (i32.const 300) (i32.const {callee_len}) (i32.const 200) (i32.const {method_len})
                (i32.const 1) (local.get $env) (i32.const 2) (local.get $env))
            (call $on_cleanup (i32.const 3) (local.get $env))
            (drop (call $perform)))
        (func (export "canister_update ask") (call $inc) (call $call (i32.const 7)))
        (func $on_reject (param $env i32)
            (i32.store8 (i32.const 1000) (call $code))
            (i32.store8 (i32.const 1001) (local.get $env))
            (call $text_copy (i32.const 1002) (i32.const 0) (call $text_size))
            (call $append (i32.const 1000) (i32.add (i32.const 2) (call $text_size)))
            (call $reply))
        {more})"#,
        callee_len = callee.len(),
        method_len = method.len(),
    ))
}

const ECHO: &str = r#"
    (func $on_reply (param $env i32)
        (call $copy (i32.const 1000) (i32.const 0) (call $size))
        (call $append (i32.const 1000) (call $size))
        (call $reply))
    (func $clean (param i32))"#;

#[test]
fn raw_rand_replies_with_bytes_of_the_seed() {
    let module = caller(&[], "raw_rand", ECHO);
    let ask = |seed| {
        let mut canister = Canister::new(Settings { seed, ..Settings::default() });
        canister.install(&module, b"", who()).unwrap();
        [update(&mut canister, "ask"), update(&mut canister, "ask")].map(|it| reply(&it).to_vec())
    };
    let [first, second] = ask([1; 32]);
    let bytes: Vec<u8> = candid::decode_one(&first).unwrap();
    assert_eq!(bytes.len(), 32);
    assert_ne!(first, second);
    assert_eq!([first.clone(), second], ask([1; 32]));
    assert_ne!(first, ask([2; 32])[0]);
}

#[test]
fn call_to_other_canister_is_rejected() {
    let callee = Principal::from_slice(&[1, 2, 3]);
    let run = update(&mut installed(&caller(callee.as_slice(), "name", ECHO)), "ask");
    let bytes = reply(&run);
    assert_eq!(bytes[..2], [3, 7]);
    let text = String::from_utf8_lossy(&bytes[2..]);
    assert!(text.contains("this host has no other canisters"), "{text}");
    let run = update(&mut installed(&caller(&[], "create_canister", ECHO)), "ask");
    assert_eq!(reply(&run)[0], 3);
}

#[test]
fn canister_can_call_itself() {
    let own = Settings::default().id;
    let mut canister = installed(&caller(own.as_slice(), "inc", ECHO));
    assert_eq!(reply(&update(&mut canister, "ask")), [2, 2, 0]);
}

#[test]
fn endless_recursion_of_calls_is_rejected() {
    let own = Settings::default().id;
    let mut canister = installed(&caller(own.as_slice(), "ask", ECHO));
    let run = update(&mut canister, "ask");
    // The innermost call is rejected, and each caller replies with the reject code.
    assert_eq!(reply(&run)[0], 2);
}

#[test]
fn trapped_callback_is_rolled_back() {
    let more = r#"
        (func $on_reply (param $env i32) call $inc (call $trap (i32.const 100) (i32.const 4)))
        (func $clean (param $env i32) (i32.store8 (i32.const 0) (local.get $env)))"#;
    let mut canister = installed(&caller(&[], "raw_rand", more));
    let run = update(&mut canister, "ask");
    let (code, message) = rejected(&run);
    assert!(code == 5 && message.starts_with("the canister trapped: help"), "{message}");
    // The changes made before the call, and those made by the cleanup callback, are kept.
    assert_eq!(reply(&query(&mut canister, "read")), [7, 1, 0]);
}

#[test]
fn callback_without_reply_is_an_error() {
    let more = "(func $on_reply (param i32)) (func $clean (param i32))";
    let run = update(&mut installed(&caller(&[], "raw_rand", more)), "ask");
    assert_eq!(rejected(&run), (5, "`ask` did not reply"));
}
