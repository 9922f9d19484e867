//! Tests installs, upgrades and time.

use std::time::Duration;

use super::*;

/// Hooks that write the counter to stable memory before an upgrade, and read it afterwards.
const HOOKS: &str = r#"
    (func (export "canister_pre_upgrade")
        (if (i64.eqz (call $ssize)) (then (drop (call $sgrow (i64.const 1)))))
        (call $swrite (i64.const 0) (i64.const 0) (i64.const 1)))
    (func (export "canister_post_upgrade")
        (call $sread (i64.const 0) (i64.const 0) (i64.const 1)))"#;

#[test]
fn upgrade_keeps_only_stable_memory() {
    let module = counter(HOOKS);
    let mut canister = installed(&module);
    for _ in 0..3 {
        update(&mut canister, "inc");
    }
    assert!(canister.upgrade(&module, b"", who()).unwrap().outcome.is_ok());
    // The hooks preserved the counter in memory, but the upgrade reset the counter in the global.
    assert_eq!(reply(&query(&mut canister, "read")), [3, 0, 1]);
    assert!(canister.reinstall(&module, b"", who()).unwrap().outcome.is_ok());
    assert_eq!(reply(&query(&mut canister, "read")), [0, 0, 0]);
    canister.uninstall();
    assert_eq!(rejected(&query(&mut canister, "read")).1, "the canister has no module");
    assert!(canister.upgrade(&module, b"", who()).is_err());
}

#[test]
fn trapped_upgrade_keeps_the_old_canister() {
    let old = counter(HOOKS);
    let bad = counter(
        r#"(func (export "canister_post_upgrade")
            (drop (call $sgrow (i64.const 7))) (call $trap (i32.const 100) (i32.const 4)))"#,
    );
    let mut canister = installed(&old);
    update(&mut canister, "inc");
    let run = canister.upgrade(&bad, b"", who()).unwrap();
    let (code, message) = rejected(&run);
    assert!(
        code == 5 && message.contains("canister_post_upgrade failed: the canister trapped: help")
    );
    assert_eq!(canister.module().unwrap().digest(), old.digest());
    assert_eq!(reply(&query(&mut canister, "read")), [1, 1, 0]);
    let stuck = counter(r#"(func (export "canister_pre_upgrade") unreachable)"#);
    let mut canister = installed(&stuck);
    update(&mut canister, "inc");
    let run = canister.upgrade(&old, b"", who()).unwrap();
    assert!(rejected(&run).1.starts_with("canister_pre_upgrade failed"));
    assert_eq!(reply(&query(&mut canister, "read")), [1, 1, 0]);
}

#[test]
fn trapped_init_leaves_the_canister_empty() {
    let module =
        counter(r#"(func (export "canister_init") (call $trap (i32.const 100) (i32.const 4)))"#);
    let mut canister = Canister::new(Settings::default());
    let run = canister.install(&module, b"", who()).unwrap();
    assert!(rejected(&run).1.starts_with("canister_init failed: the canister trapped: help"));
    assert!(canister.module().is_none());
    assert!(installed(&counter("")).install(&module, b"", who()).is_err());
}

#[test]
fn timer_fires_once() {
    let module = counter(
        r#"(func (export "canister_update set") (drop (call $timer (i64.const 5000000000))) call $reply)
        (func (export "canister_global_timer") call $inc)"#,
    );
    let mut canister = installed(&module);
    update(&mut canister, "set");
    assert_eq!(canister.timer(), Some(5_000_000_000));
    assert!(canister.advance(Duration::from_secs(4)).unwrap().is_empty());
    assert_eq!(canister.advance(Duration::from_secs(1)).unwrap().len(), 1);
    assert_eq!(canister.timer(), None);
    assert!(canister.advance(Duration::from_secs(99)).unwrap().is_empty());
    assert_eq!(reply(&query(&mut canister, "read")), [1, 1, 0]);
}

#[test]
fn trapped_and_always_due_timers_end() {
    let module = counter(
        r#"(func (export "canister_update set") (drop (call $timer (i64.const 1))) call $reply)
        (func (export "canister_global_timer") call $inc unreachable)"#,
    );
    let mut canister = installed(&module);
    update(&mut canister, "set");
    let runs = canister.set_time(2).unwrap();
    assert!(matches!(&runs[..], [run] if rejected(run).1.contains("unreachable")));
    assert_eq!(canister.timer(), None);
    assert_eq!(reply(&query(&mut canister, "read")), [0, 0, 0]);
    let module = counter(
        r#"(func (export "canister_init") (drop (call $timer (i64.const 1))))
        (func (export "canister_global_timer") (drop (call $timer (i64.const 1))))"#,
    );
    assert_eq!(installed(&module).set_time(2).unwrap().len(), 100);
}

#[test]
fn compressed_module_is_accepted() {
    use std::io::Write;
    let bytes = wat::parse_str(format!("(module {COUNTER})")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bytes).unwrap();
    let host = Host::without_cache().unwrap();
    let module = host.module(&gzip.finish().unwrap()).unwrap();
    assert_eq!(module.bytes(), bytes);
    assert_eq!(reply(&update(&mut installed(&module), "inc")), [1, 1, 0]);
    assert!(host.module(b"\x1f\x8b\x08 no").is_err());
    assert!(host.module(b"(module)").is_err());
}

#[test]
fn message_sees_the_settings() {
    let text = r#"(module
        (import "ic0" "msg_reply" (func $reply))
        (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
        (import "ic0" "time" (func $time (result i64)))
        (import "ic0" "canister_version" (func $version (result i64)))
        (import "ic0" "in_replicated_execution" (func $replicated (result i32)))
        (import "ic0" "msg_arg_data_size" (func $size (result i32)))
        (import "ic0" "is_controller" (func $controls (param i32 i32) (result i32)))
        (import "ic0" "msg_caller_copy" (func $caller (param i32 i32 i32)))
        (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
        (memory 1)
        (func (export "canister_query world")
            (i64.store (i32.const 0) (call $time))
            (i32.store8 (i32.const 8) (i32.wrap_i64 (call $version)))
            (i32.store8 (i32.const 9) (call $replicated))
            (i32.store8 (i32.const 10) (call $size))
            (call $caller (i32.const 20) (i32.const 0) (i32.const 1))
            (i32.store8 (i32.const 11) (call $controls (i32.const 20) (i32.const 1)))
            (i32.store8 (i32.const 12) (i64.gt_u (call $counter (i32.const 0)) (i64.const 10)))
            (call $append (i32.const 0) (i32.const 13))
            (call $reply)))"#;
    let mut canister = installed(&module(text));
    canister.set_time(258).unwrap();
    let bytes = |run: &Run| reply(run).to_vec();
    let seen = bytes(&canister.query("world", b"four", who()).unwrap());
    assert_eq!(seen, [2, 1, 0, 0, 0, 0, 0, 0, 1, 0, 4, 1, 1]);
    let other = Principal::from_slice(&[9]);
    let seen = bytes(&canister.update("world", b"", other).unwrap());
    assert_eq!(seen, [2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1]);
}

#[test]
fn globals_of_all_types_are_kept() {
    let text = r#"(module
        (import "ic0" "msg_reply" (func $reply))
        (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
        (memory 1)
        (global $a (mut i64) (i64.const 0)) (global $b (mut f32) (f32.const 0))
        (global $c (mut f64) (f64.const 0)) (global $d (mut v128) (v128.const i64x2 0 0))
        (func (export "canister_update set")
            (global.set $a (i64.const -2)) (global.set $b (f32.const nan:0x200001))
            (global.set $c (f64.const 1.5)) (global.set $d (v128.const i64x2 -1 7)) call $reply)
        (func (export "canister_query get")
            (i64.store (i32.const 0) (global.get $a)) (f32.store (i32.const 8) (global.get $b))
            (f64.store (i32.const 12) (global.get $c)) (v128.store (i32.const 20) (global.get $d))
            (call $append (i32.const 0) (i32.const 36)) call $reply))"#;
    let mut canister = installed(&module(text));
    update(&mut canister, "set");
    let mut expected = (-2_i64).to_le_bytes().to_vec();
    expected.extend(0x7fa0_0001_u32.to_le_bytes());
    expected.extend(1.5_f64.to_le_bytes());
    expected.extend((-1_i64).to_le_bytes());
    expected.extend(7_i64.to_le_bytes());
    assert_eq!(reply(&query(&mut canister, "get")), expected);
}
