//! A module between a program and wasmtime's WASI functions.
//!
//! A WASI function of wasmtime uses the memory that the calling module exports. A host function that
//! replaces a WASI function is not in a module and has no memory, so it cannot call the original
//! directly. Instead, it calls the function with the same name in this module, which imports the
//! program's memory and re-exports it.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    MemoryType, Module, TypeSection, ValType,
};
use wasmtime::{AsContextMut, Instance, Linker, Memory};
use wasmtime_wasi::p1::{self, WasiP1Ctx};

/// The module name of WASI's functions.
pub(super) const WASI: &str = "wasi_snapshot_preview1";
/// The name that WASI gives to a program's memory.
pub(super) const MEMORY: &str = "memory";
/// The module name of the imported memory.
const HOST: &str = "host";

/// A function of WASI: its name and its parameters. Its result is an error number.
pub type WasiFunction = (&'static str, &'static [ValType]);

/// Instantiates the adapter for some functions of WASI and the memory of a program.
///
/// # Errors
/// When the memory is shared or has 64-bit addresses, or WASI has no such function.
pub fn adapter<S: AsContextMut<Data: Send>>(
    functions: &[WasiFunction],
    mut store: S,
    memory: Memory,
    wasi: impl Fn(&mut S::Data) -> &mut WasiP1Ctx + Copy + Send + Sync + 'static,
) -> wasmtime::Result<Instance> {
    let engine = store.as_context().engine().clone();
    let mut linker = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, wasi)?;
    linker.define(&mut store, HOST, MEMORY, memory)?;
    let module = wasmtime::Module::new(&engine, encode(functions))?;
    linker.instantiate(&mut store, &module)
}

/// Encodes the adapter. Source of the names: the documentation of WASI preview 1.
fn encode(all: &[WasiFunction]) -> Vec<u8> {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (import, (name, params)) in (0_u32..).zip(all) {
        types.ty().function(params.iter().copied(), [ValType::I32]);
        imports.import(WASI, name, EntityType::Function(import));
        functions.function(import);
        let mut body = Function::new([]);
        let mut sink = body.instructions();
        for (param, _) in (0_u32..).zip(*params) {
            sink.local_get(param);
        }
        sink.call(import).end();
        code.function(&body);
    }
    // The functions of this module have the indices after those of the imports.
    for (index, (name, _)) in (code.len()..).zip(all) {
        exports.export(name, ExportKind::Func, index);
    }
    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import(HOST, MEMORY, memory);
    exports.export(MEMORY, ExportKind::Memory, 0);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module.finish()
}
