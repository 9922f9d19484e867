//! The adapter module, through which the host calls its own WASI functions.
//!
//! Files that an initialization leaves open would be lost in a snapshot. To record them, the host
//! replaces `path_open` and calls the original function itself. wasmtime's WASI functions use the
//! memory of the instance that calls them. The host therefore calls them through an instance of a
//! small module, the adapter, which imports the memory of the initialization.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    MemoryType, Module, TypeSection, ValType,
};

pub(super) const WASI: &str = "wasi_snapshot_preview1";
/// The functions of the adapter. Each is imported and exported under the same name.
pub(super) const OPEN: &str = "path_open";
pub(super) const STAT: &str = "fd_fdstat_get";
/// The module name and the field name of the memory import.
pub(super) const HOST: &str = "pywasm";
pub(super) const MEMORY: &str = "memory";

/// The size of the result of `fd_fdstat_get`.
pub(super) const STAT_SIZE: usize = 24;

/// Returns the adapter module. Source of the types: WASI preview1.
pub(super) fn adapter() -> Vec<u8> {
    use ValType::{I32, I64};
    let signatures: [&[ValType]; 2] = [&[I32, I32, I32, I32, I32, I64, I64, I32, I32], &[I32, I32]];
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (at, (name, params)) in (0_u32..).zip([OPEN, STAT].into_iter().zip(signatures)) {
        types.ty().function(params.iter().copied(), [I32]);
        imports.import(WASI, name, EntityType::Function(at));
        functions.function(at);
        exports.export(name, ExportKind::Func, 2 + at);
        let mut body = Function::new([]);
        let mut sink = body.instructions();
        for (param, _) in (0_u32..).zip(params) {
            sink.local_get(param);
        }
        sink.call(at).end();
        code.function(&body);
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
