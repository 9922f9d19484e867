//! Tests scheduling of tasks and waiting for tasks.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::mock::*;
use super::super::*;

pub(super) fn spawn(program: Program) -> Act {
    builtin(Builtin::Spawn(program))
}

pub(super) fn pauses(program: Program, times: usize) -> Program {
    (0..times).fold(program, |program, _| program.then(|_| builtin(Builtin::Pause)))
}

/// Returns a program that pauses `turns` times and then returns the result.
pub(super) fn worker(name: &'static str, turns: usize, result: i64) -> Program {
    pauses(program(name), turns).then(move |_| Act::Return(result.into()))
}

pub(super) fn fails(name: &'static str, turns: usize) -> Program {
    pauses(program(name), turns).then(|_| Act::Raise("failed"))
}

/// Returns a program that spawns the programs and then yields the result of `last`.
pub(super) fn with_tasks(
    programs: Vec<Program>,
    last: impl FnOnce(Vec<Task>) -> Act + 'static,
) -> Program {
    fn spawn_all(
        main: Program,
        mut rest: std::vec::IntoIter<Program>,
        mut tasks: Vec<Task>,
        last: Box<dyn FnOnce(Vec<Task>) -> Act>,
    ) -> Program {
        let Some(next) = rest.next() else { return main.then(|_| last(tasks)) };
        main.then(|_| spawn(next)).then(move |answer| {
            tasks.push(task(answer));
            call(spawn_all(program("spawner"), rest, tasks, last))
        })
    }
    spawn_all(program("spawner"), programs.into_iter(), Vec::new(), Box::new(last))
}

pub(super) fn gather(programs: Vec<Program>) -> Program {
    with_tasks(programs, |tasks| builtin(Builtin::Gather(tasks)))
}

pub(super) fn race(programs: Vec<Program>) -> Program {
    with_tasks(programs, |tasks| builtin(Builtin::Race(tasks)))
}

pub(super) fn without_spawners(events: Vec<String>) -> Vec<String> {
    events.into_iter().filter(|event| !event.starts_with("spawner")).collect()
}

#[test]
fn tasks_run_in_the_order_they_were_spawned() {
    let (outcome, events) =
        run(gather(vec![worker("a", 2, 1), worker("b", 1, 20), worker("c", 2, 300)]));
    assert_eq!(outcome, 321.into());
    assert_eq!(
        without_spawners(events),
        ["a starts", "b starts", "c starts", "b returns 20", "a returns 1", "c returns 300"]
    );
}

#[test]
fn spawner_continues_first() {
    let main =
        program("main").then(|_| spawn(worker("task", 0, 1))).then(|_| Act::Return(2.into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 2.into());
    assert_eq!(events, ["main starts", "main returns 2", "task closes"]);
}

#[test]
fn gather_of_nothing_is_empty() {
    assert_eq!(run(gather(vec![])).0, 0.into());
}

#[test]
fn gather_fails_with_the_first_failure() {
    let main = gather(vec![worker("slow", 2, 1), fails("bad", 1)]);
    let main = program("main")
        .then(|_| call(main))
        .catch(|outcome| {
            assert_eq!(value_of(outcome), "failed".into());
            builtin(Builtin::Pause)
        })
        .then(|_| Act::Return(5.into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 5.into());
    assert!(events.contains(&"slow returns 1".to_owned()), "{events:?}");
}

#[test]
fn task_can_be_waited_for_repeatedly() {
    let main = with_tasks(vec![worker("task", 1, 4)], |tasks| {
        let again = tasks.clone();
        call(
            program("waits")
                .then(|_| builtin(Builtin::Gather(tasks)))
                .then(|_| builtin(Builtin::Gather([again.clone(), again].concat()))),
        )
    });
    assert_eq!(run(main).0, 8.into());
}

#[test]
fn task_inherits_the_handlers_of_its_spawner() {
    let answers = handler(|effect, k| {
        let reaction = match effect {
            Value::Word("builtin") => Control::Delegate(None),
            _ => Control::Resume(k, 5.into()),
        };
        program("handler").then(|_| control(reaction))
    });
    let asks = program("asks").then(|_| perform("effect"));
    let main = program("main").then(|_| with_handler(answers, gather(vec![asks])));
    assert_eq!(run(main).0, 5.into());
}

/// Returns a program that pauses, so that another task can fill the slot, and then waits for the
/// task in the slot.
fn waits_for(slot: &Rc<RefCell<Option<Task>>>) -> Program {
    let slot = slot.clone();
    program("waits")
        .then(|_| builtin(Builtin::Pause))
        .then(move |_| builtin(Builtin::Gather(slot.borrow().iter().cloned().collect())))
}

#[test]
fn deadlock_fails_the_main_program() {
    let (a, b) = (Rc::default(), Rc::default());
    let main = with_tasks(vec![waits_for(&b), waits_for(&a)], move |tasks| {
        (*a.borrow_mut(), *b.borrow_mut()) = (Some(tasks[0].clone()), Some(tasks[1].clone()));
        builtin(Builtin::Gather(tasks))
    });
    assert_eq!(run(main).0, "deadlock".into());
}

#[test]
fn task_cannot_wait_for_itself() {
    let own = Rc::default();
    let main = with_tasks(vec![waits_for(&own)], move |tasks| {
        *own.borrow_mut() = Some(tasks[0].clone());
        builtin(Builtin::Gather(tasks))
    });
    assert_eq!(run(main).0, "waits for itself".into());
}

#[test]
fn task_of_another_run_is_refused() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    run(with_tasks(vec![worker("task", 0, 1)], move |mut tasks| {
        *keep.borrow_mut() = tasks.pop();
        Act::Return(0.into())
    }));
    let foreign = kept.borrow_mut().take().unwrap();
    let main = program("main").then(|_| builtin(Builtin::Gather(vec![foreign])));
    assert_eq!(run(main).0, "foreign task".into());
}
