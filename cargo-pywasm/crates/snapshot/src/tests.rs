//! Tests snapshots of small modules, and initializations that are refused.

use camino::Utf8Path;

use super::*;
use pywasm_runtime::{Bounds, Dir, Runtime};
use pywasm_store::Ctx;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.dir.path()).unwrap()
    }

    fn runtime(&self, bounds: Bounds) -> Runtime {
        let ctx = Ctx::for_tests(self.path(), &[]);
        Runtime::bounded(bounds, &ctx).unwrap()
    }

    fn bounded(&self, text: &str, bounds: Bounds) -> anyhow::Result<Snapshot> {
        let request = Request {
            imports: Vec::new(),
            init: Some("init".to_owned()),
            program: Program::new("test").dir(Dir::writable(self.path(), "/")),
            files: None,
            hash_seed: Some(1),
        };
        snapshot(&wat::parse_str(text).unwrap(), &request, &self.runtime(bounds))
    }

    fn snapshot(&self, text: &str) -> Snapshot {
        let result = self.bounded(text, Bounds::default()).unwrap();
        wasmparser::validate(&result.module).unwrap();
        result
    }

    fn error(&self, text: &str) -> String {
        format!("{:#}", self.bounded(text, Bounds::default()).unwrap_err())
    }

    /// Returns the results of two calls to a module's export `run`. The module's imports trap.
    fn run(&self, module: &[u8]) -> (i32, i32) {
        let compiled = self.runtime(Bounds::default()).compile(module).unwrap();
        let mut store = wasmtime::Store::new(compiled.engine(), ());
        let mut linker = wasmtime::Linker::new(compiled.engine());
        linker.define_unknown_imports_as_traps(&compiled).unwrap();
        let instance = linker.instantiate(&mut store, &compiled).unwrap();
        let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
        (run.call(&mut store, ()).unwrap(), run.call(&mut store, ()).unwrap())
    }
}

/// Returns the text of a module with these imports and a function `init` with this body.
fn module(imports: &str, init: &str) -> String {
    format!(
        r#"(module {imports}
            (memory (export "memory") 2)
            (data (i32.const 16) "file")
            (global $count (mut i32) (i32.const 0))
            (func $init (export "init") {init})
            (func (export "run") (result i32)
                (global.set $count (i32.add (global.get $count) (i32.const 1)))
                (i32.add (global.get $count) (i32.load (i32.const 104)))))"#
    )
}

const OPEN: &str = r#"(import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"#;
const OPENS: &str = "(if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4)
    (i32.const 1) (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 32)) (then unreachable))";

#[test]
fn memory_and_globals_are_kept() {
    let bench = Bench::new();
    let text = module(
        "",
        "(global.set $count (i32.const 40)) (i32.store (i32.const 104) (i32.const 7))
        (drop (memory.grow (i32.const 1)))",
    );
    let result = bench.snapshot(&text);
    assert_eq!((result.form, result.memory), (Form::Foreign, 3 << 16));
    assert_eq!(bench.run(&result.module), (48, 49));
    // A snapshot of a snapshot is refused.
    let again = snapshot(
        &result.module,
        &Request {
            imports: Vec::new(),
            init: None,
            program: Program::new("x"),
            files: None,
            hash_seed: None,
        },
        &bench.runtime(Bounds::default()),
    );
    let message = format!("{:#}", again.unwrap_err());
    assert!(message.contains("already a snapshot"), "{message}");
    assert_eq!(bench.snapshot(&text).module, result.module);
}

#[test]
fn constructor_runs_and_is_removed() {
    let text = module("", "").replace(
        "(func $init",
        r#"(func (export "_initialize") (global.set $count (i32.const 4))) (func $init"#,
    );
    let bench = Bench::new();
    let result = bench.snapshot(&text);
    assert_eq!(bench.run(&result.module), (5, 6));
    let read = pywasm_wasm::Module::read(&result.module).unwrap();
    let names: Vec<&str> = read.exports.iter().map(|export| export.name).collect();
    assert_eq!(names, ["memory", "run"]);
}

#[test]
fn open_file_is_refused() {
    let bench = Bench::new();
    std::fs::write(bench.path().join("file"), "").unwrap();
    let message = bench.error(&module(OPEN, OPENS));
    assert!(message.contains("left files open: `file`"), "{message}");
    let close =
        r#"(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))"#;
    let closes = format!("{OPENS} (drop (call $close (i32.load (i32.const 32))))");
    let imports = format!("{OPEN}{close}");
    bench.snapshot(&module(&imports, &closes));
    // The file gets the descriptor of the closed standard input.
    let again = format!("(drop (call $close (i32.const 0))) {OPENS}");
    let message = bench.error(&module(&imports, &again));
    assert!(message.contains("left files open: `file`"), "{message}");
}

#[test]
fn missing_imports_trap_when_called() {
    let bench = Bench::new();
    let import = r#"(import "host" "thing" (func $thing))"#;
    bench.snapshot(&module(import, ""));
    let message = bench.error(&module(import, "(call $thing)"));
    assert!(message.contains("`init`") && message.contains("host::thing"), "{message}");
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let message = bench.error(&module(exit, "(call $exit (i32.const 0))"));
    assert!(message.contains("ended with exit status 0"), "{message}");
}

#[test]
fn random_draws_are_reported_and_reproducible() {
    let bench = Bench::new();
    let import = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
    let draws = "(drop (call $random (i32.const 104) (i32.const 4)))";
    let result = bench.snapshot(&module(import, draws));
    assert_eq!(result.random_draws, [("`init`".to_owned(), 4)]);
    assert!(result.warnings()[0].contains("`init` drew 4 random bytes"));
    assert_eq!(bench.snapshot(&module(import, draws)).module, result.module);
}

#[test]
fn clocks_are_reproducible_and_advance() {
    let time = r#"(import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))"#;
    let reads = "(drop (call $time (i32.const 1) (i64.const 0) (i32.const 104)))
        (drop (call $time (i32.const 1) (i64.const 0) (i32.const 104)))";
    let bench = Bench::new();
    assert_eq!(bench.run(&bench.snapshot(&module(time, reads)).module).0, 1001);
}

#[test]
fn unsupported_modules_are_refused() {
    let bench = Bench::new();
    for (text, expected) in [
        (r#"(module (func (export "init")))"#, "it has 0 memories"),
        (r#"(module (memory 1) (memory 1) (func (export "init")))"#, "it has 2 memories"),
        (r#"(module (memory 1 2 shared) (func (export "init")))"#, "shared"),
        (r#"(module (import "a" "m" (memory 1)) (func (export "init")))"#, "memory `a.m`"),
        (
            r#"(module (import "a" "t" (table 1 funcref)) (memory 1) (func (export "init")))"#,
            "table `a.t`",
        ),
        (r#"(module (memory 1) (func (export "other")))"#, "no function `init`"),
        (r#"(module (memory 1) (func (export "init") (param i32)))"#, "`init`"),
        (
            r#"(module (memory 1) (func (export "init")) (func (export "_start")))"#,
            "a command without `pywasm_resume`",
        ),
        (
            r#"(module (memory 1) (table 1 funcref)
                (func (export "init") (table.set (i32.const 0) (ref.null func))))"#,
            "table.set",
        ),
        (
            r#"(module (memory 1) (func (export "init")) (func (export "__wizer_memory_0")))"#,
            "__wizer_",
        ),
    ] {
        let message = bench.error(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn initialization_is_limited() {
    let bench = Bench::new();
    let error =
        |text: &str, bounds: Bounds| format!("{:#}", bench.bounded(text, bounds).unwrap_err());
    let endless = module("", "(loop br 0)");
    let fuel = Bounds { fuel: Some(1000), ..Bounds::default() };
    assert!(error(&endless, fuel).contains("out of fuel"));
    let timeout = Some(std::time::Duration::from_millis(50));
    assert!(error(&endless, Bounds { timeout, ..Bounds::default() }).contains("out of time"));
    let grows = module(
        "",
        "(if (i32.ne (memory.grow (i32.const 16000)) (i32.const -1)) (then unreachable))",
    );
    bench.snapshot(&grows);
}

#[test]
fn memory_with_too_many_runs_is_refused() {
    // Every second byte of 64 MiB is nonzero.
    let text = module(
        "",
        "(local $at i32) (drop (memory.grow (i32.const 1022)))
        (loop (i32.store8 (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 2)))
            (br_if 0 (i32.lt_u (local.get $at) (i32.const 0x4000000))))",
    );
    assert!(Bench::new().error(&text).contains("runs of nonzero bytes"));
}

#[test]
fn changed_bytes_give_a_snapshot_or_an_error() {
    let bench = Bench::new();
    let text =
        module("", "(global.set $count (i32.const 40)) (i32.store (i32.const 104) (i32.const 7))");
    let bytes = wat::parse_str(text).unwrap();
    let bounds = Bounds { fuel: Some(10_000), memory: Some(1 << 20), ..Bounds::default() };
    let runtime = bench.runtime(bounds);
    let request = Request {
        imports: Vec::new(),
        init: Some("init".to_owned()),
        program: Program::new("test"),
        files: None,
        hash_seed: Some(1),
    };
    let mut valid = 0;
    for at in 8..bytes.len() {
        for change in [1, 0x40, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if let Ok(snapshot) = snapshot(&changed, &request, &runtime) {
                wasmparser::validate(&snapshot.module).unwrap();
                valid += 1;
            }
        }
    }
    assert!(valid > 10, "{valid} of {} bytes", bytes.len());
}
