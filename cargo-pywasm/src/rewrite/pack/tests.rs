use super::*;

/// A module with a stack of a page and this data behind it.
fn module(data: &[u8], more: &str) -> Vec<u8> {
    let text: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    wat::parse_str(format!(
        r#"(module
            (memory (export "memory") 8)
            (global $__stack_pointer (mut i32) (i32.const 65536))
            (func (export "stack") (result i32) global.get $__stack_pointer)
            {more}
            (data (i32.const 65544) "{text}")
            (data (i32.const 400000) "the end"))"#
    ))
    .unwrap()
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Its whole memory when it has started.
#[cfg(feature = "runtime")]
fn memory(module: &[u8]) -> Vec<u8> {
    let engine = wasmtime::Engine::default();
    let module = wasmtime::Module::new(&engine, module).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_memory(&mut store, "memory").unwrap().data(&store).to_vec()
}

#[cfg(feature = "runtime")]
#[test]
fn memory_is_the_same_once_it_has_started() {
    let mut mixed = noise(300);
    mixed.extend(vec![7; 5000]);
    mixed.extend(b"abcabcabcabcabcabcabcabcab".repeat(40));
    mixed.extend(noise(20));
    mixed.extend(vec![0; 70_000]);
    mixed.extend((0..9000_u32).flat_map(|it| (it / 3 * 8).to_le_bytes()));
    for data in [mixed, vec![1; 100_000], b"0123456789".repeat(1000)] {
        let plain = module(&data, "");
        let done = pack(&plain).unwrap();
        assert_eq!(done.reason, None);
        assert!(done.module.len() < plain.len(), "{} {}", done.module.len(), plain.len());
        assert!(memory(&done.module) == memory(&plain));
    }
}

#[cfg(feature = "runtime")]
#[test]
fn the_start_function_that_was_there_finds_the_data() {
    let more = "(start $go) (func $go i32.const 16 i32.const 65544 i32.load i32.store)";
    let plain = module(&[9; 5000], more);
    let done = pack(&plain).unwrap();
    assert_eq!(memory(&done.module)[16..20], [9; 4]);
    assert!(memory(&done.module) == memory(&plain));
}

#[test]
fn a_module_that_is_packed_or_gains_nothing_stays_as_it_is() {
    let done = pack(&module(&[5; 50_000], "")).unwrap();
    let again = pack(&done.module).unwrap();
    assert_eq!(again.module, done.module);
    assert!(again.reason.unwrap().contains("passive"));
    let small = module(&noise(64), "");
    assert_eq!(pack(&small).unwrap().module, small);
}

#[test]
fn what_can_not_be_packed_is_left_with_the_reason() {
    for (text, said) in [
        ("(module)", "no memory"),
        ("(module (memory 1))", "no data"),
        ("(module (memory 1) (data (i32.const 0) \"x\"))", "no C stack"),
        ("(module (import \"env\" \"m\" (memory 1)) (data (i32.const 0) \"x\"))", "not its own"),
        (
            "(module (global $g (import \"a\" \"b\") i32) (memory 1) (data (global.get $g) \"x\"))",
            "computed",
        ),
        (
            "(module (memory 1) (global (mut i32) (i32.const 16)) (data (i32.const 20) \"abc\") (data (i32.const 21) \"z\"))",
            "overlap",
        ),
        (
            "(module (memory 9) (global (mut i32) (i32.const 16)) (data (i32.const 20) \"abc\") (data (i32.const 500000) \"z\"))",
            "too far apart",
        ),
        (
            "(module (memory 1) (global (mut i32) (i32.const 16)) (data $d (i32.const 20) \"abc\") (func data.drop $d))",
            "name data",
        ),
        (
            "(module (memory 1) (global (mut i32) (i32.const 16)) (data (i32.const 65530) \"0123456789\"))",
            "does not fit into its memory",
        ),
    ] {
        let bytes = wat::parse_str(text).unwrap();
        let done = pack(&bytes).unwrap();
        assert_eq!(done.module, bytes);
        assert!(
            done.reason.as_ref().is_some_and(|it| it.contains(said)),
            "{text}: {:?}",
            done.reason
        );
    }
    assert!(pack(b"\0asm").is_err());
}
