//! Small WASI programs, each of which tests one limit or one part of the sandbox.

use std::time::Duration;

use camino::Utf8PathBuf;

use super::*;
use pywasm_session::hint_of;

/// A store, a directory to write to, and a program.
struct Bench {
    ctx: Ctx,
    dir: Utf8PathBuf,
    wasm: Utf8PathBuf,
    _root: tempfile::TempDir,
}

/// Creates a program that consists of the functions in `body`. They can call `$print`, which takes
/// an address and a length and prints the bytes there, and `$exit`, which exits the program.
fn bench(body: &str) -> Bench {
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (import "wasi_snapshot_preview1" "fd_write"
                (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read"
                (func $fd_read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_sizes_get"
                (func $args_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_get"
                (func $args_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get"
                (func $environ_sizes_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_get"
                (func $environ_get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_create_directory"
                (func $mkdir (param i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "poll_oneoff"
                (func $poll (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (func $print (param $at i32) (param $len i32)
                (i32.store (i32.const 0) (local.get $at))
                (i32.store (i32.const 4) (local.get $len))
                (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
            {body})"#
    );
    let root = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(root.path().to_path_buf()).unwrap();
    let (dir, wasm) = (path.join("dir"), path.join("program.wasm"));
    fs_err::create_dir(&dir).unwrap();
    fs_err::write(&wasm, wat::parse_str(text).unwrap()).unwrap();
    let ctx = Ctx::for_tests(&path, &[]);
    Bench { ctx, dir, wasm, _root: root }
}

impl Bench {
    fn run(&self, bounds: Bounds, program: &Program) -> anyhow::Result<Captured> {
        let runtime = Runtime::bounded(bounds, &self.ctx)?;
        runtime.capture(&runtime.load(&self.wasm)?, program)
    }

    fn end(&self, bounds: Bounds) -> End {
        self.run(bounds, &Program::new("program")).unwrap().end
    }
}

/// Creates a program that contains a loop of `rounds` iterations.
fn counts_to(rounds: u32) -> Bench {
    bench(&format!(
        r#"(func (export "_start") (local $n i32)
            (loop $again
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $n) (i32.const {rounds})))))"#
    ))
}

const FOREVER: &str = r#"(func (export "_start") (loop $again (br $again)))"#;

/// Returns the text of a wasm function that calls two WASI functions, such as `args_sizes_get` and
/// `args_get`, and prints the strings that they return, each with its terminating zero byte.
fn print_strings(sizes: &str, get: &str) -> String {
    format!(
        r#"(func (export "_start")
            (drop (call {sizes} (i32.const 16) (i32.const 20)))
            (drop (call {get} (i32.const 1024) (i32.const 4096)))
            (call $print (i32.const 4096) (i32.load (i32.const 20))))"#
    )
}

#[test]
fn every_exit_status_passes_through() {
    for code in [0, 1, 2, 125, 126, 130, 255] {
        let bench = bench(&format!(
            r#"(func (export "_start") (call $exit (i32.const {code})) unreachable)"#
        ));
        let end = bench.end(Bounds::default());
        assert_eq!(end, End::Exit(code));
        assert_eq!(i32::from(end.code()), code);
    }
}

#[test]
fn exit_status_has_eight_bits() {
    assert_eq!(End::Exit(256).code(), 0);
    assert_eq!(End::Exit(-1).code(), 255);
}

#[test]
fn returning_from_start_is_success() {
    assert!(bench(r#"(func (export "_start"))"#).end(Bounds::default()).is_success());
}

#[test]
fn fuel_use_is_deterministic() {
    let bench = bench(r#"(func (export "_start") (call $print (i32.const 64) (i32.const 1)))"#);
    let used = |fuel| {
        let runtime = Runtime::bounded(Bounds { fuel, ..Bounds::default() }, &bench.ctx).unwrap();
        let module = runtime.load(&bench.wasm).unwrap();
        let ran = runtime.run(&module, &Program::new("program")).unwrap();
        assert!(ran.end.is_success());
        ran.spent.unwrap().fuel
    };
    let (once, again) = (used(Some(1000)), used(Some(2000)));
    assert!(once.is_some_and(|fuel| 0 < fuel && fuel < 100), "{once:?}");
    assert_eq!(once, again);
    assert_eq!(used(None), None, "fuel is not counted without a limit");
}

#[test]
fn fuel_ends_a_program() {
    let end = bench(FOREVER).end(Bounds { fuel: Some(10_000), ..Bounds::default() });
    assert_eq!((end.code(), end), (125, End::OutOfFuel));
}

#[test]
fn timeout_ends_a_computing_program() {
    let end = bench(FOREVER)
        .end(Bounds { timeout: Some(Duration::from_millis(20)), ..Bounds::default() });
    assert_eq!((end.code(), end), (124, End::TimedOut));
}

/// The program keeps running on an abandoned thread, so its loop must be finite: it has a billion
/// iterations.
#[test]
fn timeout_until_exit_needs_no_checks_in_the_code() {
    let bench = counts_to(1_000_000_000);
    let bounds = Bounds { timeout: Some(Duration::from_millis(1)), ..Bounds::default() };
    let limited = Runtime::until_exit(bounds, &bench.ctx).unwrap();
    let module = limited.load(&bench.wasm).unwrap();
    let end = limited.capture(&module, &Program::new("program")).unwrap().end;
    assert_eq!(end, End::TimedOut);
    let code = |runtime: &Runtime| runtime.load(&bench.wasm).unwrap().compiled.text().to_vec();
    let without = Runtime::new(&bench.ctx).unwrap();
    let interrupted = Runtime::bounded(bounds, &bench.ctx).unwrap();
    assert_eq!(code(&limited), code(&without));
    assert_ne!(code(&interrupted), code(&without));
}

/// The engine cannot interrupt a host function, so this test would hang if the run waited for it.
#[test]
fn timeout_ends_a_sleeping_program() {
    // Waits for an hour on the monotonic clock.
    let sleeps = bench(
        r#"(func (export "_start")
            (i32.store (i32.const 48) (i32.const 1))
            (i64.store (i32.const 56) (i64.const 3600000000000))
            (drop (call $poll (i32.const 32) (i32.const 128) (i32.const 1) (i32.const 16))))"#,
    );
    let bounds = Bounds { timeout: Some(Duration::from_millis(20)), ..Bounds::default() };
    assert_eq!(sleeps.end(bounds), End::TimedOut);
}

#[test]
fn zero_and_endless_timeouts() {
    let bounds = |timeout| Bounds { timeout: Some(timeout), ..Bounds::default() };
    assert_eq!(bench(FOREVER).end(bounds(Duration::ZERO)), End::TimedOut);
    let ends = bench(r#"(func (export "_start"))"#);
    assert_eq!(ends.end(bounds(Duration::MAX)), End::Exit(0));
}

#[test]
fn timeout_of_one_program_does_not_end_another() {
    let counts = counts_to(20_000_000);
    let bounds = Bounds { timeout: Some(Duration::from_secs(3600)), ..Bounds::default() };
    let runtime = Runtime::bounded(bounds, &counts.ctx).unwrap();
    let module = runtime.load(&counts.wasm).unwrap();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let engine = runtime.engine.clone();
    let clock = std::thread::spawn(move || {
        // Advance the epoch, as timeouts of other programs would. Do not pause between advances, so
        // that some of them happen while the program counts.
        while is_done.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            engine.increment_epoch();
            std::thread::yield_now();
        }
    });
    let end = runtime.capture(&module, &Program::new("program")).unwrap().end;
    drop(done);
    clock.join().unwrap();
    assert_eq!(end, End::Exit(0));
}

#[test]
fn memory_growth_beyond_the_limit_fails() {
    // Exits with 2 plus the result of growing the memory by a thousand pages. The result is the old
    // size of 2 pages, or -1 after a failure.
    let grows = bench(
        r#"(func (export "_start")
            (call $exit (i32.add (memory.grow (i32.const 1000)) (i32.const 2))))"#,
    );
    let limit = |bytes| Bounds { memory: Some(bytes), ..Bounds::default() };
    assert_eq!(grows.end(limit(1 << 20)), End::Exit(1));
    assert_eq!(grows.end(limit(1 << 30)), End::Exit(4));
}

#[test]
fn limit_below_the_initial_memory_is_refused() {
    let error = bench(FOREVER)
        .run(Bounds { memory: Some(1 << 16), ..Bounds::default() }, &Program::new("program"))
        .unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("64.0 KiB") && text.contains("128.0 KiB"), "{text}");
    assert_eq!(hint_of(&error), Some("raise --memory"));
}

#[test]
fn trap_names_its_cause_and_functions() {
    let traps = bench(
        r#"(func $inner unreachable) (func $outer call $inner)
           (func (export "_start") call $outer)"#,
    );
    let end = traps.end(Bounds::default());
    assert_eq!(end.code(), 134);
    let End::Trap(text) = end else { panic!("{end:?}") };
    assert!(text.contains("unreachable"), "{text}");
    assert!(text.contains("in inner\n    in outer"), "{text}");
    assert!(!text.contains("wasmtime"), "{text}");
}

#[test]
fn endless_recursion_is_a_trap_with_few_frames() {
    let end = bench(r#"(func $f (export "_start") call $f)"#).end(Bounds::default());
    let End::Trap(text) = end else { panic!("{end:?}") };
    assert!(text.contains("call stack exhausted") && text.contains("more"), "{text}");
    assert!(text.lines().count() < 20, "{text}");
}

#[test]
fn arguments_are_passed_unchanged() {
    let program = Program::new("python").args(["-c", "print('ü')", "--flag", ""]);
    let bench = bench(&print_strings("$args_sizes_get", "$args_get"));
    let output = bench.run(Bounds::default(), &program).unwrap().text();
    assert_eq!(output, "python\0-c\0print('ü')\0--flag\0\0");
}

#[test]
fn only_named_variables_are_passed() {
    let bench = bench(&print_strings("$environ_sizes_get", "$environ_get"));
    let output = |program: &Program| bench.run(Bounds::default(), program).unwrap().text();
    assert!(std::env::vars_os().next().is_some(), "the test itself has an environment");
    assert_eq!(output(&Program::new("program")), "");
    assert_eq!(output(&Program::new("program").env("A", "1=2")), "A=1=2\0");
}

#[test]
fn directories_are_limited_to_the_named_ones() {
    // Exits with the error code of `mkdir new` in the first directory.
    let makes = bench(
        r#"(data (i32.const 64) "new")
           (func (export "_start")
               (call $exit (call $mkdir (i32.const 3) (i32.const 64) (i32.const 3))))"#,
    );
    let directory = makes.dir.join("new");
    let end = |program: &Program| makes.run(Bounds::default(), program).unwrap().end;
    // WASI's `badf`: there is no descriptor after the standard streams.
    assert_eq!(end(&Program::new("program")), End::Exit(8));
    // WASI's `perm`.
    let read_only = Program::new("program").dir(Dir::read_only(&makes.dir, "/"));
    assert_eq!((end(&read_only), directory.exists()), (End::Exit(63), false));
    let writable = Program::new("program").dir(Dir::writable(&makes.dir, "/"));
    assert_eq!((end(&writable), directory.exists()), (End::Exit(0), true));
}

#[test]
fn missing_directory_is_named() {
    let bench = bench(FOREVER);
    let program = Program::new("program").dir(Dir::read_only(&bench.dir.join("none"), "/"));
    let error = format!("{:#}", bench.run(Bounds::default(), &program).unwrap_err());
    assert!(error.contains("dir/none`"), "{error}");
}

#[test]
fn text_is_passed_as_standard_input() {
    let echoes = bench(
        r#"(func (export "_start")
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 100))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
            (call $print (i32.const 1024) (i32.load (i32.const 16))))"#,
    );
    let output = |program: &Program| echoes.run(Bounds::default(), program).unwrap().text();
    assert_eq!(output(&Program::new("program")), "");
    assert_eq!(output(&Program::new("program").stdin("hello")), "hello");
}

#[test]
fn file_that_is_not_a_command_is_refused() {
    let bench = bench(r#"(func (export "other"))"#);
    let error = bench.run(Bounds::default(), &Program::new("program")).unwrap_err();
    assert!(format!("{error:#}").contains("not a WASI preview1 command"), "{error:#}");
    fs_err::write(&bench.wasm, "not wasm").unwrap();
    let error = bench.run(Bounds::default(), &Program::new("program")).unwrap_err();
    assert!(error.to_string().contains("program.wasm"), "{error:#}");
}

#[test]
fn reactor_is_initialized_once_and_called_in_turn() {
    let bench = bench(
        r#"(global $total (mut i64) (i64.const 0))
        (func (export "_initialize")
            (global.set $total (i64.add (global.get $total) (i64.const 100))))
        (func (export "add") (param i64) (result i64)
            (global.set $total (i64.add (global.get $total) (local.get 0)))
            (global.get $total))
        (func (export "leave") (call $exit (i32.const 7)))"#,
    );
    let invoke = |calls: &[&str]| {
        let runtime = Runtime::new(&bench.ctx).unwrap();
        let module = runtime.load(&bench.wasm).unwrap();
        let calls = calls.iter().map(|call| call.parse().unwrap()).collect();
        let (sender, results) = std::sync::mpsc::channel();
        let report = move |text| sender.send(text).unwrap();
        let end = runtime.invoke(&module, &Program::new("reactor"), calls, report);
        let end = end.map(|ran| ran.end);
        (end.map_err(|error| format!("{error:#}")), results.iter().collect::<Vec<String>>())
    };
    assert_eq!(
        invoke(&["add(40)", "add(2)"]),
        (Ok(End::Exit(0)), vec!["140".into(), "142".into()])
    );
    assert_eq!(invoke(&["add(1)", "leave", "add(1)"]), (Ok(End::Exit(7)), vec!["101".into()]));
    assert!(invoke(&["sub"]).0.unwrap_err().contains("no function `sub`"));
}
