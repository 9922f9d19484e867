//! Tests the behaviour of `examples/canister` on the replica that `super::replica` creates.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use candid::{CandidType, Decode, Deserialize, Encode};

use super::replica::Replica;

/// Returns a wasm module that `cargo xtask e2e` has built.
pub(crate) fn module(variable: &str) -> Vec<u8> {
    let path = std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set: `cargo xtask embed` builds it"));
    std::fs::read(path).unwrap()
}

pub(crate) fn example() -> Vec<u8> {
    module("PYWASM_CANISTER")
}

pub(crate) fn nothing() -> Vec<u8> {
    Encode!().unwrap()
}

/// Runs a test on a replica on which the example canister is installed.
fn on(test: impl Fn(&mut dyn Replica)) {
    let mut replica = super::replica();
    replica.install(&example(), &nothing()).unwrap();
    test(&mut replica);
}

fn text(replica: &mut dyn Replica, method: &str, argument: &[u8]) -> Result<String, String> {
    replica.query(method, argument).map(|reply| Decode!(&reply, String).unwrap())
}

fn number(replica: &mut dyn Replica, method: &str) -> u64 {
    let reply = replica.update(method, &nothing()).unwrap();
    Decode!(&reply, u64).unwrap()
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn python_greets() {
    on(|replica| {
        let greeting = text(replica, "greet", &Encode!(&"world").unwrap()).unwrap();
        assert_eq!(greeting, "Hello, world!");
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn json_re_decimal_and_clock_work() {
    on(|replica| {
        let request = r#"{"text": "Ä b a ä b ä", "top": 2}"#;
        let summary = text(replica, "summarize", &Encode!(&request).unwrap()).unwrap();
        assert_eq!(summary, r#"{"words": 6, "common": {"ä": 3, "b": 2}}"#);
        let dates = replica.query("dates", &Encode!(&"29.2.2024, 1.12.1999").unwrap()).unwrap();
        assert_eq!(Decode!(&dates, Vec<String>).unwrap(), ["2024-02-29", "1999-12-01"]);
        // With floating-point numbers, the result would be 1628.8946267774422.
        let terms = Encode!(&"1000", &"5", &10_u32).unwrap();
        assert_eq!(text(replica, "interest", &terms).unwrap(), "1628.89");
        let precise = Encode!(&"10000000000000000.05", &"0", &1_u32).unwrap();
        assert_eq!(text(replica, "interest", &precise).unwrap(), "10000000000000000.05");
        replica.set_time(1_700_000_000);
        assert_eq!(text(replica, "now", &nothing()).unwrap(), "2023-11-14T22:13:20+00:00");
    });
}

#[derive(CandidType, Deserialize, Debug, PartialEq)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(CandidType)]
enum Shape {
    Rectangle { width: f64, height: f64 },
    Polygon(Vec<Point>),
}

#[derive(CandidType, Deserialize, Debug, PartialEq)]
enum Size {
    Small,
    Large,
}

#[derive(CandidType, Deserialize, Debug, PartialEq)]
struct Measured {
    name: String,
    area: f64,
    size: Size,
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn records_and_variants_round_trip() {
    on(|replica| {
        let mut measured = |shape: &Shape| {
            let reply = replica.query("measure", &Encode!(shape).unwrap()).unwrap();
            Decode!(&reply, Measured).unwrap()
        };
        let rectangle = measured(&Shape::Rectangle { width: 20.0, height: 6.5 });
        let name = "Rectangle(width=20.0, height=6.5)".to_owned();
        assert_eq!(rectangle, Measured { name, area: 130.0, size: Size::Large });
        let corners = [(0.0, 0.0), (4.0, 0.0), (0.0, 3.0)];
        let corners = corners.map(|(x, y)| Point { x, y }).into();
        let triangle = measured(&Shape::Polygon(corners));
        assert_eq!((triangle.area, triangle.size), (6.0, Size::Small));
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn exception_is_a_reject_with_traceback() {
    on(|replica| {
        let error = text(replica, "summarize", &Encode!(&"{").unwrap()).unwrap_err();
        for part in [
            "Traceback (most recent call last):",
            "File \"python/rules.py\", line",
            "in summarize",
            "json.decoder.JSONDecodeError: Expecting property name",
        ] {
            assert!(error.contains(part), "{error}");
        }
        // The canister still works.
        assert!(text(replica, "greet", &Encode!(&"you").unwrap()).is_ok());
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn exception_in_update_rolls_back() {
    on(|replica| {
        assert_eq!(number(replica, "increment"), 2);
        let error = replica.update("withdraw", &Encode!(&5_u64).unwrap()).unwrap_err();
        assert!(error.contains("ValueError: cannot withdraw 5: the balance is 2"), "{error}");
        let bad = Encode!(&"../etc", &"text").unwrap();
        let error = replica.update("write_note", &bad).unwrap_err();
        assert!(error.contains("'../etc' is not a valid note name"), "{error}");
        assert_eq!(number(replica, "increment"), 4);
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn counter_and_files_survive_upgrade() {
    let example = example();
    on(|replica| {
        number(replica, "increment");
        let note = "Grüße\n".repeat(3000);
        replica.update("write_note", &Encode!(&"first", &note).unwrap()).unwrap();
        replica.upgrade(&example, &nothing()).unwrap();
        assert_eq!(number(replica, "increment"), 4);
        let read = replica.query("read_note", &Encode!(&"first").unwrap()).unwrap();
        assert_eq!(Decode!(&read, Option<String>).unwrap(), Some(note));
        let none = replica.query("read_note", &Encode!(&"second").unwrap()).unwrap();
        assert_eq!(Decode!(&none, Option<String>).unwrap(), None);
        let all = replica.query("notes", &nothing()).unwrap();
        assert_eq!(Decode!(&all, Vec<String>).unwrap(), ["first"]);
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn stable_memory_of_other_version_is_refused() {
    let next = module("PYWASM_CANISTER_NEXT");
    on(|replica| {
        number(replica, "increment");
        let error = replica.upgrade(&next, &nothing()).unwrap_err();
        assert!(
            error.contains("stable memory has version 1, but this canister reads only version 2"),
            "{error}"
        );
        assert_eq!(number(replica, "increment"), 4);
    });
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn exception_in_canister_init_installs_nothing() {
    let raising = module("PYWASM_CANISTER_RAISING");
    let mut replica = super::replica();
    let error = replica.install(&raising, &nothing()).unwrap_err();
    assert!(error.contains("RuntimeError: no rules today"), "{error}");
    assert!(error.contains("File \"python/rules.py\", line"), "{error}");
    assert!(replica.query("counter", &nothing()).is_err());
    replica.install(&example(), &nothing()).unwrap();
    assert_eq!(number(&mut replica, "increment"), 2);
}
