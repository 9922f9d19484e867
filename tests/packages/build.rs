//! Links Python and embeds the packages.

fn main() {
    pywasm_build::link();
}
