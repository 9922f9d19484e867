//! The one archive to link: libpython and all it needs of the toolchain's sysroot.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use pywasm_stubs::Link;

use crate::cpython::{Built, Logs, Step};
use crate::toolchain::Toolchain;

/// Emulations that CPython's configure links: signals, getpid, clock.
const EMULATED: [&str; 3] = ["signal", "getpid", "process-clocks"];

/// Merges the archives into `target` without unpacking them: 23 of libpython's member
/// names occur twice, and unpacking would lose one of each.
///
/// `q` appends, `c` makes the archive silently, `s` writes the index, `L` takes the
/// members of an archive, `D` leaves dates and owners out.
pub(super) fn merge(
    built: &Built,
    toolchain: &Toolchain,
    target: &Utf8Path,
    logs: &Logs,
) -> anyhow::Result<()> {
    let parent = target.parent().unwrap_or(target).to_owned();
    let mut args = vec!["qcsLD".to_owned(), target.to_string(), built.libpython.to_string()];
    args.extend(built.companions.iter().map(Utf8PathBuf::to_string));
    args.extend(emulated(toolchain).map(|path| path.to_string()));
    let step = |name, program: Utf8PathBuf, args| Step {
        name,
        program,
        args,
        env: [("LC_ALL".to_owned(), "C".to_owned())].into(),
        cwd: parent.clone(),
    };
    step("merge-archives", toolchain.ar(), args).run(logs)?;
    let strip = vec!["--strip-debug".to_owned(), target.to_string()];
    step("strip-archive", toolchain.strip(), strip).run(logs)?;
    Ok(())
}

/// What libpython takes from libc, sorted: whether another libc can take its place.
///
/// Nothing may stay undefined when it is linked with the libc beside it: until Rust 1.96 a
/// missing function becomes an import that no host has, and a missing variable silently becomes
/// address 0.
pub(super) fn needs_of_libc(
    libpython: &Utf8Path,
    toolchain: &Toolchain,
) -> anyhow::Result<BTreeSet<String>> {
    let mut link = Link::new();
    link.whole_archive("libpython", &fs_err::read(libpython)?)?;
    link.archive("compiler-rt", &fs_err::read(toolchain.builtins()?)?)?;
    let needs = link.undefined().into_iter().map(|symbol| symbol.name).collect();
    for name in ["libc.a", "libm.a"] {
        link.archive(name, &fs_err::read(toolchain.lib_dir().join(name))?)?;
    }
    let undefined = link.undefined();
    let listed: Vec<String> = undefined
        .iter()
        .map(|symbol| format!("  {} ({})", symbol.name, symbol.needed_by.join(", ")))
        .collect();
    anyhow::ensure!(
        undefined.is_empty(),
        "libpython leaves {} symbols undefined:\n{}",
        undefined.len(),
        listed.join("\n")
    );
    Ok(needs)
}

/// The emulation libraries of the sysroot.
fn emulated(toolchain: &Toolchain) -> impl Iterator<Item = Utf8PathBuf> {
    let lib = toolchain.lib_dir();
    EMULATED.into_iter().map(move |name| lib.join(format!("libwasi-emulated-{name}.a")))
}
