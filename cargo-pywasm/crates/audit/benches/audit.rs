//! Measures the duration of an audit and, for comparison, of a pass that only reads the sections.
//! Prints the name of each run and its duration in seconds. `cargo xtask bench audit` runs this
//! benchmark and formats the results as a table.
//!
//! Arguments: a wasm module, an archive, and the number of rounds.

#![allow(clippy::print_stdout, reason = "the benchmark prints its results")]

use std::hint::black_box;
use std::time::Instant;

use anyhow::Context;
use pywasm_audit::{self as audit, Given, Policy};
use pywasm_stubs::{Behaviour, Link, Rules, TrapReporter};
use pywasm_wasm::Module;
use wasmparser::{KnownCustom, Name, Parser, Payload};

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [module, archive, rounds] = &words[..] else {
        // Without arguments, as in `cargo test --benches`, nothing is measured.
        return Ok(());
    };
    let bytes = fs_err::read(module)?;
    let archive = fs_err::read(archive)?;
    let wasip1 = Policy::load("wasip1", "".into())?;
    let ic = Policy::load("ic", "".into())?;
    for _ in 0..rounds.parse::<usize>().context("the number of rounds")? {
        timed("walk", || walk(&bytes))?;
        timed("wasip1", || against(&bytes, &wasip1))?;
        timed("ic", || against(&bytes, &ic))?;
        timed("stubs", || stubs(&archive))?;
    }
    Ok(())
}

fn timed(what: &str, run: impl Fn() -> anyhow::Result<usize>) -> anyhow::Result<()> {
    let start = Instant::now();
    black_box(run()?);
    println!("{what} {}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Reads the import and function names, using only wasmparser.
fn walk(bytes: &[u8]) -> anyhow::Result<usize> {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    count += import?.name.len();
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(names) = section.as_known() else { continue };
                for names in names {
                    let Name::Function(functions) = names? else { continue };
                    for naming in functions {
                        count += naming?.name.len();
                    }
                }
            }
            _ => {}
        }
    }
    Ok(count)
}

fn against(bytes: &[u8], policy: &Policy) -> anyhow::Result<usize> {
    Ok(audit::module(&Module::read(bytes)?, Given::default(), policy)?.len())
}

/// Creates a stub archive for all undefined symbols in an archive.
fn stubs(archive: &[u8]) -> anyhow::Result<usize> {
    let mut link = Link::new();
    link.whole_archive("archive", archive)?;
    let trap = Some(Behaviour::Trap);
    let found = pywasm_stubs::stubs(&link, &link.closure(), &Rules::default(), trap);
    let found = found.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    Ok(found.archive(TrapReporter::Wasi, Vec::new()).len())
}
