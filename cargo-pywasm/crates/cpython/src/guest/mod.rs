//! C and Python sources that are compiled into installations: the limits of recursion, the guest's
//! part of snapshots, and the files that are part of a module.

/// The name of the header that [`SNAPSHOT`] includes. [`header`] returns the header's content.
pub(crate) const HEADER: &str = "pywasm-snapshot.h";

/// The C source that is compiled into the interpreter and into wasm modules that become snapshots.
pub(crate) const SNAPSHOT: &str = include_str!("snapshot.c");

/// The C source of the functions that read embedded files.
pub(crate) const FILES: &str = include_str!("files.c");

/// The C source of the limits of recursion, which is compiled into libpython.
pub(crate) const STACK: &str = include_str!("stack.c");

/// The C source of the interpreter's main function, which can resume a snapshot.
pub(crate) const PROGRAM: &str = include_str!("python.c");

/// Returns the content of [`HEADER`]: `snapshot.py` as a C string.
pub(crate) fn header() -> String {
    let lines = include_str!("snapshot.py").lines();
    let lines = lines.map(|line| {
        let line = line.replace('\\', "\\\\").replace('"', "\\\"");
        format!("    \"{line}\\n\"\n")
    });
    let lines: String = lines.collect();
    format!("static const char PYWASM_SNAPSHOT_PY[] =\n{lines};\n")
}
