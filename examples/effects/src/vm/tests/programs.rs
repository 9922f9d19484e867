//! Programs that call each other, and the store.

use super::super::mock::*;
use super::super::*;

#[test]
fn a_program_runs_to_its_result() {
    let (outcome, events) = run(program("main").then(|_| Act::Return(7.into())));
    assert_eq!(outcome, 7.into());
    assert_eq!(events, ["main starts", "main returns 7"]);
}

/// A step has no interpreter to touch; that what happens between steps is enough for a whole run,
/// with a handler, a resumption and a continuation that is given up, is what this shows.
#[test]
fn only_performing_a_call_runs_programs() {
    let drops = handler(|_, _| program("handler").then(|_| Act::Return(1.into())));
    let body = program("body").then(|_| perform("effect"));
    let main = program("main").then(|_| with_handler(drops, body));
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let (mut mode, mut calls) = (Mode::Start(main), 0);
    let outcome = loop {
        let seen = mock.events.len();
        let step = vm.step(mode);
        assert_eq!(mock.events.len(), seen);
        mode = match step {
            Step::Next(mode) => mode,
            Step::Call(call) => {
                calls += 1;
                vm.perform(call, &mut mock)
            }
            Step::Done(outcome) => break outcome,
        };
    };
    assert_eq!(number(outcome), 1.into());
    // Start main, start body, ask the handler, start its program, resume main.
    assert_eq!(calls, 5);
    assert!(!mock.events.contains(&"body closes".to_owned()), "cleaning up is no part of a step");
}

#[test]
fn a_program_goes_on_where_it_yielded() {
    let pure = |number: i64| order(Control::Pure(number.into()));
    let main = program("main")
        .then(move |_| pure(1))
        .then(move |answer| pure(i64::from(number(Ok(answer))) + 10))
        .then(|answer| Act::Return((i64::from(number(Ok(answer))) + 100).into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 111.into());
    assert_eq!(events, ["main starts", "main returns 111"], "it starts once");
}

#[test]
fn the_result_of_a_program_answers_who_called_it() {
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
fn a_failure_goes_through_callers_to_the_one_that_catches_it() {
    let inner = program("inner").then(|_| Act::Raise("oops"));
    let middle = program("middle").then(|_| call(inner)).then(|_| Act::Return(1.into()));
    let outer =
        program("outer").then(|_| call(middle)).catch(|outcome| Act::Return(number(outcome)));
    let (outcome, events) = run(outer);
    assert_eq!(outcome, "oops".into());
    assert_eq!(events[3..], ["inner raises oops", "middle raises oops", "outer returns oops"]);
}

#[test]
fn a_failure_that_nobody_catches_is_the_outcome() {
    let (outcome, _) = run(program("main").then(|_| Act::Raise("oops")));
    assert_eq!(outcome, "oops".into());
}

#[test]
fn what_is_put_can_be_got_by_all_programs() {
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
fn what_the_store_does_not_have_is_a_failure_of_who_asks() {
    for (effect, expected) in [
        (Builtin::Get("x".into()), "no state"),
        (Builtin::Modify("x".into(), Value::Function(Ok)), "no state"),
        (Builtin::Ask("x".into()), "no environment"),
    ] {
        let main = program("main").then(|_| builtin(effect)).catch(|o| Act::Return(number(o)));
        assert_eq!(run(main).0, expected.into());
    }
}

#[test]
fn asking_reads_the_environment_not_the_state() {
    let mut store = Store::default();
    store.state.insert("x".into(), 1.into());
    store.environment.insert("x".into(), 2.into());
    let main = program("main").then(|_| builtin(Builtin::Ask("x".into())));
    assert_eq!(run_in(store, main).0, 2.into());
}

#[test]
fn modifying_puts_and_answers_the_functions_result() {
    let modify =
        |function| move |_| builtin(Builtin::Modify("x".into(), Value::Function(function)));
    let main = program("main").then(modify(|x| Ok(x * 2))).then(modify(|x| Ok(x + 1)));
    let mut store = Store::default();
    store.state.insert("x".into(), 5.into());
    let (outcome, store, _) = run_in(store, main);
    assert_eq!((outcome, store.state["x"].clone()), (11.into(), 11.into()));
}

#[test]
fn a_function_that_fails_modifies_nothing() {
    let main = program("main")
        .then(|_| builtin(Builtin::Modify("x".into(), Value::Function(|_| Err("refused")))));
    let mut store = Store::default();
    store.state.insert("x".into(), 5.into());
    let (outcome, store, _) = run_in(store, main);
    assert_eq!((outcome, store.state["x"].clone()), ("refused".into(), 5.into()));
}

#[test]
fn the_store_survives_a_run_that_fails() {
    let main = program("main")
        .then(|_| builtin(Builtin::Put("x".into(), 1.into())))
        .then(|_| Act::Raise("oops"));
    assert_eq!(run_in(Store::default(), main).1.state["x"], 1.into());
}
