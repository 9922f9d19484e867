//! Tests `examples/canister` on the tool's own host. `tests/pocket-ic` runs the same tests on
//! PocketIC.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod behaviour;
mod local;
mod replica;

use behaviour::{example, nothing};
use candid::{Decode, Encode};
use pywasm_canister::{Canister, Interface, Outcome, Principal, Settings};

use local::{Local, compiled};
use replica::Replica;

fn replica() -> Local {
    Local::new()
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn print_is_one_message_per_line() {
    let mut local = Local::new();
    local.install(&example(), &nothing()).unwrap();
    local.query("greet", &Encode!(&"you").unwrap()).unwrap();
    assert_eq!(local.printed(), ["greeting you\n"]);
}

/// Checks that replicas compute identical bytes, as all replicas of a subnet must.
#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn replicas_agree_and_entropy_changes_numbers() {
    let module = compiled(&example()).unwrap();
    let play = |seed: [u8; 32]| {
        let mut canister = Canister::new(Settings { seed, ..Settings::default() });
        let caller = Principal::anonymous();
        let installed = canister.install(&module, &nothing(), caller).unwrap();
        assert!(installed.outcome.is_ok(), "{}", installed.outcome);
        let roll = Encode!(&1_000_000_u32, &4_u32).unwrap();
        let mut rolls = Vec::new();
        for method in ["roll", "shuffle", "roll", "ticket", "increment"] {
            let argument = match method {
                "roll" => roll.clone(),
                "ticket" => Encode!(&"x").unwrap(),
                _ => nothing(),
            };
            let run = canister.update(method, &argument, caller).unwrap();
            let Outcome::Reply(reply) = run.outcome else { panic!("{method}: {}", run.outcome) };
            if method == "roll" {
                rolls.push(Decode!(&reply, Vec<u32>).unwrap());
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = pywasm_tests::utf8(&dir.path().join("state"));
        canister.save(&path).unwrap();
        (rolls, std::fs::read(path).unwrap())
    };
    let (one, other) = (play([1; 32]), play([1; 32]));
    assert_eq!(one.0, other.0);
    assert!(one.1 == other.1, "the states differ");
    let third = play([2; 32]);
    // Until a canister requests real entropy, its random numbers are predictable.
    assert_eq!(third.0[0], one.0[0]);
    assert_ne!(third.0[1], one.0[1]);
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn interface_is_embedded() {
    let interface = Interface::embedded(&example()).unwrap().expect("the section");
    let methods: Vec<&str> = interface.methods.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(methods.len(), 16, "{methods:?}");
    assert!(methods.contains(&"measure"), "{methods:?}");
    // The function that returned the interface has been removed from the module.
    assert!(!example().windows(18).any(|bytes| bytes == b"get_candid_pointer"));
}

#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn empty_call_takes_few_instructions() {
    let mut local = Local::new();
    local.install(&example(), &nothing()).unwrap();
    local.query("nothing", &nothing()).unwrap();
    assert!(local.fuel() < 100_000, "{}", local.fuel());
    local.query("greet", &Encode!(&"you").unwrap()).unwrap();
    assert!(local.fuel() < 100_000, "{}", local.fuel());
}

/// The next version runs recursive programs when it imports its rules.
#[test]
#[ignore = "needs the example canister: run `cargo xtask canister`"]
fn recursions_end_in_exceptions() {
    let mut local = Local::new();
    local.install(&behaviour::module("PYWASM_CANISTER_NEXT"), &nothing()).unwrap();
    let ends: Vec<String> = local.printed().iter().map(|line| line.trim().to_owned()).collect();
    assert_eq!(
        ends[..5],
        [
            "repr: RecursionError",
            "json.loads: RecursionError",
            "pickle.dumps: RecursionError",
            "parentheses: MemoryError",
            "all programs ended",
        ]
    );
}
