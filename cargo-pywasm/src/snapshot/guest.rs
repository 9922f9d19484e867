//! The part of a snapshot that is in the module, as sources: in C for who links it, in Python in there.

/// The header that [`SNAPSHOT`] includes, by its name and content: `snapshot.py` as a string of C.
pub(crate) const HEADER: &str = "pywasm-snapshot.h";

/// What is linked into modules. Includes [`HEADER`].
pub(crate) const SNAPSHOT: &str = include_str!("guest/snapshot.c");

/// The main of the interpreter, which goes on from a snapshot where it is one.
pub(crate) const PROGRAM: &str = include_str!("guest/python.c");

/// The content of [`HEADER`].
pub(crate) fn header() -> String {
    let lines = include_str!("guest/snapshot.py").lines();
    let lines = lines.map(|line| {
        let line = line.replace('\\', "\\\\").replace('"', "\\\"");
        format!("    \"{line}\\n\"\n")
    });
    let lines: String = lines.collect();
    format!("static const char PYWASM_SNAPSHOT_PY[] =\n{lines};\n")
}
