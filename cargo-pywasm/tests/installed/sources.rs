//! Tests of CPython's sources. They need no installation, but its store and the network.

use std::io::Write as _;

use pywasm_cpython::install::pinned_source;
use pywasm_recipes::cpython_pins;
use pywasm_session::cause_of;
use pywasm_store::fetch::FetchError;

use crate::fresh;

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn patches_apply_to_every_pinned_release() {
    let mut fresh = fresh();
    fresh.ctx.offline = false;
    for pin in cpython_pins() {
        match pinned_source(pin, &fresh.ctx) {
            Ok(tree) => assert!(tree.root().join("configure").exists(), "{}", tree.root()),
            Err(error) if is_unavailable(&error) && !pin.tested => {
                // The test harness does not capture text that is written like this.
                writeln!(std::io::stderr(), "skipped CPython {}: {error:#}", pin.version).unwrap();
            }
            Err(error) => panic!("CPython {}: {error:#}", pin.version),
        }
    }
}

fn is_unavailable(error: &anyhow::Error) -> bool {
    matches!(cause_of(error), Some(FetchError::Unavailable { .. }))
}
