//! Links Python and compiles `src/glue.c` with that Python's compiler and headers.

fn main() {
    let Some(python) = pywasm_build::link() else { return };
    println!("cargo::rerun-if-changed=src/glue.c");
    python.cc().file("src/glue.c").compile("glue");
}
