//! Runs recursive programs on a host with wasmtime's default configuration, which has a smaller stack
//! than the tool's own runtime.

use std::path::{Path, PathBuf};

use wasmtime::{Config, Engine, Linker, Module, Store};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_sync};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The directory of `recursion.py`, as the programs see it.
const TESTS: &str = "/tests";

/// The maximum number of bytes that a program may print.
const MAX_OUTPUT: usize = 1 << 20;

/// Runs a module and returns its output.
fn run(module: &Path, stdlib: &Path, guest: &str) -> String {
    let engine = Engine::new(&Config::new()).expect("an engine");
    let module = Module::from_file(&engine, module).expect("a module");
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    add_to_linker_sync(&mut linker, |state| state).expect("WASI");
    let output = MemoryOutputPipe::new(MAX_OUTPUT);
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let state = WasiCtxBuilder::new()
        .args(&["python", &format!("{TESTS}/recursion.py")])
        .stdout(output.clone())
        .stderr(output.clone())
        .preopened_dir(stdlib, guest, FsPerms::ReadOnly)
        .and_then(|builder| builder.preopened_dir(here, TESTS, FsPerms::ReadOnly))
        .expect("directories")
        .build_p1();
    let mut store = Store::new(&engine, state);
    let instance = linker.instantiate(&mut store, &module).expect("an instance");
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").expect("a command");
    let ended = start.call(&mut store, ());
    let text = String::from_utf8_lossy(&output.contents()).into_owned();
    ended.unwrap_or_else(|trap| panic!("{text}{trap:?}"));
    text
}

#[test]
#[ignore = "needs modules: run `cargo xtask e2e`"]
fn recursions_end_in_exceptions() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let stdlib = PathBuf::from(variable("PYWASM_STDLIB"));
    let python = stdlib.file_name().expect("a name").to_string_lossy().into_owned();
    let guest = format!("/usr/local/lib/{python}");
    // Each module takes several seconds to compile.
    std::thread::scope(|scope| {
        for module in std::env::split_paths(&variable("PYWASM_MODULES")) {
            let (stdlib, guest) = (&stdlib, &guest);
            scope.spawn(move || {
                let text = run(&module, stdlib, guest);
                assert!(text.contains("all programs ended"), "{}:\n{text}", module.display());
            });
        }
    });
}
