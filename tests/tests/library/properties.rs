//! Tests properties that hold for any input. Linking stubs of random types produces a valid wasm
//! module, and no reader panics on a modified file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use pywasm_canister::{Canister, Host, Principal, Settings};
use pywasm_stubs::{
    Behaviour, Binding, Code, Data, Link, Rules, SymbolKind, TrapReporter, ValType, Writer, stubs,
};
use pywasm_tests::{hostile, hostile_runtime, rust_lld};

const TYPES: [ValType; 4] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64];
const BEHAVIOURS: [&str; 6] =
    ["trap", "null", "errno", "value=-7", "python-error", "python-error=-1"];

/// An undefined function's type, and the behaviour of its stub.
#[derive(Clone, Debug)]
struct Missing {
    params: Vec<ValType>,
    results: Vec<ValType>,
    behaviour: &'static str,
}

fn missing() -> impl Strategy<Value = Missing> {
    let types = |most| vec(select(&TYPES[..]), 0..=most);
    (types(12), types(1), select(&BEHAVIOURS[..])).prop_map(|(params, results, behaviour)| {
        // A stub for a function that may return a structure can only trap.
        let may_be_sret = results.is_empty() && !params.is_empty();
        Missing { params, results, behaviour: if may_be_sret { "trap" } else { behaviour } }
    })
}

/// Writes an object that calls all functions and reads all variables.
fn caller(functions: &[(String, Missing)], variables: &[String]) -> Vec<u8> {
    let mut writer = Writer::new();
    let called: Vec<_> = functions
        .iter()
        .map(|(name, it)| (writer.undefined_function(name, &it.params, &it.results), it))
        .collect();
    let read: Vec<_> = variables.iter().map(|name| writer.undefined_data(name)).collect();
    let mut code = Code::new();
    for (function, it) in called {
        for param in &it.params {
            code = code.constant(*param, 1);
        }
        code = code.call(function);
        code = it.results.iter().fold(code, |code, _| code.drop());
    }
    for variable in read {
        code = code.address(variable).drop();
    }
    writer.function("run", Binding::Global, &[], &[], code);
    writer.finish()
}

/// Writes an object that defines the libc and Python symbols that stubs need.
fn surroundings() -> Vec<u8> {
    let mut writer = Writer::new();
    let mut data = Data::default();
    data.push(&[0; 4]);
    let errno = writer.data("errno", Binding::Global, 4, data.clone());
    writer.data("PyExc_NotImplementedError", Binding::Global, 4, data);
    let code = Code::new().address(errno);
    writer.function("__errno_location", Binding::Global, &[], &[ValType::I32], code);
    let pair = [ValType::I32; 2];
    writer.function("PyErr_SetString", Binding::Global, &pair, &[], Code::new());
    writer.finish()
}

fn link(dir: &Path) -> Vec<u8> {
    let linked = Command::new(rust_lld())
        .args(["-flavor", "wasm", "--no-entry", "--export=run", "--fatal-warnings"])
        .args(["caller.o", "surroundings.o", "libstubs.a", "-o", "linked.wasm"])
        .current_dir(dir)
        .output()
        .expect("a linker");
    let stderr = String::from_utf8_lossy(&linked.stderr);
    assert!(linked.status.success() && stderr.is_empty(), "{stderr}");
    std::fs::read(dir.join("linked.wasm")).expect("a module")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stubs_of_any_type_link_and_validate(
        functions in btree_map("[a-z_][a-z0-9_]{0,20}", missing(), 1..20),
        variables in btree_set("V[a-z0-9_]{0,20}", 0..5),
    ) {
        let functions: Vec<(String, Missing)> =
            functions.into_iter().map(|(name, it)| (format!("f_{name}"), it)).collect();
        let variables: Vec<String> = variables.into_iter().collect();
        let object = caller(&functions, &variables);
        let mut set = Link::new();
        set.object("caller.o", &object).unwrap();
        let mut rules = Rules::default();
        for (name, it) in &functions {
            rules.add(name, it.behaviour.parse().unwrap()).unwrap();
        }
        let found = stubs(&set, &set.closure(), &rules, Some(Behaviour::Trap)).unwrap();
        prop_assert_eq!(
            found.stubs.iter().filter(|stub| stub.kind != SymbolKind::Data).count(),
            functions.len()
        );
        let archive = found.archive(TrapReporter::Wasi, Vec::new());
        prop_assert_eq!(&archive, &found.archive(TrapReporter::Wasi, Vec::new()));
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in
            [("caller.o", &object), ("surroundings.o", &surroundings()), ("libstubs.a", &archive)]
        {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
        let module = link(dir.path());
        prop_assert!(wasmparser::validate(&module).is_ok());
    }
}

/// Returns the saved state of a canister with a byte on its heap and a page of stable memory.
fn state() -> Vec<u8> {
    let text = r#"(module
        (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
        (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
        (memory 2)
        (global (mut i32) (i32.const 5))
        (func (export "canister_init")
            (i32.store8 (i32.const 70000) (i32.const 1))
            (drop (call $grow (i64.const 1)))
            (call $write (i64.const 9) (i64.const 70000) (i64.const 1))))"#;
    let module = Host::without_cache().expect("a host");
    let module = module.module(&wat::parse_str(text).expect("a module")).expect("a module");
    let mut canister = Canister::new(Settings::default());
    let run = canister.install(&module, b"", Principal::anonymous()).expect("a thread");
    assert!(run.outcome.is_ok(), "{}", run.outcome);
    let dir = tempfile::tempdir().expect("a directory");
    let path = pywasm_tests::utf8(dir.path()).join("state");
    canister.save(&path).expect("a file");
    std::fs::read(path).expect("a file")
}

fn readers() -> impl Iterator<Item = (&'static str, hostile::Reader)> {
    hostile::READERS.into_iter().chain(hostile_runtime::READERS)
}

static STATE: LazyLock<Vec<u8>> = LazyLock::new(state);

const MAP: &[u8] = b"    Addr      Off     Size Out     In      Symbol
       -       20       1e CODE
       -       22        5         /l/libpython3.13.a(call.o):(f)
     400       60       20 DATA
     400       61       18 .rodata
     400       67        2         /l/libpython3.13.a(call.o):(.rodata.doc)
     402       77        1         <internal>:(.rodata)
";

const RECORD: &[u8] = br#"{"version": 1, "sha256": "00", "total": 12, "named": true, "rows": [
    ["python", "data", "json", "", "json", 1, 5], ["rust", "code", "crate a", "a.o", "f", 2, 7]]}"#;

/// Returns a wasm module whose data contains a table of frozen code.
fn frozen() -> Vec<u8> {
    let mut data = b"json\0...\xe3".to_vec();
    data.extend([0; 12]);
    data.extend((0..987_u32).map(|it| (it / 8 * 37 % 251) as u8));
    for word in [65544_u32, 65552, 1000, 0] {
        data.extend(word.to_le_bytes());
    }
    let text: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module (memory (export "m") 8) (global (export "g") (mut i32) (i32.const 65536))
            (func (export "f") global.get 0 drop) (data (i32.const 65544) "{text}"))"#
    );
    wat::parse_str(text).expect("a module")
}

/// Returns valid input of every kind.
fn seeds() -> Vec<Vec<u8>> {
    let missing = |behaviour| Missing { params: vec![ValType::I32], results: vec![], behaviour };
    let object = caller(&[("gone".to_owned(), missing("trap"))], &["variable".to_owned()]);
    let members: Vec<_> = pywasm_stubs::macros()
        .iter()
        .take(3)
        .map(|it| pywasm_stubs::Member { name: format!("{}.o", it.name), bytes: it.object() })
        .collect();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/audit");
    let mut seeds = vec![
        object,
        pywasm_stubs::archive(&members),
        b"mpd_*=trap\nf=value=3\n".to_vec(),
        b"(i32, i64) -> f32".to_vec(),
        b"type a = opt b; type b = record { x : a; nat }; service : { f : (a) -> (b) query }"
            .to_vec(),
        b"(record { x = opt 1 : nat8; \"y\" }, vec { variant { z } }, blob \"\\00\")".to_vec(),
        STATE.clone(),
        MAP.to_vec(),
        RECORD.to_vec(),
        b"{\"total\": \"3.4MB\", \"module:a\": 1, \"crate:b\": 0, \"baseline\": \"x\"}".to_vec(),
        frozen(),
        b"{\"version\": 1, \"accepted\": [{\"code\": \"limit\", \"subject\": \"size\"}]}".to_vec(),
    ];
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpus)
        .expect("the corpus")
        .map(|entry| entry.expect("the corpus").path())
        .collect();
    files.sort();
    for path in files {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("wat") => seeds.push(wat::parse_file(path).expect("the corpus")),
            Some("toml") => seeds.push(std::fs::read(path).expect("the corpus")),
            _ => {}
        }
    }
    seeds
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readers_never_panic(
        seed in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        end in any::<Index>(),
        cut in any::<bool>(),
    ) {
        let seeds = seeds();
        let mut bytes = seed.get(&seeds).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        for (_, read) in readers() {
            read(&bytes);
        }
    }
}

#[test]
fn every_corpus_file_has_a_reader() {
    for seed in seeds() {
        for (_, read) in readers() {
            read(&seed);
        }
    }
}
