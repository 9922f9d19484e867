//! Bytecode for an installed library, made by the interpreter it is for.
//!
//! The library is mounted read-only when programs run, so what is not compiled here
//! would be compiled at every start.

use camino::Utf8Path;
use pywasm_recipes::Stdlib;

use pywasm_runtime::{Dir, Module, Program, Runtime};
use pywasm_store::Ctx;

/// The compiler: `unchecked-hash` bytecode (PEP 552) holds no dates, so equal sources give equal
/// bytes, and Python does not look at the source again. A file that is not Python 3
/// (CPython ships a few on purpose) is left alone, as `make install` leaves it.
///
/// What is optimized has the name of what is not: it is what this library has, whoever asks.
const SCRIPT: &str = "\
import importlib.util, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
level = int(sys.argv[1])
for path in sys.stdin.read().splitlines():
    file = importlib.util.cache_from_source(path, optimization='')
    try:
        py_compile.compile(path, file, None, True, level, mode, 2)
    except py_compile.PyCompileError:
        print(path)
";

/// Who compiles, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compiler<'a> {
    /// The interpreter that the code is for.
    pub(crate) interpreter: &'a Utf8Path,
    /// What the recipe says of the library.
    pub(crate) stdlib: &'a Stdlib,
}

/// What is compiled: a tree, and where the guest will see it, which tracebacks show.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The tree on this machine.
    pub(crate) tree: &'a Utf8Path,
    /// Its path in the guest.
    pub(crate) guest: &'a str,
}

/// Compiles every module of a tree, in as many interpreters as there are jobs.
///
/// # Errors
/// When an interpreter fails.
pub(crate) fn compile(
    compiler: Compiler<'_>,
    place: &Place<'_>,
    what: &str,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let module = runtime.load(compiler.interpreter)?;
    let mut files = Vec::new();
    sources(place.tree, &mut files)?;
    ctx.reporter.status("Compiling", format!("{what} ({} modules)", files.len()));
    // Largest first and dealt round, so that the shares end at about the same time.
    files.sort_by(|a, b| b.cmp(a));
    let jobs = ctx.jobs.get();
    let shares: Vec<String> = (0..jobs)
        .map(|job| {
            let share = files.iter().skip(job).step_by(jobs);
            share.map(|(_, path)| format!("{}/{path}\n", place.guest)).collect()
        })
        .collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let module = &module;
                scope.spawn(move || compile_share(share, compiler.stdlib, place, module, runtime))
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn compile_share(
    share: String,
    stdlib: &Stdlib,
    place: &Place<'_>,
    module: &Module,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let ranges = if stdlib.debug_ranges { &[][..] } else { &["-X", "no_debug_ranges"] };
    let level = u8::from(stdlib.optimize).to_string();
    let program = Program::new("python")
        .args(ranges.iter().copied())
        .args(["-c", SCRIPT, &level])
        .env("PYTHONHASHSEED", "0")
        .stdin(share)
        .dir(Dir::writable(place.tree, place.guest));
    let outcome = runtime.capture(module, &program)?;
    anyhow::ensure!(
        outcome.end.is_success(),
        "the modules can't be compiled: {}\n{}",
        outcome.end,
        outcome.text(),
    );
    Ok(())
}

/// Every `.py` file below `dir` with its size, by its path relative to `dir`.
fn sources(dir: &Utf8Path, into: &mut Vec<(u64, String)>) -> anyhow::Result<()> {
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in next.read_dir_utf8()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path().to_owned());
            } else if entry.path().extension() == Some("py") {
                let path = entry.path().strip_prefix(dir)?.to_string();
                into.push((entry.metadata()?.len(), path));
            }
        }
    }
    Ok(())
}
