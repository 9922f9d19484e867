//! Tests failures that no task observes, and the end of a run.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::mock::*;
use super::super::*;
use super::tasks::*;

#[test]
fn unobservable_failure_is_reported() {
    let main = program("main").then(|_| spawn(fails("task", 0)));
    let main = pauses(main.then(|_| builtin(Builtin::Pause)), 1);
    let (_, events) = run(main);
    assert!(events.contains(&"reported failed".to_owned()), "{events:?}");
}

#[test]
fn failure_is_reported_as_soon_as_it_is_unobservable() {
    let ended_before_it_was_forgotten =
        with_tasks(vec![fails("first", 0)], |tasks| call(pauses(keeps(tasks), 1)));
    let forgotten_before_it_ended = program("spawner").then(|_| spawn(fails("second", 1)));
    let main = program("main")
        .then(|_| call(ended_before_it_was_forgotten))
        .then(|_| call(forgotten_before_it_ended));
    let (_, events) = run(pauses(main, 3));
    assert_eq!(
        without_spawners(events),
        [
            "main starts",
            "keeps starts",
            "first starts",
            "first raises failed",
            "reported failed",
            "keeps returns 0",
            "second starts",
            "second raises failed",
            "reported failed",
            "main returns 0",
        ]
    );
}

/// Returns a program that holds the handles of `tasks` while it pauses once, so that the other
/// tasks can run, and then drops the handles.
fn keeps(tasks: Vec<Task>) -> Program {
    program("keeps").then(|_| builtin(Builtin::Pause)).then(move |_| {
        drop(tasks);
        control(Control::Pure(0.into()))
    })
}

#[test]
fn failure_of_a_task_held_after_the_run_is_reported() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    let keep = kept.clone();
    let main = with_tasks(vec![fails("task", 0)], move |tasks| {
        *keep.borrow_mut() = tasks;
        builtin(Builtin::Pause)
    });
    let (_, events) = run(main);
    assert_eq!(events.last().map(String::as_str), Some("reported failed"));
    assert_eq!(kept.borrow().len(), 1);
}

#[test]
fn ended_and_forgotten_tasks_are_released() {
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let forgotten = || program("spawner").then(|_| spawn(worker("task", 1, 1)));
    let main = program("main").then(move |_| call(forgotten())).then(move |_| call(forgotten()));
    let outcome = vm.drive(
        pauses(main, 4).then(|_| call(race(vec![worker("a", 1, 1), worker("b", 0, 2)]))),
        &mut mock,
    );
    assert_eq!(value_of(outcome), 2.into());
    vm.clean_up(&mut mock);
    assert_eq!(vm.scheduler.task_count(), 0);
}

#[test]
fn observed_failure_is_not_reported() {
    let (outcome, events) = run(gather(vec![fails("a", 0), fails("b", 0)]));
    assert_eq!(outcome, "failed".into());
    assert!(!events.contains(&"reported failed".to_owned()), "{events:?}");
}

#[test]
fn tasks_leak_no_segments() {
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let main = race(vec![worker("a", 4, 1), worker("b", 2, 2), worker("c", 1, 3)]);
    assert_eq!(value_of(vm.drive(main, &mut mock)), 3.into());
    vm.end(&mut mock);
    assert_eq!(vm.arena.used(), 0);
}

#[test]
fn suspended_programs_are_closed_when_the_run_ends() {
    let never = program("never").then(|_| builtin(Builtin::Gather(Vec::new())));
    let waits = gather(vec![worker("ready", 9, 1)]);
    let waits = program("waits").then(|_| call(waits));
    let main = program("main").then(|_| spawn(waits)).then(|_| builtin(Builtin::Pause));
    let main = pauses(main, 2).then(|_| spawn(never)).then(|_| Act::Return(1.into()));
    let (_, events) = run(main);
    assert_eq!(
        without_spawners(events)[3..],
        ["main returns 1", "ready closes", "never closes", "waits closes"]
    );
}
