//! Written objects: read back by the reader, and linked by a linker where there is one.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use wasm_encoder::Instruction;

use super::*;
use crate::{Kind, Object, Signature};

/// A counter, a table of two names, and a start function that sets `other` to the table's address.
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
    writer.call_at_start(start, 101);
    let calls = Code::new().then(&Instruction::I32Const(7)).call(helper);
    writer.function("calls", Binding::Weak, &[], &[], calls);
    writer.finish()
}

#[test]
fn the_reader_finds_what_was_written() {
    let object = Object::read("o", &object()).unwrap();
    let symbol = |name: &str| object.symbols.iter().find(|symbol| symbol.name == name).unwrap();
    let signature = Signature { params: vec!["i32".to_owned()], results: Vec::new() };
    assert_eq!(
        (&symbol("helper").kind, symbol("helper").undefined),
        (&Kind::Function(signature), true)
    );
    assert_eq!((&symbol("other").kind, symbol("other").undefined), (&Kind::Data, true));
    assert_eq!((symbol("table").undefined, symbol("table").weak), (false, false));
    assert!(symbol("calls").weak && !symbol("calls").undefined);
    assert!(object.symbols.iter().all(|symbol| symbol.name != "names"));
}

#[test]
fn equal_calls_give_equal_bytes_that_are_valid() {
    assert_eq!(object(), object());
    wasmparser::Validator::new().validate_all(&object()).unwrap();
}

/// Rust's own wasm linker.
fn linker() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    let hosts = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    let linkers = hosts.filter_map(|host| Some(host.ok()?.path().join("bin/rust-lld")));
    linkers.into_iter().find(|path| path.exists())
}

#[test]
fn a_linker_fills_in_every_address_and_calls_the_start() {
    let Some(linker) = linker() else {
        // Written directly to stderr: the test harness captures `eprintln!` of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: this Rust has no rust-lld");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut others = Writer::new();
    let mut word = Data::default();
    word.push(&[0; 4]);
    others.data("other", Binding::Global, 4, word);
    others.function("helper", Binding::Global, &[ValType::I32], &[], Code::new());
    std::fs::write(dir.path().join("a.o"), object()).unwrap();
    std::fs::write(dir.path().join("b.o"), others.finish()).unwrap();
    let module = dir.path().join("module.wasm");
    let output = Command::new(linker)
        .args(["-flavor", "wasm", "--fatal-warnings", "--no-entry", "--export=calls"])
        .args(["--export=__wasm_call_ctors", "--export=other", "a.o", "b.o", "-o"])
        .arg(&module)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = std::fs::read(module).unwrap();
    wasmparser::Validator::new().validate_all(&bytes).unwrap();
    // The table holds the addresses of both names, which lie in one piece, and that of the only function
    // whose address is taken: the linker leaves 0 free.
    let data = data_of(&bytes);
    let names = data.windows(8).position(|bytes| bytes == b"one\0two\0").unwrap();
    let base = u32::try_from(names).unwrap();
    let table = [base.to_le_bytes(), (base + 4).to_le_bytes(), 1_u32.to_le_bytes()].concat();
    assert!(data.windows(12).any(|bytes| bytes == table));
}

/// The module's memory as it is at first.
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
