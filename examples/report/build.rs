//! Links Python and embeds the packages, as configured in Cargo.toml.

fn main() {
    // Rust writes all output, so Python has nothing to write when the command exits.
    pywasm_build::Build::new().no_finalize_at_exit().link();
}
