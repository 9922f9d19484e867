//! Handlers and continuations.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::mock::*;
use super::super::*;

/// Answers every effect with this number, and returns what comes of that.
fn answers(number: i64) -> Value {
    handler(move |_, k| program("handler").then(move |_| order(Control::Resume(k, number.into()))))
}

/// Writes down that it was offered an effect, and leaves it to others.
fn passes(seen: &Rc<RefCell<Vec<String>>>, name: &'static str) -> Value {
    let seen = seen.clone();
    handler(move |effect, _| {
        seen.borrow_mut().push(format!("{name} sees {effect:?}"));
        program(name).then(|_| order(Control::Delegate(None)))
    })
}

fn performs(effect: &'static str) -> Program {
    program("body").then(move |_| perform(effect))
}

/// The innermost first.
fn within(handlers: Vec<Value>, body: Program) -> Program {
    handlers
        .into_iter()
        .fold(body, |body, handler| program("with").then(|_| with_handler(handler, body)))
}

#[test]
fn a_handler_comes_back_with_the_result_of_what_it_is_around() {
    let body =
        performs("effect").then(|answer| Act::Return((i64::from(number(Ok(answer))) + 1).into()));
    let doubles = handler(|_, k| {
        program("handler")
            .then(|_| order(Control::Resume(k, 5.into())))
            .then(|answer| Act::Return((i64::from(number(Ok(answer))) * 2).into()))
    });
    let (outcome, events) = run(within(vec![doubles], body));
    assert_eq!(outcome, 12.into());
    assert_eq!(events[3..], ["body returns 6", "handler returns 12", "with returns 12"]);
}

#[test]
fn a_handler_is_around_for_every_effect() {
    let body = performs("first").then(|_| perform("second")).then(|_| perform("third"));
    assert_eq!(run(within(vec![answers(4)], body)).0, 4.into());
}

#[test]
fn a_transferring_handler_makes_way_first() {
    let transfers =
        handler(|_, k| program("handler").then(|_| order(Control::Transfer(k, 1.into()))));
    let (outcome, events) = run(within(vec![transfers], performs("effect")));
    assert_eq!(outcome, 1.into());
    assert_eq!(events[3..], ["handler closes", "body returns 1", "with returns 1"]);
}

#[test]
fn a_handler_that_does_not_resume_gives_its_own_result_after_what_it_was_around_is_closed() {
    let gives_up = handler(|_, _| program("handler").then(|_| Act::Return(9.into())));
    let inner = program("inner").then(|_| call(performs("effect")));
    let (outcome, events) = run(within(vec![gives_up], inner));
    assert_eq!(outcome, 9.into());
    assert_eq!(events[4..], ["handler returns 9", "body closes", "inner closes", "with returns 9"]);
}

#[test]
fn a_handler_that_raises_gives_its_continuation_up_whoever_holds_it() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    let raises = handler(move |_, k| {
        *keep.borrow_mut() = Some(k);
        program("handler").then(|_| Act::Raise("refused"))
    });
    let main = within(vec![raises], performs("effect"))
        .catch(move |_| {
            let k = kept.borrow_mut().take().unwrap();
            order(Control::Resume(k, 1.into()))
        })
        .catch(|outcome| Act::Return(number(outcome)));
    let (outcome, events) = run(main);
    assert_eq!(outcome, "spent".into());
    assert_eq!(events[3..], ["handler raises refused", "body closes", "with returns spent"]);
}

#[test]
fn a_handler_can_catch_what_is_raised_above_it() {
    let body = performs("effect").then(|_| Act::Raise("oops"));
    let catches = handler(|_, k| {
        program("handler")
            .then(|_| order(Control::Resume(k, 1.into())))
            .catch(|outcome| Act::Return(number(outcome)))
    });
    assert_eq!(run(within(vec![catches], body)).0, "oops".into());
}

#[test]
fn a_continuation_is_resumed_once() {
    for again in [Control::Resume, Control::Transfer, Control::ResumeContinuation] {
        let twice = handler(move |_, k| {
            let same = k.clone();
            program("handler")
                .then(|_| order(Control::Resume(k, 1.into())))
                .then(move |_| order(again(same, 2.into())))
                .catch(|outcome| Act::Return(number(outcome)))
        });
        let (outcome, events) = run(within(vec![twice], performs("effect")));
        assert_eq!(outcome, "spent".into());
        assert_eq!(events.iter().filter(|event| *event == "body returns 1").count(), 1);
    }
}

#[test]
fn a_handlers_own_effects_go_to_the_handlers_further_out() {
    let asks = handler(|effect, k| {
        assert_eq!(effect, "inner".into());
        program("asks")
            .then(|_| perform("outer"))
            .then(|answer| order(Control::Resume(k, number(Ok(answer)))))
    });
    assert_eq!(run(within(vec![asks, answers(8)], performs("inner"))).0, 8.into());
}

#[test]
fn a_handlers_own_effects_are_unhandled_when_it_is_the_outermost() {
    let asks = handler(|_, _| program("asks").then(|_| perform("again")));
    assert_eq!(run(within(vec![asks], performs("effect"))).0, "unhandled".into());
}

#[test]
fn delegating_offers_the_effect_to_the_handlers_further_out() {
    let seen = Rc::default();
    let handlers = vec![passes(&seen, "first"), passes(&seen, "second"), answers(3)];
    let (outcome, events) = run(within(handlers, performs("effect")));
    assert_eq!(outcome, 3.into());
    assert_eq!(*seen.borrow(), ["first sees effect", "second sees effect"]);
    assert!(events.contains(&"first closes".to_owned()), "it makes way: {events:?}");
}

#[test]
fn a_handler_that_delegated_stays_around() {
    let seen = Rc::default();
    let body = performs("one").then(|_| perform("two"));
    run(within(vec![passes(&seen, "first"), answers(3)], body));
    assert_eq!(*seen.borrow(), ["first sees one", "first sees two"]);
}

#[test]
fn a_handler_can_delegate_another_effect_in_the_place_of_its_own() {
    let seen = Rc::default();
    let replaces = handler(|_, _| {
        let other = Effect { value: "other".into(), builtin: None };
        program("replaces").then(|_| order(Control::Delegate(Some(other))))
    });
    run(within(vec![replaces, passes(&seen, "outer"), answers(3)], performs("effect")));
    assert_eq!(*seen.borrow(), ["outer sees other"]);
}

#[test]
fn a_delegated_effect_that_nobody_takes_fails_where_it_was_performed() {
    let seen = Rc::default();
    let body = performs("effect").catch(|outcome| Act::Return(number(outcome)));
    assert_eq!(run(within(vec![passes(&seen, "first")], body)).0, "unhandled".into());
}

#[test]
fn who_has_resumed_cannot_delegate() {
    let both = handler(|_, k| {
        program("handler")
            .then(|_| order(Control::Resume(k, 1.into())))
            .then(|_| order(Control::Delegate(None)))
            .catch(|outcome| Act::Return(number(outcome)))
    });
    assert_eq!(run(within(vec![both], performs("effect"))).0, "spent".into());
}

#[test]
fn only_handlers_delegate_and_have_a_continuation() {
    for control in [Control::Delegate(None), Control::GetContinuation] {
        let main = program("main").then(|_| order(control)).catch(|o| Act::Return(number(o)));
        assert_eq!(run(main).0, "outside a handler".into());
    }
}

#[test]
fn a_handler_can_ask_for_its_continuation() {
    let asks = handler(|_, _| {
        program("handler").then(|_| order(Control::GetContinuation)).then(|answer| match answer {
            Answer::Continuation(k) => order(Control::Resume(k, 6.into())),
            _ => Act::Raise("no continuation"),
        })
    });
    assert_eq!(run(within(vec![asks], performs("effect"))).0, 6.into());
}

#[test]
fn a_created_continuation_has_to_be_started_before_it_can_be_resumed() {
    for resume in [Control::Resume, Control::Transfer] {
        let body = performs("effect");
        let main = program("main")
            .then(|_| {
                let handlers = vec![answers(1), answers(2)];
                order(Control::CreateContinuation { program: body, handlers })
            })
            .then(move |answer| {
                let Answer::Continuation(k) = answer else { return Act::Raise("no continuation") };
                let tries = program("tries")
                    .then({
                        let k = k.clone();
                        move |_| order(resume(k, 0.into()))
                    })
                    .catch(|outcome| {
                        assert_eq!(number(outcome), "not started".into());
                        order(Control::ResumeContinuation(k, 0.into()))
                    });
                call(tries)
            });
        assert_eq!(run(main).0, 1.into(), "its innermost handler is the first");
    }
}

#[test]
fn the_handlers_around_are_told_innermost_first_and_without_the_busy_ones() {
    let get = |answer: Answer<Value>| match answer {
        Answer::List(list) => Act::Return((list.len() as i64).into()),
        _ => Act::Raise("no list"),
    };
    let body = program("body").then(|_| order(Control::GetHandlers)).then(get);
    assert_eq!(run(within(vec![answers(1), answers(2)], body)).0, 2.into());
    let busy = handler(move |_, _| program("busy").then(|_| order(Control::GetHandlers)).then(get));
    assert_eq!(run(within(vec![busy, answers(2)], performs("effect"))).0, 1.into());
}

#[test]
fn every_effect_is_offered_to_handlers_first() {
    let effects: [fn() -> Builtin<Mock>; 9] = [
        || Builtin::Get("x".into()),
        || Builtin::Put("x".into(), 1.into()),
        || Builtin::Modify("x".into(), Value::Function(Ok)),
        || Builtin::Ask("x".into()),
        || Builtin::Tell(1.into()),
        || Builtin::Spawn(program("task")),
        || Builtin::Gather(Vec::new()),
        || Builtin::Race(Vec::new()),
        || Builtin::Pause,
    ];
    for effect in effects {
        let body = program("body").then(move |_| builtin(effect()));
        let (outcome, store, events) = run_in(Store::default(), within(vec![answers(42)], body));
        assert_eq!(outcome, 42.into());
        assert!(store.state.is_empty() && store.log.is_empty(), "it was not done, too");
        assert!(!events.contains(&"task starts".to_owned()));
    }
}

#[test]
fn a_handler_that_is_none_is_a_failure_of_what_it_is_around() {
    let main = within(vec![7.into()], performs("effect"));
    let (outcome, events) = run(main);
    assert_eq!(outcome, "not a handler".into());
    assert_eq!(events[2..], ["body closes", "with raises not a handler"]);
}

#[test]
fn a_continuation_that_is_kept_is_closed_when_the_run_is_over() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    let keeps = handler(move |_, k| {
        *keep.borrow_mut() = Some(k);
        program("handler").then(|_| Act::Return(1.into()))
    });
    let (_, events) = run(within(vec![keeps], performs("effect")));
    assert_eq!(events[3..], ["handler returns 1", "with returns 1", "body closes"]);
    assert!(kept.borrow().is_some());
}

#[test]
fn a_continuation_of_another_run_is_refused() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    let keeps = handler(move |_, k| {
        *keep.borrow_mut() = Some(k);
        program("handler").then(|_| Act::Return(1.into()))
    });
    run(within(vec![keeps], performs("effect")));
    let k = kept.borrow_mut().take().unwrap();
    let main = program("main").then(|_| order(Control::Resume(k, 1.into())));
    assert_eq!(run(main).0, "foreign continuation".into());
}

#[test]
fn segments_are_reused_and_none_is_left() {
    let transfers =
        || handler(|_, k| program("handler").then(|_| order(Control::Transfer(k, 1.into()))));
    let body = (0..1000).fold(program("body"), |body, _| body.then(|_| perform("effect")));
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let outcome = vm.drive(within(vec![transfers()], body), &mut mock);
    assert_eq!(number(outcome), 1.into());
    assert_eq!(vm.arena.used(), 0);
    assert_eq!(vm.arena.capacity(), 3, "main's, the prompt's, and one for all the handler's runs");
}
