//! Races.

use super::super::mock::*;
use super::super::*;
use super::tasks::*;

#[test]
fn first_task_to_end_wins_and_others_are_closed() {
    let (outcome, events) =
        run(race(vec![worker("slow", 5, 1), worker("fast", 1, 2), worker("slower", 9, 3)]));
    assert_eq!(outcome, 2.into());
    let events = without_spawners(events);
    assert_eq!(events[3..], ["fast returns 2", "slow closes", "slower closes"]);
}

#[test]
fn failure_may_win_a_race() {
    let (outcome, events) = run(race(vec![worker("slow", 5, 1), fails("fast", 1)]));
    assert_eq!(outcome, "failed".into());
    assert!(events.contains(&"slow closes".to_owned()));
}

#[test]
fn first_named_of_ended_tasks_wins() {
    let main = with_tasks(vec![worker("a", 3, 1), worker("b", 0, 2)], |tasks| {
        call(pauses(program("late"), 5).then(|_| builtin(Builtin::Race(tasks))))
    });
    assert_eq!(run(main).0, 1.into());
}

#[test]
fn decided_race_closes_the_losers_at_once() {
    let main = with_tasks(vec![worker("slow", 9, 1), worker("fast", 0, 2)], |tasks| {
        let race = program("race").then(|_| builtin(Builtin::Race(tasks)));
        call(pauses(program("late"), 1).then(|_| call(race)))
    });
    let (outcome, events) = run(main);
    assert_eq!(outcome, 2.into());
    let events = without_spawners(events);
    assert_eq!(events[4..7], ["race starts", "slow closes", "race returns 2"]);
}

/// Returns a program that waits for the loser of a race and for another task.
fn waits_for_loser_and(other: Program, wait: fn(Vec<Task>) -> Builtin<Mock>) -> Program {
    let tasks = vec![worker("slow", 5, 1), worker("fast", 1, 2), other];
    with_tasks(tasks, move |mut tasks| {
        let both = vec![tasks[0].clone(), tasks.remove(2)];
        let race = program("race").then(|_| builtin(Builtin::Race(tasks)));
        let main = program("main")
            .then(move |_| spawn(program("waits").then(move |_| builtin(wait(both)))));
        call(main.then(|waits| {
            let waits = task(waits);
            call(
                program("main")
                    .then(|_| call(race))
                    .then(|_| builtin(Builtin::Gather(vec![waits]))),
            )
        }))
    })
}

#[test]
fn gather_fails_when_a_task_is_cancelled() {
    let (outcome, events) = run(waits_for_loser_and(worker("other", 9, 3), Builtin::Gather));
    assert_eq!(outcome, "cancelled".into());
    assert!(events.contains(&"other closes".to_owned()), "{events:?}");
}

#[test]
fn cancelled_task_wins_no_race() {
    assert_eq!(run(waits_for_loser_and(worker("other", 9, 3), Builtin::Race)).0, 3.into());
}

#[test]
fn waiting_for_a_loser_fails() {
    let main = with_tasks(vec![worker("slow", 5, 1), worker("fast", 1, 2)], |tasks| {
        let slow = vec![tasks[0].clone()];
        call(
            program("waits")
                .then(|_| builtin(Builtin::Race(tasks)))
                .then(|_| builtin(Builtin::Gather(slow))),
        )
    });
    assert_eq!(run(main).0, "cancelled".into());
}

#[test]
fn waiting_loser_is_closed_but_its_tasks_continue() {
    let inner = worker("inner", 2, 7);
    let waits = program("waits")
        .then(|_| spawn(inner))
        .then(|answer| builtin(Builtin::Gather(vec![task(answer)])));
    let main = with_tasks(vec![waits, worker("fast", 1, 2)], |tasks| {
        call(pauses(program("main").then(|_| builtin(Builtin::Race(tasks))), 3))
    });
    let (_, events) = run(main);
    let position = |wanted: &str| events.iter().position(|event| event == wanted).unwrap();
    assert!(position("waits closes") < position("inner returns 7"), "{events:?}");
}

#[test]
fn race_of_cancelled_tasks_fails() {
    let main = with_tasks(vec![worker("slow", 5, 1), worker("fast", 1, 2)], |tasks| {
        let slow = vec![tasks[0].clone()];
        call(
            program("waits")
                .then(|_| builtin(Builtin::Race(tasks)))
                .then(|_| builtin(Builtin::Race(slow))),
        )
    });
    assert_eq!(run(main).0, "cancelled".into());
}
