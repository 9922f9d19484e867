//! Frozen modules: the bytecode that CPython needs before it can import a file.
//!
//! Upstream generates this bytecode with a native Python (`Programs/_freeze_module.py`), which
//! usually means building CPython twice. CPython also has a freezer in C,
//! `Programs/_freeze_module.c`, which its Windows build uses for all modules. Here the C freezer is
//! compiled for wasm, linked with objects that libpython needs anyway, and run in the embedded
//! runtime. The code objects are equal to those of a native build.

use camino::{Utf8Path, Utf8PathBuf};

use super::make::FREEZER;
use super::source::SourceTree;
use super::step::Logs;
use pywasm_runtime::{Dir, Program, Runtime};
use pywasm_store::Ctx;

/// A Python module to freeze, with its source and generated header.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Freeze {
    /// The module's name, such as `importlib._bootstrap`.
    module: String,
    /// The path of the module's source, relative to the source tree.
    source: String,
    /// The header's file name in `Python/frozen_modules`.
    header: String,
}

/// Reads the freeze commands of CPython's Makefile, such as
/// `$(FREEZE_MODULE) abc $(srcdir)/Lib/abc.py Python/frozen_modules/abc.h`.
fn freezes(makefile: &str) -> Vec<Freeze> {
    makefile
        .lines()
        .filter_map(|line| {
            let mut words = line.strip_prefix('\t')?.split(' ');
            matches!(words.next()?, "$(FREEZE_MODULE)" | "$(FREEZE_MODULE_BOOTSTRAP)")
                .then_some(())?;
            let module = words.next()?.to_owned();
            let source = words.next()?.strip_prefix("$(srcdir)/")?.to_owned();
            let header = words.next()?.strip_prefix("Python/frozen_modules/")?.to_owned();
            words.next().is_none().then_some(Freeze { module, source, header })
        })
        .collect()
}

/// Generates the header of every frozen module, and returns the number of headers. The headers are
/// newer than their sources, so make does not regenerate them.
pub(super) fn freeze(
    source: &SourceTree,
    dir: &Utf8Path,
    logs: &Logs,
    runtime: &Runtime,
    ctx: &Ctx,
) -> anyhow::Result<usize> {
    let makefile = fs_err::read_to_string(dir.join("Makefile"))?;
    let freezes = freezes(&makefile);
    anyhow::ensure!(!freezes.is_empty(), "CPython's Makefile lists no frozen modules");
    let headers: Utf8PathBuf = dir.join("Python/frozen_modules");
    fs_err::create_dir_all(&headers)?;
    ctx.reporter.status("Freezing", format!("{} modules", freezes.len()));
    let module = runtime.load(&dir.join(FREEZER))?;
    let log = logs.next("freeze");
    let mut output = String::new();
    for one in &freezes {
        let program = Program::new("_freeze_module")
            .arg(&one.module)
            .arg(format!("/src/{}", one.source))
            .arg(format!("/out/{}", one.header))
            .dir(Dir::read_only(source.root(), "/src"))
            .dir(Dir::writable(&headers, "/out"));
        let outcome = runtime.capture(&module, &program)?;
        output.push_str(&format!("# {}: {}\n{}", one.module, outcome.end, outcome.text()));
        fs_err::write(&log, &output)?;
        anyhow::ensure!(
            outcome.end.is_success() && headers.join(&one.header).exists(),
            "cannot freeze module `{}`: {}; see `{log}`",
            one.module,
            outcome.end,
        );
    }
    Ok(freezes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_freeze_commands_are_read() {
        let makefile = "Python/frozen_modules/abc.h: Lib/abc.py $(FREEZE_MODULE_DEPS)\n\
            \t$(FREEZE_MODULE) abc $(srcdir)/Lib/abc.py Python/frozen_modules/abc.h\n\
            \t$(FREEZE_MODULE_BOOTSTRAP) getpath $(srcdir)/Modules/getpath.py Python/frozen_modules/getpath.h\n\
            \t$(CC) -c x\n";
        let read = freezes(makefile);
        assert_eq!(read.len(), 2);
        assert_eq!(
            read[1],
            Freeze {
                module: "getpath".into(),
                source: "Modules/getpath.py".into(),
                header: "getpath.h".into(),
            }
        );
    }
}
