//! Tests of the commands `cargo pywasm canister call` and `cargo pywasm candid`.

use std::fs::File;
use std::process::{Command, Output};

use camino::Utf8PathBuf;
use pywasm_tests::utf8;

use crate::binary;

/// A counter canister with an interface, an upgrade that keeps the counter's value, and a method
/// that traps.
const COUNTER: &str = r#"(module
    (import "ic0" "msg_reply" (func $reply))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_arg_data_size" (func $size (result i32)))
    (import "ic0" "msg_caller_size" (func $caller (result i32)))
    (import "ic0" "time" (func $time (result i64)))
    (import "ic0" "debug_print" (func $print (param i32 i32)))
    (import "ic0" "trap" (func $trap (param i32 i32)))
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
    (memory 1)
    (data (i32.const 100) "DIDL\00\01\7d\00")
    (data (i32.const 120) "DIDL\00\01\78")
    (data (i32.const 200) "no way")
    (data (i32.const 300)
        "service : () -> { inc : () -> (nat); read : () -> (nat) query; boom : () -> (); time : () -> (nat64) query; say : (text) -> (nat) query }\00")
    (func (export "get_candid_pointer") (result i32) (i32.const 300))
    (func $reply_count (call $append (i32.const 100) (i32.const 8)) call $reply)
    (func (export "canister_query read") call $reply_count)
    (func (export "canister_query say") call $reply_count)
    (func (export "canister_update inc")
        (i32.store8 (i32.const 107) (i32.add (i32.const STEP) (i32.load8_u (i32.const 107))))
        (call $print (i32.const 200) (i32.const 2))
        call $reply_count)
    (func (export "canister_query time")
        (i64.store (i32.const 127) (call $time))
        (call $append (i32.const 120) (i32.const 15)) call $reply)
    (func (export "canister_update boom")
        (i32.store8 (i32.const 107) (i32.const 99)) (call $trap (i32.const 200) (i32.const 6)))
    (func (export "canister_init")
        (if (i32.gt_u (call $size) (i32.const 6)) (then (call $trap (i32.const 200) (i32.const 6)))))
    (func (export "canister_pre_upgrade")
        (drop (call $grow (i64.const 1))) (call $write (i64.const 0) (i64.const 107) (i64.const 1)))
    (func (export "canister_post_upgrade")
        (call $read (i64.const 107) (i64.const 0) (i64.const 1)) POST))"#;

struct Bench {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = utf8(&dir.path().canonicalize().unwrap());
        let bench = Self { _dir: dir, root };
        bench.module("one.wasm", "1", "");
        bench.module("two.wasm", "2", "");
        bench.module("bad.wasm", "3", "unreachable");
        bench
    }

    fn module(&self, name: &str, step: &str, post: &str) {
        let text = COUNTER.replace("STEP", step).replace("POST", post);
        std::fs::write(self.root.join(name), wat::parse_str(text).unwrap()).unwrap();
    }

    fn run(&self, args: &[&str]) -> Run {
        let output = Command::new(binary())
            .arg("pywasm")
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PYWASM_STORE", self.root.join("store"))
            .current_dir(&self.root)
            .output()
            .unwrap();
        Run::of(&output)
    }

    fn call(&self, args: &[&str]) -> Run {
        self.run(&[&["canister", "call"], args].concat())
    }
}

#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

#[test]
fn replies_go_to_stdout() {
    let run = Bench::new().call(&["one.wasm", "inc", "inc", "()", "read", "--fuel"]);
    assert_eq!((run.code, run.out.as_str()), (0, "(1 : nat)\n(2 : nat)\n(2 : nat)\n"));
    assert!(run.err.contains("Printed no\n") && run.err.contains("wasm fuel for `inc`"), "{run:?}");
}

#[test]
fn reject_exits_with_1_and_stops() {
    let run = Bench::new().call(&["one.wasm", "inc", "boom", "read"]);
    assert_eq!((run.code, run.out.as_str()), (1, "(1 : nat)\n"));
    assert!(
        run.err.contains("`boom`: reject code 5 (CANISTER_ERROR): the canister trapped: no way")
    );
}

#[test]
fn other_module_upgrades_saved_state() {
    let bench = Bench::new();
    let state = ["--state", "s"];
    let call = |args: &[&str]| bench.call(&[args, &state].concat());
    assert_eq!(call(&["one.wasm", "inc"]).out, "(1 : nat)\n");
    assert_eq!(call(&["one.wasm", "boom"]).code, 1);
    assert_eq!(call(&["one.wasm", "inc"]).out, "(2 : nat)\n");
    let run = call(&["two.wasm", "inc"]);
    assert_eq!(run.out, "(4 : nat)\n");
    assert!(run.err.contains("Upgrading to `two.wasm`"), "{run:?}");
    let before = std::fs::read(bench.root.join("s")).unwrap();
    let run = call(&["bad.wasm", "inc"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("canister_post_upgrade failed"), "{run:?}");
    assert!(run.err.contains("the saved canister is unchanged"), "{run:?}");
    assert_eq!(std::fs::read(bench.root.join("s")).unwrap(), before);
    assert_eq!(call(&["one.wasm", "--reinstall", "read"]).out, "(0 : nat)\n");
    std::fs::write(bench.root.join("s"), "else").unwrap();
    // A file that does not contain a canister state is not overwritten.
    for words in [&["one.wasm", "read"][..], &["one.wasm", "--reinstall", "read"]] {
        let run = call(words);
        assert_eq!(run.code, 2);
        assert!(run.err.contains("does not contain a canister state"), "{run:?}");
        assert_eq!(std::fs::read(bench.root.join("s")).unwrap(), b"else");
    }
}

#[test]
fn trap_in_canister_init_saves_nothing() {
    let bench = Bench::new();
    let run =
        bench.call(&["one.wasm", "--raw", "--init", "4449444c00017d05", "--state", "s", "read"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("canister_init failed: the canister trapped: no way"), "{run:?}");
    assert!(!bench.root.join("s").exists());
}

#[test]
fn concurrent_commands_all_count() {
    let bench = Bench::new();
    assert_eq!(bench.call(&["one.wasm", "--state", "s", "inc"]).code, 0);
    let held = File::options().write(true).open(bench.root.join(".s.lock")).unwrap();
    held.lock().unwrap();
    std::thread::scope(|scope| {
        let call = || bench.call(&["one.wasm", "--state", "s", "inc"]);
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(calls.iter().all(|it| !it.is_finished()), "they wait");
        drop(held);
        for run in calls.into_iter().map(|it| it.join().unwrap()) {
            assert!(run.code == 0 && run.err.contains("Waiting"), "{run:?}");
        }
    });
    assert_eq!(bench.call(&["one.wasm", "--state", "s", "read"]).out, "(5 : nat)\n");
}

#[test]
fn bad_arguments_fail_before_any_call() {
    let bench = Bench::new();
    let wrong = |args: &[&str]| {
        let run = bench.call(&[args, &["--state", "s"]].concat());
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(!bench.root.join("s").exists());
        run.err
    };
    let run = wrong(&["one.wasm", "inc", "reed"]);
    assert!(
        run.contains("no method `reed`") && run.contains("hint: did you mean `read`?"),
        "{run}"
    );
    assert!(
        run.contains("\n    inc : () -> (nat)") || run.contains("\n  inc : () -> (nat)"),
        "{run}"
    );
    assert!(wrong(&["one.wasm", "inc", "(1"]).contains("column 3"));
    assert!(wrong(&["one.wasm", "inc", "(1)"]).contains("expected 0 arguments, got 1"));
    assert!(wrong(&["one.wasm", "(1)"]).contains("expected a method, but found `(1)`"));
    for method in ["say", "inc"] {
        let run = wrong(&["one.wasm", method, "\"x\""]);
        assert!(run.contains("hint: enclose arguments in parentheses, as in `'(\"x\")'`"), "{run}");
    }
    assert!(wrong(&["one.wasm", "inc", "--init", "1"]).contains("`canister_init` takes ()"));
    assert!(!wrong(&["one.wasm", "inc", "--init", "(1)"]).contains("hint: add `--init"));
    assert!(wrong(&["one.wasm", "inc", "--caller", "me"]).contains("--caller"));
    assert!(wrong(&["gone.wasm", "inc"]).contains("gone.wasm"));
}

#[test]
fn time_and_kind_options_apply() {
    let bench = Bench::new();
    let run = bench.call(&["one.wasm", "time", "--time", "1970-01-01T00:00:01Z"]);
    assert_eq!(run.out, "(1_000_000_000 : nat64)\n");
    assert_eq!(bench.call(&["one.wasm", "time", "--time", "17"]).out, "(17 : nat64)\n");
    assert_eq!(bench.call(&["one.wasm", "read", "--update"]).out, "(0 : nat)\n");
    let run = bench.call(&["one.wasm", "inc", "--query"]);
    assert!(run.code == 1 && run.err.contains("`inc` is of kind update, not query"), "{run:?}");
    assert_eq!(bench.call(&["one.wasm", "--raw", "inc"]).out, "4449444c00017d01\n");
}

#[test]
fn interface_is_printed_embedded_and_checked() {
    let bench = Bench::new();
    let run = bench.run(&["candid", "one.wasm"]);
    assert!(run.code == 0 && run.out.starts_with("service : () -> { inc"), "{run:?}");
    assert_eq!(bench.run(&["candid", "one.wasm", "--embed", "embedded.wasm"]).code, 0);
    let embedded = bench.run(&["candid", "embedded.wasm"]);
    assert!(
        embedded.out == run.out && embedded.err.contains("icp:public candid:service"),
        "{embedded:?}"
    );
    assert_eq!(bench.run(&["candid", "embedded.wasm", "--run"]).err, "");
    assert_eq!(bench.run(&["candid", "one.wasm", "-o", "one.did"]).out, "");
    assert_eq!(bench.run(&["candid", "one.wasm", "--check", "one.did"]).code, 0);
    let more = "service : { inc : () -> (nat); more : () -> () }";
    std::fs::write(bench.root.join("more.did"), more).unwrap();
    let run = bench.run(&["candid", "one.wasm", "--check", "more.did"]);
    assert!(run.code == 1 && run.out.contains("more"), "{run:?}");
    std::fs::write(bench.root.join("bare.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
    let run = bench.run(&["candid", "bare.wasm"]);
    assert!(run.code == 2 && run.err.contains("export_candid!()"), "{run:?}");
}
