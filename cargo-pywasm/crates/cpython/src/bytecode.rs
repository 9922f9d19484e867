//! Bytecode of the standard library, compiled by the interpreter that will run it.
//!
//! Programs cannot write to the standard library and therefore cannot save bytecode. Modules
//! without bytecode would be compiled at every start.

use camino::Utf8Path;
use pywasm_recipes::Stdlib;

use crate::interpreter;
use pywasm_runtime::{Dir, Module, Runtime};
use pywasm_store::Ctx;

/// The script that compiles modules. `unchecked-hash` bytecode (PEP 552) contains no dates, so
/// identical sources produce identical bytes, and Python never reads a source file to validate its
/// bytecode. CPython intentionally contains a few files that are not valid Python 3. They are
/// skipped, as they are by `make install`.
///
/// Optimized bytecode is written under the file name of unoptimized bytecode, so that interpreters
/// use it even if they run without `-O`.
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

/// The compiler and its options.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compiler<'a> {
    /// The interpreter.
    pub(crate) interpreter: &'a Utf8Path,
    /// The recipe's options for the standard library.
    pub(crate) stdlib: &'a Stdlib,
}

/// A directory of Python modules, and the path of that directory in the guest. Tracebacks show the
/// guest path.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    /// The directory on this machine.
    pub(crate) host: &'a Utf8Path,
    /// The path in the guest.
    pub(crate) guest: &'a str,
}

/// Compiles every module in a tree, in `ctx.jobs` parallel interpreters. `what` describes the tree
/// in the output.
///
/// # Errors
/// When an interpreter fails.
pub(crate) fn compile(
    compiler: Compiler<'_>,
    tree: &Tree<'_>,
    what: &str,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let module = runtime.load(compiler.interpreter)?;
    let mut files = Vec::new();
    sources(tree.host, &mut files)?;
    ctx.reporter.status("Compiling", format!("{what} ({} modules)", files.len()));
    // Distribute the files by size, so that all shares take about the same time.
    files.sort_by(|a, b| b.cmp(a));
    let jobs = ctx.jobs.get();
    let shares: Vec<String> = (0..jobs)
        .map(|job| {
            let share = files.iter().skip(job).step_by(jobs);
            share.map(|(_, path)| format!("{}/{path}\n", tree.guest)).collect()
        })
        .collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let module = &module;
                scope.spawn(move || compile_share(share, compiler.stdlib, tree, module, runtime))
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
    tree: &Tree<'_>,
    module: &Module,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let ranges = if stdlib.debug_ranges { &[][..] } else { &["-X", "no_debug_ranges"] };
    let level = u8::from(stdlib.optimize).to_string();
    let program = interpreter(runtime)
        .args(ranges.iter().copied())
        .args(["-c", SCRIPT, &level])
        .env("PYTHONHASHSEED", "0")
        .stdin(share)
        .dir(Dir::writable(tree.host, tree.guest));
    let outcome = runtime.capture(module, &program)?;
    anyhow::ensure!(
        outcome.end.is_success(),
        "cannot compile the modules: {}\n{}",
        outcome.end,
        outcome.text(),
    );
    Ok(())
}

/// Appends the size and relative path of every `.py` file below `dir` to `into`.
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
