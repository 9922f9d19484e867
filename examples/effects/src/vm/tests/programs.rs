//! Tests programs that call each other, and the store.

use super::super::mock::*;
use super::super::*;

#[test]
fn program_runs_to_its_result() {
    let (outcome, events) = run(program("main").then(|_| Act::Return(7.into())));
    assert_eq!(outcome, 7.into());
    assert_eq!(events, ["main starts", "main returns 7"]);
}

/// Drives a run step by step. A handler abandons the continuation, and the main program is resumed.
#[test]
fn steps_do_not_call_the_interpreter() {
    let drops = handler(|_, _| program("handler").then(|_| Act::Return(1.into())));
    let body = program("body").then(|_| perform("effect"));
    let main = program("main").then(|_| with_handler(drops, body));
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let (mut mode, mut calls) = (Mode::Start(main), 0);
    let outcome = loop {
        let count = mock.events.len();
        let step = vm.step(mode);
        assert_eq!(mock.events.len(), count);
        mode = match step {
            Step::Next(mode) => mode,
            Step::Call(call) => {
                calls += 1;
                vm.perform(call, &mut mock)
            }
            Step::Done(outcome) => break outcome,
        };
    };
    assert_eq!(value_of(outcome), 1.into());
    // The five calls: start main, start the body, call the handler, start the handler's program,
    // and resume main.
    assert_eq!(calls, 5);
    assert!(!mock.events.contains(&"body closes".to_owned()), "a step does not clean up");
}

#[test]
fn program_continues_where_it_yielded() {
    let pure = |number: i64| control(Control::Pure(number.into()));
    let main = program("main")
        .then(move |_| pure(1))
        .then(move |answer| pure(i64::from(value_of(Ok(answer))) + 10))
        .then(|answer| Act::Return((i64::from(value_of(Ok(answer))) + 100).into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 111.into());
    assert_eq!(events, ["main starts", "main returns 111"]);
}

#[test]
fn result_of_a_program_answers_its_caller() {
    let inner = program("inner").then(|_| Act::Return(3.into()));
    let outer = program("outer").then(|_| call(inner));
    let (outcome, events) = run(program("main").then(|_| call(outer)));
    assert_eq!(outcome, 3.into());
    assert_eq!(
        events,
        [
            "main starts",
            "outer starts",
            "inner starts",
            "inner returns 3",
            "outer returns 3",
            "main returns 3"
        ]
    );
}

#[test]
fn failure_propagates_to_the_catching_caller() {
    let inner = program("inner").then(|_| Act::Raise("oops"));
    let middle = program("middle").then(|_| call(inner)).then(|_| Act::Return(1.into()));
    let outer =
        program("outer").then(|_| call(middle)).catch(|outcome| Act::Return(value_of(outcome)));
    let (outcome, events) = run(outer);
    assert_eq!(outcome, "oops".into());
    assert_eq!(events[3..], ["inner raises oops", "middle raises oops", "outer returns oops"]);
}

#[test]
fn uncaught_failure_is_the_outcome() {
    let (outcome, _) = run(program("main").then(|_| Act::Raise("oops")));
    assert_eq!(outcome, "oops".into());
}

#[test]
fn programs_share_the_store() {
    let inner = program("inner").then(|_| builtin(Builtin::Put("x".into(), 5.into())));
    let main = program("main")
        .then(|_| call(inner))
        .then(|_| builtin(Builtin::Tell("done".into())))
        .then(|_| builtin(Builtin::Get("x".into())));
    let (outcome, store, _) = run_in(Store::default(), main);
    assert_eq!(outcome, 5.into());
    assert_eq!(store.state["x"], 5.into());
    assert_eq!(store.log, ["done".into()]);
}

#[test]
fn missing_key_is_a_failure() {
    for (effect, expected) in [
        (Builtin::Get("x".into()), "no state"),
        (Builtin::Modify("x".into(), Value::Function(Ok)), "no state"),
        (Builtin::Ask("x".into()), "no environment"),
    ] {
        let main = program("main").then(|_| builtin(effect)).catch(|o| Act::Return(value_of(o)));
        assert_eq!(run(main).0, expected.into());
    }
}

#[test]
fn ask_reads_the_environment() {
    let mut store = Store::default();
    store.state.insert("x".into(), 1.into());
    store.environment.insert("x".into(), 2.into());
    let main = program("main").then(|_| builtin(Builtin::Ask("x".into())));
    assert_eq!(run_in(store, main).0, 2.into());
}

#[test]
fn modify_stores_and_answers_the_result() {
    let modify =
        |function| move |_| builtin(Builtin::Modify("x".into(), Value::Function(function)));
    let main = program("main").then(modify(|x| Ok(x * 2))).then(modify(|x| Ok(x + 1)));
    let mut store = Store::default();
    store.state.insert("x".into(), 5.into());
    let (outcome, store, _) = run_in(store, main);
    assert_eq!((outcome, store.state["x"].clone()), (11.into(), 11.into()));
}

#[test]
fn failed_modify_changes_nothing() {
    let main = program("main")
        .then(|_| builtin(Builtin::Modify("x".into(), Value::Function(|_| Err("refused")))));
    let mut store = Store::default();
    store.state.insert("x".into(), 5.into());
    let (outcome, store, _) = run_in(store, main);
    assert_eq!((outcome, store.state["x"].clone()), ("refused".into(), 5.into()));
}

#[test]
fn store_survives_a_failed_run() {
    let main = program("main")
        .then(|_| builtin(Builtin::Put("x".into(), 1.into())))
        .then(|_| Act::Raise("oops"));
    assert_eq!(run_in(Store::default(), main).1.state["x"], 1.into());
}
