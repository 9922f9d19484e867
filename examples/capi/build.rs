//! Links Python, and compiles the C beside the crate with the compiler and headers of that Python.

fn main() {
    let Some(python) = pywasm_build::link() else { return };
    println!("cargo::rerun-if-changed=src/glue.c");
    python.cc().file("src/glue.c").compile("glue");
}
