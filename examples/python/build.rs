//! Links Python with the frozen standard library, as configured in Cargo.toml.

fn main() {
    pywasm_build::link();
}
