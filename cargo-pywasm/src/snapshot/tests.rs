//! Modules of a few lines, whose initialization does what must not be kept, or may.

use camino::Utf8Path;

use super::*;
use pywasm_runtime::{Bounds, Dir, Runtime};
use pywasm_session::Environment;
use pywasm_session::Reporter;
use pywasm_store::Ctx;
use pywasm_store::Store;

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
        let ctx = Ctx {
            env: Environment::of(&[]),
            store: Store::at(&self.path().join("store")),
            reporter: Reporter::captured(),
            offline: true,
            jobs: Ctx::default_jobs(),
            cwd: self.path().to_owned(),
        };
        Runtime::bounded(bounds, &ctx).unwrap()
    }

    fn bounded(&self, text: &str, bounds: Bounds) -> anyhow::Result<Snapshot> {
        let request = Request {
            imports: Vec::new(),
            init: Some("init".to_owned()),
            program: Program::new("test").dir(Dir::writable(self.path(), "/")),
            hash_seed: Some(1),
        };
        snapshot(&wat::parse_str(text).unwrap(), &request, &self.runtime(bounds))
    }

    fn made(&self, text: &str) -> Snapshot {
        let made = self.bounded(text, Bounds::default()).unwrap();
        wasmparser::validate(&made.module).unwrap();
        made
    }

    fn refused(&self, text: &str) -> String {
        format!("{:#}", self.bounded(text, Bounds::default()).unwrap_err())
    }

    /// What a module's `run` returns, called twice, with imports that trap.
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

/// A module whose `init` is this.
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
fn memory_and_globals_are_kept_and_the_initialization_is_gone() {
    let bench = Bench::new();
    let text = module(
        "",
        "(global.set $count (i32.const 40)) (i32.store (i32.const 104) (i32.const 7))
        (drop (memory.grow (i32.const 1)))",
    );
    let made = bench.made(&text);
    assert_eq!((made.form, made.memory), (Form::Foreign, 3 << 16));
    assert_eq!(bench.run(&made.module), (48, 49));
    // Nor would it run twice.
    let again = snapshot(
        &made.module,
        &Request { imports: Vec::new(), init: None, program: Program::new("x"), hash_seed: None },
        &bench.runtime(Bounds::default()),
    );
    let said = format!("{:#}", again.unwrap_err());
    assert!(said.contains("a snapshot already"), "{said}");
    assert_eq!(bench.made(&text).module, made.module);
}

#[test]
fn a_constructor_runs_before_and_is_no_part_of_it_any_more() {
    let text = module("", "").replace(
        "(func $init",
        r#"(func (export "_initialize") (global.set $count (i32.const 4))) (func $init"#,
    );
    let bench = Bench::new();
    let made = bench.made(&text);
    assert_eq!(bench.run(&made.module), (5, 6));
    let read = pywasm_wasm::Module::read(&made.module).unwrap();
    let names: Vec<&str> = read.exports.iter().map(|export| export.name).collect();
    assert_eq!(names, ["memory", "run"]);
}

#[test]
fn an_open_file_is_named_and_a_closed_one_is_forgotten() {
    let bench = Bench::new();
    std::fs::write(bench.path().join("file"), "").unwrap();
    let said = bench.refused(&module(OPEN, OPENS));
    assert!(said.contains("left open: `file`"), "{said}");
    let close =
        r#"(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))"#;
    let closes = format!("{OPENS} (drop (call $close (i32.load (i32.const 32))))");
    let imports = format!("{OPEN}{close}");
    bench.made(&module(&imports, &closes));
    // Its input's number is free then, and the file gets it.
    let again = format!("(drop (call $close (i32.const 0))) {OPENS}");
    let said = bench.refused(&module(&imports, &again));
    assert!(said.contains("left open: `file`"), "{said}");
}

#[test]
fn what_is_not_there_traps_by_its_name_and_the_rest_is_nobodys() {
    let bench = Bench::new();
    let import = r#"(import "host" "thing" (func $thing))"#;
    bench.made(&module(import, ""));
    let said = bench.refused(&module(import, "(call $thing)"));
    assert!(said.contains("`init`") && said.contains("host::thing"), "{said}");
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let said = bench.refused(&module(exit, "(call $exit (i32.const 0))"));
    assert!(said.contains("ended with exit status 0"), "{said}");
}

#[test]
fn random_numbers_of_others_are_told_and_come_of_the_seed() {
    let bench = Bench::new();
    let import = r#"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
    let draws = "(drop (call $random (i32.const 104) (i32.const 4)))";
    let made = bench.made(&module(import, draws));
    assert_eq!(made.drawn, [("`init`".to_owned(), 4)]);
    assert!(made.warnings()[0].contains("`init` drew 4 random bytes"));
    assert_eq!(bench.made(&module(import, draws)).module, made.module);
}

#[test]
fn clocks_are_those_of_nobody_and_go() {
    let time = r#"(import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))"#;
    let reads = "(drop (call $time (i32.const 1) (i64.const 0) (i32.const 104)))
        (drop (call $time (i32.const 1) (i64.const 0) (i32.const 104)))";
    let bench = Bench::new();
    assert_eq!(bench.run(&bench.made(&module(time, reads)).module).0, 1001);
}

#[test]
fn what_can_not_be_kept_is_refused_by_name() {
    let bench = Bench::new();
    for (text, said) in [
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
        let told = bench.refused(text);
        assert!(told.contains(said), "{text}: {told}");
    }
}

#[test]
fn an_initialization_has_limits() {
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
    bench.made(&grows);
}

#[test]
fn a_memory_in_more_pieces_than_anyone_keeps_is_refused() {
    // Each second byte of 64 MiB.
    let text = module(
        "",
        "(local $at i32) (drop (memory.grow (i32.const 1022)))
        (loop (i32.store8 (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 2)))
            (br_if 0 (i32.lt_u (local.get $at) (i32.const 0x4000000))))",
    );
    assert!(Bench::new().refused(&text).contains("pieces"));
}

#[test]
fn a_changed_byte_ends_in_a_snapshot_or_an_error() {
    let bench = Bench::new();
    let text =
        module("", "(global.set $count (i32.const 40)) (i32.store (i32.const 104) (i32.const 7))");
    let bytes = wat::parse_str(text).unwrap();
    let bounds = Bounds { fuel: Some(10_000), memory: Some(1 << 20), timeout: None };
    let runtime = bench.runtime(bounds);
    let request = Request {
        imports: Vec::new(),
        init: Some("init".to_owned()),
        program: Program::new("test"),
        hash_seed: Some(1),
    };
    let mut made = 0;
    for at in 8..bytes.len() {
        for change in [1, 0x40, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            if let Ok(snapshot) = snapshot(&changed, &request, &runtime) {
                wasmparser::validate(&snapshot.module).unwrap();
                made += 1;
            }
        }
    }
    assert!(made > 10, "{made} of {} bytes", bytes.len());
}
