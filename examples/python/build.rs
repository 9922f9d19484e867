//! Links Python with its standard library, as configured in Cargo.toml.

fn main() {
    pywasm_build::link();
}
