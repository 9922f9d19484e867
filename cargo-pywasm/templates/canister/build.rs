//! Links Python.

fn main() {
    // A canister has no end at which Python could be finalized.
    pywasm_build::Build::new().no_finalize_at_exit().link();
}
