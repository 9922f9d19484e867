//! Attributes the bytes of an installed interpreter.

use pywasm_size::{By, Evidence, Kind, Members, Section, View, measure};
use pywasm_tests::utf8;

use crate::installation;

#[test]
#[ignore = "needs an installation: run `cargo xtask e2e`"]
fn interpreter_is_almost_fully_attributed() {
    let python = installation();
    let bytes = std::fs::read(python.python_wasm()).expect("an interpreter");
    let members = Members::of_installation(&utf8(python.root())).expect("archives");
    let evidence = Evidence { members: Some(&members), ..Evidence::default() };
    let all = measure(&bytes, evidence).expect("a module");
    assert_eq!(all.total, bytes.len() as u64);
    let modules = View::of(&all, By::Module).entries;
    for name in ["_frozen_importlib", "zipimport", "codecs"] {
        let found = modules.iter().find(|it| !it.is_rest && it.label == name);
        assert!(found.is_some_and(|it| it.bytes > 1000), "{name}: {found:?}");
    }
    let in_code = |row: &pywasm_size::Row| *all.section(row) == Section::CODE;
    let code = all.sum(|row| in_code(row) && row.kind == Kind::C);
    let of_objects = all.sum(|row| in_code(row) && all.object(row).is_some());
    assert!(of_objects * 10 > code * 9, "{of_objects} of {code}");
}
