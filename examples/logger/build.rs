//! Links Python.

fn main() {
    pywasm_build::link();
}
