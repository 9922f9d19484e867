//! Tests that this crate's reader and rust-lld can read the objects that the writer creates.

use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::{Object, SymbolKind};

/// Writes an object that contains two strings, a `table` of their addresses and a function pointer,
/// and a constructor that stores the address of `table` in the variable `other`.
fn object() -> Vec<u8> {
    let mut writer = Writer::new();
    let helper = writer.undefined_function("helper", &[ValType::I32], &[]);
    let other = writer.undefined_data("other");
    let mut names = Data::default();
    let (one, two) = (names.push(b"one\0"), names.push(b"two\0"));
    let names = writer.data("names", Binding::Local, 1, names);
    let mut table = Data::default();
    for offset in [one, two] {
        table.push_address(names, offset);
    }
    table.push_function(helper);
    let table = writer.data("table", Binding::Global, 4, table);
    let start = Code::new().address(other).address(table).store();
    let start = writer.function("start", Binding::Local, &[], &[], start);
    writer.constructor(start, 101);
    let calls = Code::new().i32_const(7).call(helper);
    writer.function("calls", Binding::Weak, &[], &[], calls);
    writer.finish()
}

#[test]
fn written_object_is_read_back() {
    let object = Object::read("o", &object()).unwrap();
    let symbol = |name: &str| object.symbols.iter().find(|symbol| symbol.name == name).unwrap();
    let signature = Signature::new(&[ValType::I32], &[]);
    assert_eq!(
        (&symbol("helper").kind, symbol("helper").undefined),
        (&SymbolKind::Function(signature), true)
    );
    assert_eq!((&symbol("other").kind, symbol("other").undefined), (&SymbolKind::Data, true));
    assert_eq!((symbol("table").undefined, symbol("table").weak), (false, false));
    assert!(symbol("calls").weak && !symbol("calls").undefined);
    assert!(object.symbols.iter().all(|symbol| symbol.name != "names"));
}

#[test]
fn output_is_reproducible_and_valid() {
    assert_eq!(object(), object());
    wasmparser::Validator::new().validate_all(&object()).unwrap();
}

/// Returns the path of the active Rust toolchain's `rust-lld`.
fn linker() -> PathBuf {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end());
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).unwrap();
    let mut linkers = hosts.map(|host| host.unwrap().path().join("bin/rust-lld"));
    linkers.find(|path| path.exists()).expect("rust-lld is part of the Rust toolchain")
}

#[test]
fn linker_resolves_every_relocation() {
    let dir = tempfile::tempdir().unwrap();
    let mut others = Writer::new();
    let mut word = Data::default();
    word.push(&[0; 4]);
    others.data("other", Binding::Global, 4, word);
    others.function("helper", Binding::Global, &[ValType::I32], &[], Code::new());
    std::fs::write(dir.path().join("a.o"), object()).unwrap();
    std::fs::write(dir.path().join("b.o"), others.finish()).unwrap();
    let module = dir.path().join("module.wasm");
    let output = Command::new(linker())
        .args(["-flavor", "wasm", "--fatal-warnings", "--no-entry", "--export=calls"])
        .args(["--export=__wasm_call_ctors", "--export=other", "a.o", "b.o", "-o"])
        .arg(&module)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(module).unwrap();
    wasmparser::Validator::new().validate_all(&bytes).unwrap();
    // The variable `table` contains the addresses of the two strings and a function's index in the
    // wasm table. The strings are adjacent in memory. The index is 1, because the linker leaves
    // index 0 unused.
    let data = data_of(&bytes);
    let names = data.windows(8).position(|bytes| bytes == b"one\0two\0").unwrap();
    let base = u32::try_from(names).unwrap();
    let table = [base.to_le_bytes(), (base + 4).to_le_bytes(), 1_u32.to_le_bytes()].concat();
    assert!(data.windows(12).any(|bytes| bytes == table));
}

/// Returns the initial content of the module's memory.
fn data_of(module: &[u8]) -> Vec<u8> {
    let mut memory = vec![0; 1 << 18];
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let wasmparser::Payload::DataSection(reader) = payload.unwrap() else { continue };
        for segment in reader {
            let segment = segment.unwrap();
            let wasmparser::DataKind::Active { offset_expr, .. } = segment.kind else { continue };
            let first = offset_expr.get_operators_reader().read().unwrap();
            let wasmparser::Operator::I32Const { value } = first else { continue };
            let at = usize::try_from(value).unwrap();
            memory[at..at + segment.data.len()].copy_from_slice(segment.data);
        }
    }
    memory
}
