//! Tasks: turns and waiting.

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

/// Takes its first turn and this many more, then returns the number.
pub(super) fn worker(name: &'static str, turns: usize, result: i64) -> Program {
    pauses(program(name), turns).then(move |_| Act::Return(result.into()))
}

pub(super) fn fails(name: &'static str, turns: usize) -> Program {
    pauses(program(name), turns).then(|_| Act::Raise("failed"))
}

/// Spawns these and yields what the last line makes of them.
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
fn tasks_take_turns_in_the_order_in_which_they_were_spawned() {
    let (outcome, events) =
        run(gather(vec![worker("a", 2, 1), worker("b", 1, 20), worker("c", 2, 300)]));
    assert_eq!(outcome, 321.into());
    assert_eq!(
        without_spawners(events),
        ["a starts", "b starts", "c starts", "b returns 20", "a returns 1", "c returns 300"]
    );
}

#[test]
fn who_spawns_goes_on_first() {
    let main =
        program("main").then(|_| spawn(worker("task", 0, 1))).then(|_| Act::Return(2.into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 2.into());
    assert_eq!(events, ["main starts", "main returns 2", "task closes"], "and ends the run");
}

#[test]
fn gathering_nothing_is_an_empty_list() {
    assert_eq!(run(gather(vec![])).0, 0.into());
}

#[test]
fn gathering_fails_with_the_first_failure_and_the_others_go_on() {
    let main = gather(vec![worker("slow", 2, 1), fails("bad", 1)]);
    let main = program("main")
        .then(|_| call(main))
        .catch(|outcome| {
            assert_eq!(number(outcome), "failed".into());
            builtin(Builtin::Pause)
        })
        .then(|_| Act::Return(5.into()));
    let (outcome, events) = run(main);
    assert_eq!(outcome, 5.into());
    assert!(events.contains(&"slow returns 1".to_owned()), "{events:?}");
}

#[test]
fn a_task_can_be_waited_for_more_than_once() {
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
fn a_task_has_the_handlers_of_who_spawned_it() {
    let answers = handler(|effect, k| {
        let reaction = match effect {
            Value::Word("builtin") => Control::Delegate(None),
            _ => Control::Resume(k, 5.into()),
        };
        program("handler").then(|_| order(reaction))
    });
    let asks = program("asks").then(|_| perform("effect"));
    let main = program("main").then(|_| with_handler(answers, gather(vec![asks])));
    assert_eq!(run(main).0, 5.into());
}

/// Takes a turn for others to fill the place, then waits for the task that is there.
fn waits_for(place: &Rc<RefCell<Option<Task>>>) -> Program {
    let place = place.clone();
    program("waits")
        .then(|_| builtin(Builtin::Pause))
        .then(move |_| builtin(Builtin::Gather(place.borrow().iter().cloned().collect())))
}

#[test]
fn when_all_wait_the_first_program_is_told() {
    let (a, b) = (Rc::default(), Rc::default());
    let main = with_tasks(vec![waits_for(&b), waits_for(&a)], move |tasks| {
        (*a.borrow_mut(), *b.borrow_mut()) = (Some(tasks[0].clone()), Some(tasks[1].clone()));
        builtin(Builtin::Gather(tasks))
    });
    assert_eq!(run(main).0, "deadlock".into());
}

#[test]
fn a_task_cannot_wait_for_itself() {
    let own = Rc::default();
    let main = with_tasks(vec![waits_for(&own)], move |tasks| {
        *own.borrow_mut() = Some(tasks[0].clone());
        builtin(Builtin::Gather(tasks))
    });
    assert_eq!(run(main).0, "waits for itself".into());
}

#[test]
fn a_task_of_another_run_is_refused() {
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
