use pywasm_wasm::sections::sections;
use wasm_encoder::{CustomSection, Section as _};
use wasmparser::{Parser, Payload};

use super::*;

/// The number of bytecode instructions in the small interpreter. The last instruction returns.
const CASES: usize = 120;

/// Returns a small interpreter as wasm text. Each bytecode instruction except the last updates a
/// sum and continues with the next instruction. Every third instruction calls a function that
/// overwrites the unused part of the C stack.
fn interpreter() -> String {
    let blocks = "(block ".repeat(CASES);
    let table: String = (0..CASES).map(|it| format!("{it} ")).collect();
    let cases: String = (0..CASES - 1)
        .map(|it| {
            let call = if it % 3 == 0 { "(drop (call $free (local.get $sum)))" } else { "" };
            format!(
                ") (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 3)) (i32.const {it})))
                {call} (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $dispatch)\n"
            )
        })
        .collect();
    format!(
        r#"(module
        (type $free (func (param i32) (result i32)))
        (memory (export "memory") 1)
        (global $stack (export "stack") (mut i32) (i32.const 32768))
        (func $free (type $free)
            (memory.fill (i32.const 0) (i32.const 170) (global.get $stack)) (i32.const 7))
        (func $loop (export "loop") (param $at i32) (result i32)
            (local $frame i32) (local $sum i32) (local $once i32)
            global.get $stack i32.const 16 i32.sub local.tee $frame global.set $stack
            (local.set $once (i32.const 5))
            (i32.store offset=12 (local.get $frame) (i32.const 9))
            (loop $dispatch
                {blocks} (br_table {table} (i32.load8_u (local.get $at)))
                {cases} )
                local.get $frame i32.const 16 i32.add global.set $stack
                (return (i32.add (local.get $sum)
                    (i32.add (local.get $once) (i32.load offset=12 (local.get $frame)))))
            )
            unreachable)
        (func $caller (export "caller") (param i32) (result i32) (local $frame i32) (local $result i32)
            (global.set $stack (local.tee $frame (i32.sub (global.get $stack) (i32.const 16))))
            (i32.store (local.get $frame) (i32.const 77))
            (local.set $result (i32.add (call $loop (local.get 0)) (i32.load (local.get $frame))))
            (global.set $stack (i32.add (local.get $frame) (i32.const 16)))
            (local.get $result)))"#
    )
}

/// Compiles a wasm module into an object that has a symbol for the second function and a relocation
/// for each call.
fn object(text: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap();
    let name = b"_PyEval_EvalFrameDefault";
    // The linking section, in version 2. Its symbol table contains one function, with an explicit
    // name.
    let mut symbols = vec![1, 0, 0x40, 1, u8::try_from(name.len()).unwrap()];
    symbols.extend(name);
    let mut linking = vec![2, 8, u8::try_from(symbols.len()).unwrap()];
    linking.extend(symbols);
    let number = sections(&module).unwrap().iter().position(|it| it.id == 10).unwrap();
    let mut relocations = Vec::new();
    number.encode(&mut relocations);
    let calls = calls(&module);
    calls.len().encode(&mut relocations);
    for call in calls {
        relocations.push(0);
        (call + 1).encode(&mut relocations);
        0_u32.encode(&mut relocations);
    }
    for (name, data) in [("linking", linking), ("reloc.CODE", relocations)] {
        CustomSection { name: name.into(), data: data.into() }.append_to(&mut module);
    }
    module
}

/// Returns the offsets of calls in the code section.
fn calls(module: &[u8]) -> Vec<usize> {
    let begin = sections(module).unwrap().iter().find(|it| it.id == 10).unwrap().content.start;
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
        for item in body.get_operators_reader().unwrap().into_iter_with_offsets() {
            if let (wasmparser::Operator::Call { .. }, at) = item.unwrap() {
                found.push(at - begin);
            }
        }
    }
    found
}

/// Runs a program and returns its result and the final stack pointer.
fn run(module: &[u8], program: &[u8]) -> (i32, i32) {
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, module).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    memory.write(&mut store, 40_000, program).unwrap();
    let function = instance.get_typed_func::<i32, i32>(&mut store, "caller").unwrap();
    let result = function.call(&mut store, 40_000).unwrap();
    let stack = instance.get_global(&mut store, "stack").unwrap().get(&mut store);
    (result, stack.unwrap_i32())
}

#[test]
fn results_stay_the_same() {
    let original = object(&interpreter());
    let split = split(&original).unwrap();
    let last = u8::try_from(CASES - 1).unwrap();
    let all: Vec<u8> = (0..=last).collect();
    for program in [&[last][..], &[0, last], &[1, 2, last], &[3, 3, 7, 6, 117, last], &all] {
        assert_eq!(run(&split, program), run(&original, program), "{program:?}");
        assert_eq!(run(&split, program).1, 32_768);
    }
}

#[test]
fn frame_address_may_be_copied() {
    let text = interpreter().replace(
        "local.tee $frame global.set $stack",
        "local.tee $once local.set $frame local.get $once global.set $stack",
    );
    let original = object(&text);
    let split = split(&original).unwrap();
    let last = u8::try_from(CASES - 1).unwrap();
    for program in [&[last][..], &[3, 3, 7, 6, 117, last]] {
        assert_eq!(run(&split, program), run(&original, program), "{program:?}");
    }
    let other = text.replacen("local.get $once global.set", "local.get $at global.set", 1);
    assert!(
        self::split(&object(&other)).unwrap_err().contains("changes its frame after allocating it")
    );
}

#[test]
fn no_passed_variable_is_live_across_a_call() {
    let original = object(&interpreter());
    let flow = |bytes: &[u8]| {
        let object = Object::read(bytes, LOOP).unwrap();
        Flow::read(&object.ty, &object.body).unwrap()
    };
    let passed: u128 = passed_on(&flow(&original)).unwrap().iter().fold(0, |all, it| all | 1 << it);
    assert_eq!(passed, 0b101, "`$at` and `$sum`, but not the frame or `$once`");
    let across = |flow: &Flow| {
        let calls = (0..flow.kinds.len()).filter(|at| flow.kinds[*at] == Kind::Call);
        calls.filter(|at| flow.live_after(*at) & passed != 0).count()
    };
    assert_eq!(across(&flow(&original)), CASES / 3);
    assert_eq!(across(&flow(&split(&original).unwrap())), 0);
}

#[test]
fn relocations_follow_their_instructions() {
    let split = split(&object(&interpreter())).unwrap();
    let section = sections(&split).unwrap().into_iter().rfind(|it| it.id == 0).unwrap();
    let mut reader = wasmparser::BinaryReader::new(&split[section.content], 0);
    assert_eq!(reader.read_string().unwrap(), "reloc.CODE");
    let reader = wasmparser::RelocSectionReader::new(reader).unwrap();
    let places: Vec<usize> =
        reader.entries().into_iter().map(|it| it.unwrap().offset as usize - 1).collect();
    assert_eq!(places, calls(&split));
}

#[test]
fn unexpected_code_is_refused_with_the_reason() {
    let text = interpreter();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        split(&object(&text.replacen(from, to, 1))).unwrap_err()
    };
    let begin = "global.get $stack i32.const 16 i32.sub local.tee $frame global.set $stack";
    assert!(refused(begin, "").contains("does not begin by allocating its frame"));
    assert!(refused(begin, &format!("nop {begin}")).contains("does not begin"));
    let other = refused("(local.set $once (i32.const 5))", "(local.set $frame (i32.const 5))");
    assert!(other.contains("changes its frame after allocating it"), "{other}");
    let other = refused("i32.const 16 i32.add", "i32.const 32 i32.add");
    assert!(other.contains("releases a frame that it did not allocate"), "{other}");
    let table = format!("(br_table {}", (0..CASES).map(|it| format!("{it} ")).collect::<String>());
    assert!(refused(&table, "(br_table 0 1 2 ").contains("no dispatch table"));
    let plain = wat::parse_str(&text).unwrap();
    assert!(split(&plain).unwrap_err().contains("no function `_PyEval_EvalFrameDefault`"));
    assert!(split(b"BC\xc0\xde").unwrap_err().contains("not valid WebAssembly"));
    let cut = object(&text);
    assert!(split(&cut[..cut.len() - 3]).is_err());
}
