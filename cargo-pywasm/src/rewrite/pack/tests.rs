use super::*;

const BOTH: [Packing; 2] = [Packing::Lz4, Packing::Lzma];

/// A module with this data behind a stack of so many bytes.
fn placed(stack: usize, data: &[u8], more: &str) -> Vec<u8> {
    let text: String = data.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let at = stack + 8;
    let end = at + data.len() + 100;
    wat::parse_str(format!(
        r#"(module
            (memory (export "memory") {})
            (global $__stack_pointer (mut i32) (i32.const {stack}))
            (func (export "stack") (result i32) global.get $__stack_pointer)
            {more}
            (data (i32.const {at}) "{text}")
            (data (i32.const {end}) "the end"))"#,
        (end >> 16) + 2
    ))
    .unwrap()
}

/// With a stack of a page.
fn module(data: &[u8], more: &str) -> Vec<u8> {
    placed(65536, data, more)
}

/// Numbers that are the same each time.
struct Noise(u32);

impl Noise {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0 >> 8) * below as u64) >> 24) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next(256) as u8).collect()
    }

    /// Text, tables of records, and what lies an earlier distance or a new one back, some of it changed.
    fn content(&mut self, length: usize) -> Vec<u8> {
        const WORDS: [&str; 6] = ["def ", "return ", "self.", "None", "\n    ", "import "];
        let mut all = Vec::new();
        let mut distances = [1, 4, 8, 100, 3];
        while all.len() < length {
            match self.next(8) {
                0 => {
                    let length = self.next(12);
                    all.extend(self.bytes(length));
                }
                1 => (0..self.next(20)).for_each(|_| all.extend(WORDS[self.next(6)].bytes())),
                2 => all.extend(vec![self.next(3) as u8; self.next(400)]),
                3 => {
                    let (first, step) = (self.next(1 << 20), self.next(40));
                    let record = |it: usize| ((first + it * step) as u32).to_le_bytes();
                    all.extend((0..self.next(50)).flat_map(record));
                }
                kind => {
                    let which = self.next(distances.len());
                    if kind == 4 {
                        distances[which] = 1 + self.next(all.len().max(1));
                    }
                    // Now and then a byte is another, as between records.
                    for _ in 0..1 + self.next(30) {
                        let from = all.len().checked_sub(distances[which]);
                        let Some(byte) = from.and_then(|from| all.get(from).copied()) else {
                            break;
                        };
                        all.push(if self.next(12) == 0 { byte ^ 1 << self.next(8) } else { byte });
                    }
                }
            }
        }
        all.truncate(length);
        all
    }
}

fn noise(length: usize) -> Vec<u8> {
    Noise(1).bytes(length)
}

/// What it is packed in, larger or not.
#[cfg(feature = "runtime")]
fn packed(module: &[u8], packing: Packing) -> Vec<u8> {
    let module = Module::from_buffer(module).unwrap();
    let image = Image::read(&module).unwrap();
    image.pack(module, packing).unwrap().unwrap().module
}

/// Its packed data, as `size` finds it.
fn read<T>(module: &[u8], see: impl FnOnce(Option<Unpacked<'_>>) -> T) -> T {
    let (mut passive, mut body, mut start, mut imported) = (Vec::new(), Vec::new(), None, 0);
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            wasmparser::Payload::ImportSection(all) => imported = all.count(),
            wasmparser::Payload::StartSection { func, .. } => start = Some(func),
            wasmparser::Payload::CodeSectionEntry(one) => body.push(one),
            wasmparser::Payload::DataSection(all) => {
                passive.extend(all.into_iter().map(|it| Some(it.unwrap().data)));
            }
            _ => {}
        }
    }
    let start = start.map(|start| &body[(start - imported) as usize]);
    see(start.and_then(|start| Unpacked::read(start, &passive)))
}

/// The same data again, and what all its parts cost.
fn read_back(module: &[u8]) -> (Option<Vec<u8>>, Option<u64>) {
    read(module, |unpacked| {
        let unpacked = unpacked.expect("packed data");
        let mut sum = 0;
        let mut at = u64::from(unpacked.target);
        let whole = unpacked.costs(|range, cost| {
            assert_eq!(range.start, at, "parts lie behind each other");
            at = range.end;
            sum += match cost {
                Cost::Each => range.end - range.start,
                Cost::All(bytes) => bytes,
            };
        });
        (unpacked.bytes(), whole.map(|()| sum))
    })
}

/// Its whole memory when it has started.
#[cfg(feature = "runtime")]
fn memory(module: &[u8]) -> Vec<u8> {
    static ENGINE: std::sync::LazyLock<wasmtime::Engine> = std::sync::LazyLock::new(|| {
        let mut config = wasmtime::Config::new();
        // The property runs hundreds of modules once.
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        wasmtime::Engine::new(&config).unwrap()
    });
    let module = wasmtime::Module::new(&ENGINE, module).unwrap();
    let mut store = wasmtime::Store::new(&ENGINE, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_memory(&mut store, "memory").unwrap().data(&store).to_vec()
}

/// Memory is the same when it has started, and the reader finds it, in both forms.
#[cfg(feature = "runtime")]
fn survives(stack: usize, data: &[u8], about: &str) {
    let plain = placed(stack, data, "");
    let wanted = memory(&plain);
    for packing in BOTH {
        let done = packed(&plain, packing);
        let is = memory(&done);
        let first = is.iter().zip(&wanted).position(|(is, wanted)| is != wanted);
        assert_eq!((first, is.len()), (None, wanted.len()), "{packing}: {about}");
        let (bytes, cost) = read_back(&done);
        let module = Module::from_buffer(&done).unwrap();
        let size = module.data.iter().next().unwrap().value.len() as u64;
        assert_eq!(cost, Some(size), "{packing}: {about}");
        // Of what is mostly zeros nobody reads code.
        if let Some(bytes) = bytes {
            assert!(wanted[stack + 8..][..bytes.len()] == bytes, "{packing}: {about}");
        }
    }
}

#[cfg(feature = "runtime")]
#[test]
fn memory_is_the_same_once_it_has_started() {
    let mut noise = Noise(7);
    let mut mixed = noise.bytes(300);
    mixed.extend(vec![7; 5000]);
    mixed.extend(b"abcabcabcabcabcabcabcabcab".repeat(40));
    mixed.extend(noise.bytes(20));
    mixed.extend(vec![0; 70_000]);
    mixed.extend((0..9000_u32).flat_map(|it| (it / 3 * 8).to_le_bytes()));
    // What comes again only from further back than LZ4 looks, and than 16 bits say.
    let mut far = noise.bytes(5000);
    let again = far.clone();
    for distance in [66_000, 140_000, 300_000] {
        far.extend(noise.content(distance));
        far.extend(&again);
    }
    let mut long = noise.content(600_000);
    long.extend(noise.bytes(400_000));
    for (about, stack, data) in [
        ("a mixture", 65536, mixed),
        ("a run", 65536, vec![1; 100_000]),
        ("a short period", 65536, b"0123456789".repeat(1000)),
        ("noise", 65536, noise.bytes(9000)),
        ("far matches", 1 << 20, far),
        ("a megabyte", 1 << 20, long),
    ] {
        survives(stack, &data, about);
    }
    for packing in BOTH {
        let plain = module(&b"0123456789".repeat(1000), "");
        let done = pack(&plain, packing).unwrap();
        assert_eq!(done.reason, None);
        assert!(done.module.len() < plain.len(), "{} {}", done.module.len(), plain.len());
        assert_eq!(done.module, packed(&plain, packing));
    }
}

#[cfg(feature = "runtime")]
#[test]
fn any_data_is_unpacked_as_it_was() {
    for seed in 0..400 {
        let mut noise = Noise(seed * 7919);
        let most = 1 << noise.next(14);
        let length = 1 + noise.next(most);
        let data = noise.content(length);
        survives(1 << 17, &data, &format!("seed {seed}"));
    }
}

#[cfg(feature = "runtime")]
#[test]
fn a_byte_that_lies_where_the_stack_ends_is_unpacked_too() {
    for (data, first) in [("\\00", 0), ("\\ff", 255), ("ab", 97)] {
        let text = format!(
            r#"(module (memory (export "memory") 2) (global (mut i32) (i32.const 65536))
                (func (export "stack") (result i32) global.get 0)
                (data (i32.const 65536) "{data}"))"#
        );
        let plain = wat::parse_str(text).unwrap();
        for packing in BOTH {
            let memory = memory(&packed(&plain, packing));
            assert!(memory == self::memory(&plain), "{packing}: {data}");
            assert_eq!(memory[65536], first);
        }
    }
}

#[cfg(feature = "runtime")]
#[test]
fn the_start_function_that_was_there_finds_the_data() {
    let more = "(start $go) (func $go i32.const 16 i32.const 65544 i32.load i32.store)";
    let plain = module(&[9; 5000], more);
    for packing in BOTH {
        let done = pack(&plain, packing).unwrap();
        assert_eq!(memory(&done.module)[16..20], [9; 4]);
        assert!(memory(&done.module) == memory(&plain));
    }
}

#[test]
fn a_module_that_is_packed_or_gains_nothing_stays_as_it_is() {
    for (packing, other) in [(Packing::Lz4, Packing::Lzma), (Packing::Lzma, Packing::Lz4)] {
        let done = pack(&module(&[5; 50_000], ""), packing).unwrap();
        assert_eq!(done.reason, None);
        for packing in [packing, other] {
            let again = pack(&done.module, packing).unwrap();
            assert_eq!(again.module, done.module);
            assert!(again.reason.unwrap().contains("passive"));
        }
        let small = module(&noise(400), "");
        let left = pack(&small, packing).unwrap();
        assert_eq!(left.module, small);
        assert!(left.reason.unwrap().contains("larger"));
    }
}

#[test]
fn a_stack_that_is_too_small_for_what_unpacks_is_left_alone() {
    // LZ4 needs no more than what is packed.
    let plain = placed(14_000, &[5; 50_000], "");
    assert_eq!(pack(&plain, Packing::Lz4).unwrap().reason, None);
    let left = pack(&plain, Packing::Lzma).unwrap();
    assert_eq!(left.module, plain);
    assert!(left.reason.unwrap().contains("C stack"));
}

/// What is read of a module whose start function unpacks these bytes by a decoder that begins so: where its
/// content goes, how many bytes it has, and what they cost.
fn seen(packed: &[u8], decoder: &str) -> Option<(u32, Option<usize>, Option<u64>)> {
    let (length, data) = (packed.len(), packed.iter().map(|byte| format!("\\{byte:02x}")));
    let text = format!(
        r#"(module (memory 2) (start $go) (data $d "{}")
            (func $go (local i32 i32 i32 i32)
                (memory.init $d (i32.const 64) (i32.const 0) (i32.const {length})) data.drop $d
                (local.set 0 (i32.const 64)) (local.set 1 (i32.const 1024)) {decoder}))"#,
        data.collect::<String>()
    );
    let module = wat::parse_str(text).unwrap();
    let target = read(&module, |unpacked| unpacked.map(|unpacked| unpacked.target))?;
    let (bytes, cost) = read_back(&module);
    Some((target, bytes.map(|bytes| bytes.len()), cost))
}

fn lzma_from(end: usize, range: i32) -> String {
    format!("(local.set 2 (i32.const {end})) (local.set 3 (i32.const {range}))")
}

#[test]
fn a_form_is_known_by_what_its_decoder_begins_with() {
    let lzma = |end, range| seen(&[0; 7], &lzma_from(end, range));
    let zeros = lzma::compress(&[0; 40]).unwrap();
    assert_eq!(
        seen(&zeros, &lzma_from(1064, -1)),
        Some((1024, Some(40), Some(zeros.len() as u64)))
    );
    // Seven bytes are hardly a gigabyte, and not all of them were wanted.
    assert_eq!(lzma(1 << 30, -1), Some((1024, None, None)));
    assert_eq!(lzma(1025, -1), Some((1024, Some(1), None)));
    assert_eq!((lzma(1024, -1), lzma(1000, -1), lzma(1030, 1)), (None, None, None));
    assert_eq!(seen(b"\x30abc", "(block (loop))"), Some((1024, Some(3), Some(4))));
    assert_eq!(seen(b"\x30abc", "(loop)"), None);
    assert_eq!(seen(b"\x30abc", "(local.set 2 (i32.const 1030))"), None);
}

#[test]
fn packed_data_that_is_broken_is_refused_by_its_reader() {
    let mut noise = Noise(3);
    let content = noise.content(6000);
    let blob = lzma::compress(&content).unwrap();
    let told = |packed: &[u8], length: usize| {
        let (_, bytes, cost) = seen(packed, &lzma_from(1024 + length, -1)).unwrap();
        (bytes, cost)
    };
    assert_eq!(told(&blob, 6000), (Some(6000), Some(blob.len() as u64)));
    let cuts = (0..blob.len()).step_by(97).chain(blob.len() - 8..blob.len());
    for cut in cuts {
        assert_eq!(told(&blob[..cut], 6000), (None, None), "{cut}");
    }
    // Another length, a code that does not begin as one, and any other bit.
    assert_eq!((told(&blob, 5000).1, told(&blob, 1 << 30)), (None, (None, None)));
    assert_eq!(told(&[&[1], &blob[1..]].concat(), 6000), (None, None));
    for _ in 0..300 {
        let mut broken = blob.clone();
        broken[noise.next(blob.len())] ^= 1 << noise.next(8);
        let (bytes, _) = told(&broken, 6000);
        assert!(bytes.is_none_or(|length| length == 6000));
    }
    // What a few bytes may unpack to does not depend on what they are.
    assert!(lzma::is_read(1000, 16 << 20) && !lzma::is_read(1000, (16 << 20) + 1));
    assert!(lzma::is_read(1 << 20, 64 << 20) && !lzma::is_read(1 << 20, (64 << 20) + 1));
}

#[test]
fn what_can_not_be_packed_is_left_with_the_reason() {
    for (text, said) in [
        ("(module)", "no memory"),
        ("(module (memory 1))", "no data"),
        (
            "(module (memory 1) (global (mut i32) (i32.const 8)) (data (i32.const 8) \"\"))",
            "no data",
        ),
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
        for packing in BOTH {
            let done = pack(&bytes, packing).unwrap();
            assert_eq!(done.module, bytes);
            let reason = done.reason.unwrap_or_default();
            assert!(reason.contains(said), "{text}: {reason}");
        }
    }
    assert!(pack(b"\0asm", Packing::Lz4).is_err());
}
