//! Links Python.

fn main() {
    // A canister never exits, so Python is never finalized.
    pywasm_build::Build::new().no_finalize_at_exit().link();
}
