//! Links Python.

fn main() {
    // A canister never exits, so there is no point at which Python could be finalized.
    pywasm_build::Build::new().no_finalize_at_exit().link();
}
