//! Links Python with the whole library frozen into it, as Cargo.toml says.

fn main() {
    pywasm_build::link();
}
