//! Converts the counts from an instrumented interpreter to LLVM's text format for profiles.
//!
//! The input format is described in `counter.c` in the crate `pywasm-cpython`. The output format is
//! described in LLVM's docs/CommandGuide/llvm-profdata.rst and lib/ProfileData/InstrProfReader.cpp.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use md5::{Digest, Md5};

/// The size in bytes of a function's profile record in LLVM 22 for wasm32.
const RECORD: usize = 48;

/// The counts of one function.
struct Function {
    counters: Vec<u64>,
    /// For each indirect call site, the number of calls to each function.
    sites: Vec<BTreeMap<String, u64>>,
}

/// Returns the profile in text format, sorted by function name. Functions that never ran are
/// omitted.
pub(super) fn text(bytes: &[u8]) -> anyhow::Result<String> {
    let mut at = 24;
    let mut section = |index: usize| {
        let (begin, end) = (word(bytes, index * 8)?, word(bytes, index * 8 + 4)?);
        let size = end.checked_sub(begin).context("a section ends before it starts")? as usize;
        let found = bytes.get(at..at + size).context("the file ends within a section")?;
        at += size;
        Ok::<_, anyhow::Error>((begin, found))
    };
    let ((records_at, records), (counters_at, counters), (_, names)) =
        (section(0)?, section(1)?, section(2)?);
    ensure!(records.len().is_multiple_of(RECORD), "the records are not in the format of LLVM 22");
    let names = names_by_hash(names)?;

    let (mut keys, mut pointers) = (Vec::new(), BTreeMap::new());
    let mut functions: BTreeMap<(String, u64), Function> = BTreeMap::new();
    for (index, record) in records.chunks(RECORD).enumerate() {
        let name = names.get(&long(record, 0)?).context("a function has no name")?;
        let key = (name.clone(), long(record, 8)?);
        // In a record, the address of the counters is relative to the address of the record.
        let place = records_at + u32::try_from(index * RECORD)?;
        let place = place.wrapping_add(word(record, 16)?).wrapping_sub(counters_at) as usize;
        let counted: Vec<u64> = (0..word(record, 32)? as usize)
            .map(|counter| long(counters, place + counter * 8))
            .collect::<anyhow::Result<_>>()?;
        let sites = usize::from(u16::from_le_bytes([record[36], record[37]]));
        if word(record, 24)? != 0 {
            pointers.insert(u64::from(word(record, 24)?), name.clone());
        }
        // A function defined in a header is compiled into many object files. Add up its counts.
        let function = functions
            .entry(key.clone())
            .or_insert_with(|| Function { counters: vec![0; counted.len()], sites: Vec::new() });
        ensure!(
            function.counters.len() == counted.len(),
            "two records of `{name}` have different numbers of counters"
        );
        for (sum, count) in function.counters.iter_mut().zip(counted) {
            *sum = sum.saturating_add(count);
        }
        function.sites.resize(sites.max(function.sites.len()), BTreeMap::new());
        keys.push(key);
    }
    for value in bytes[at..].chunks_exact(24) {
        let (record, site) = (word(value, 0)? as usize, word(value, 4)? as usize);
        let key = keys.get(record).context("a value belongs to no record")?;
        let function = functions.get_mut(key).expect("inserted above");
        // Skip sites of other kinds, which follow the call sites, and call targets whose code is
        // not instrumented.
        if let (Some(site), Some(target)) =
            (function.sites.get_mut(site), pointers.get(&long(value, 8)?))
        {
            *site.entry(target.clone()).or_default() += long(value, 16)?;
        }
    }
    let ran = |function: &Function| function.counters.iter().any(|count| *count > 0);
    let mut text = String::new();
    for ((name, hash), function) in functions.iter().filter(|(_, function)| ran(function)) {
        write_function(&mut text, name, *hash, function)?;
    }
    Ok(text)
}

fn write_function(
    text: &mut String,
    name: &str,
    hash: u64,
    function: &Function,
) -> anyhow::Result<()> {
    writeln!(text, "{name}\n{hash}\n{}", function.counters.len())?;
    for count in &function.counters {
        writeln!(text, "{count}")?;
    }
    if !function.sites.is_empty() {
        // The profile contains one kind of value: the targets of indirect calls.
        writeln!(text, "1\n0\n{}", function.sites.len())?;
        for site in &function.sites {
            let mut targets: Vec<_> = site.iter().collect();
            targets.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
            writeln!(text, "{}", targets.len())?;
            for (target, count) in targets {
                writeln!(text, "{target}:{count}")?;
            }
        }
    }
    text.push('\n');
    Ok(())
}

/// Returns function names, indexed by the first half of their MD5 digest. The section consists of
/// chunks padded with zeros. Each chunk contains its size, its compressed size (0 if it is not
/// compressed), and names separated by bytes of value 1.
fn names_by_hash(mut section: &[u8]) -> anyhow::Result<BTreeMap<u64, String>> {
    let mut names = BTreeMap::new();
    while let Some(first) = section.first() {
        if *first == 0 {
            section = &section[1..];
            continue;
        }
        let (size, packed) = (leb128(&mut section)?, leb128(&mut section)?);
        ensure!(packed == 0, "compressed names are not supported");
        let chunk = section.get(..size).context("the name section ends within a chunk")?;
        section = &section[size..];
        for name in chunk.split(|byte| *byte == 1) {
            let hash = long(&Md5::digest(name), 0)?;
            names.insert(hash, String::from_utf8(name.to_vec())?);
        }
    }
    Ok(names)
}

fn leb128(bytes: &mut &[u8]) -> anyhow::Result<usize> {
    let (mut value, mut shift) = (0_usize, 0);
    loop {
        let (byte, rest) = bytes.split_first().context("a number is incomplete")?;
        *bytes = rest;
        ensure!(shift < 35, "a number is too long");
        value |= usize::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return Ok(value);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> anyhow::Result<u32> {
    let word = bytes.get(at..at + 4).context("the file is too short")?;
    Ok(u32::from_le_bytes(word.try_into()?))
}

fn long(bytes: &[u8], at: usize) -> anyhow::Result<u64> {
    let long = bytes.get(at..at + 8).context("the file is too short")?;
    Ok(u64::from_le_bytes(long.try_into()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a file with the counts of two functions, `f` and `g`. `f` has two counters and a
    /// call site that called `g` seven times.
    fn counted() -> Vec<u8> {
        let hash = |name: &str| long(&Md5::digest(name), 0).unwrap();
        let (records_at, counters_at) = (1000_u32, 2000_u32);
        let record =
            |index: u32, name: &str, counter: u32, function: u32, count: u32, sites: u16| {
                let mut bytes = Vec::new();
                bytes.extend(hash(name).to_le_bytes());
                bytes.extend(77_u64.to_le_bytes());
                let place = counters_at + counter * 8;
                bytes.extend(place.wrapping_sub(records_at + index * 48).to_le_bytes());
                bytes.extend([0; 4]);
                bytes.extend(function.to_le_bytes());
                bytes.extend([0; 4]);
                bytes.extend(count.to_le_bytes());
                bytes.extend(sites.to_le_bytes());
                bytes.extend([0; 10]);
                bytes
            };
        let records = [record(0, "f", 0, 0, 2, 1), record(1, "g", 2, 5, 1, 0)].concat();
        let counters: Vec<u8> = [7_u64, 3, 7].iter().flat_map(|it| it.to_le_bytes()).collect();
        let names = b"\x03\x00f\x01g\x00\x00";
        let mut file = Vec::new();
        for (at, section) in
            [(records_at, records.len()), (counters_at, counters.len()), (3000, names.len())]
        {
            file.extend(at.to_le_bytes());
            file.extend((at + u32::try_from(section).unwrap()).to_le_bytes());
        }
        file.extend(records);
        file.extend(counters);
        file.extend(names);
        for (value, count) in [(5_u64, 7_u64), (9, 1)] {
            file.extend([0; 8]);
            file.extend(value.to_le_bytes());
            file.extend(count.to_le_bytes());
        }
        file
    }

    #[test]
    fn functions_have_counts_and_call_targets() {
        let text = text(&counted()).unwrap();
        assert_eq!(text, "f\n77\n2\n7\n3\n1\n0\n1\n1\ng:7\n\ng\n77\n1\n7\n\n");
    }

    #[test]
    fn truncated_file_is_an_error() {
        let file = counted();
        for length in [0, 20, 30, 110, 150] {
            assert!(text(&file[..length]).is_err(), "{length}");
        }
    }
}
