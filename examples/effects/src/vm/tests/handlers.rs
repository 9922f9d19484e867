//! Tests handlers and continuations.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::mock::*;
use super::super::*;

/// Returns a handler that answers every effect with a number and returns the program's result.
fn answers(number: i64) -> Value {
    handler(move |_, k| {
        program("handler").then(move |_| control(Control::Resume(k, number.into())))
    })
}

/// Returns a handler that records and delegates every effect.
fn delegates(seen: &Rc<RefCell<Vec<String>>>, name: &'static str) -> Value {
    let seen = seen.clone();
    handler(move |effect, _| {
        seen.borrow_mut().push(format!("{name} sees {effect:?}"));
        program(name).then(|_| control(Control::Delegate(None)))
    })
}

fn performs(effect: &'static str) -> Program {
    program("body").then(move |_| perform(effect))
}

/// Returns a program that runs the body under handlers. The innermost handler comes first.
fn within(handlers: Vec<Value>, body: Program) -> Program {
    handlers
        .into_iter()
        .fold(body, |body, handler| program("with").then(|_| with_handler(handler, body)))
}

#[test]
fn resume_returns_the_result_of_the_body() {
    let body =
        performs("effect").then(|answer| Act::Return((i64::from(value_of(Ok(answer))) + 1).into()));
    let doubles = handler(|_, k| {
        program("handler")
            .then(|_| control(Control::Resume(k, 5.into())))
            .then(|answer| Act::Return((i64::from(value_of(Ok(answer))) * 2).into()))
    });
    let (outcome, events) = run(within(vec![doubles], body));
    assert_eq!(outcome, 12.into());
    assert_eq!(events[3..], ["body returns 6", "handler returns 12", "with returns 12"]);
}

#[test]
fn handler_receives_every_effect() {
    let body = performs("first").then(|_| perform("second")).then(|_| perform("third"));
    assert_eq!(run(within(vec![answers(4)], body)).0, 4.into());
}

#[test]
fn transferring_handler_is_closed_first() {
    let transfers =
        handler(|_, k| program("handler").then(|_| control(Control::Transfer(k, 1.into()))));
    let (outcome, events) = run(within(vec![transfers], performs("effect")));
    assert_eq!(outcome, 1.into());
    assert_eq!(events[3..], ["handler closes", "body returns 1", "with returns 1"]);
}

#[test]
fn handler_without_resume_replaces_the_result() {
    let gives_up = handler(|_, _| program("handler").then(|_| Act::Return(9.into())));
    let inner = program("inner").then(|_| call(performs("effect")));
    let (outcome, events) = run(within(vec![gives_up], inner));
    assert_eq!(outcome, 9.into());
    assert_eq!(events[4..], ["handler returns 9", "body closes", "inner closes", "with returns 9"]);
}

#[test]
fn raising_handler_abandons_its_continuation() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    let raises = handler(move |_, k| {
        *keep.borrow_mut() = Some(k);
        program("handler").then(|_| Act::Raise("refused"))
    });
    let main = within(vec![raises], performs("effect"))
        .catch(move |_| {
            let k = kept.borrow_mut().take().unwrap();
            control(Control::Resume(k, 1.into()))
        })
        .catch(|outcome| Act::Return(value_of(outcome)));
    let (outcome, events) = run(main);
    assert_eq!(outcome, "spent".into());
    assert_eq!(events[3..], ["handler raises refused", "body closes", "with returns spent"]);
}

#[test]
fn handler_catches_exception_after_resume() {
    let body = performs("effect").then(|_| Act::Raise("oops"));
    let catches = handler(|_, k| {
        program("handler")
            .then(|_| control(Control::Resume(k, 1.into())))
            .catch(|outcome| Act::Return(value_of(outcome)))
    });
    assert_eq!(run(within(vec![catches], body)).0, "oops".into());
}

#[test]
fn continuation_is_resumed_once() {
    for again in [Control::Resume, Control::Transfer, Control::ResumeContinuation] {
        let twice = handler(move |_, k| {
            let same = k.clone();
            program("handler")
                .then(|_| control(Control::Resume(k, 1.into())))
                .then(move |_| control(again(same, 2.into())))
                .catch(|outcome| Act::Return(value_of(outcome)))
        });
        let (outcome, events) = run(within(vec![twice], performs("effect")));
        assert_eq!(outcome, "spent".into());
        assert_eq!(events.iter().filter(|event| *event == "body returns 1").count(), 1);
    }
}

#[test]
fn effects_of_a_handler_go_to_outer_handlers() {
    let asks = handler(|effect, k| {
        assert_eq!(effect, "inner".into());
        program("asks")
            .then(|_| perform("outer"))
            .then(|answer| control(Control::Resume(k, value_of(Ok(answer)))))
    });
    assert_eq!(run(within(vec![asks, answers(8)], performs("inner"))).0, 8.into());
}

#[test]
fn effects_of_the_outermost_handler_are_unhandled() {
    let asks = handler(|_, _| program("asks").then(|_| perform("again")));
    assert_eq!(run(within(vec![asks], performs("effect"))).0, "unhandled".into());
}

#[test]
fn delegate_offers_the_effect_to_outer_handlers() {
    let seen = Rc::default();
    let handlers = vec![delegates(&seen, "first"), delegates(&seen, "second"), answers(3)];
    let (outcome, events) = run(within(handlers, performs("effect")));
    assert_eq!(outcome, 3.into());
    assert_eq!(*seen.borrow(), ["first sees effect", "second sees effect"]);
    assert!(events.contains(&"first closes".to_owned()), "{events:?}");
}

#[test]
fn handler_stays_installed_after_delegate() {
    let seen = Rc::default();
    let body = performs("one").then(|_| perform("two"));
    run(within(vec![delegates(&seen, "first"), answers(3)], body));
    assert_eq!(*seen.borrow(), ["first sees one", "first sees two"]);
}

#[test]
fn delegate_may_replace_the_effect() {
    let seen = Rc::default();
    let replaces = handler(|_, _| {
        let other = Effect { value: "other".into(), builtin: None };
        program("replaces").then(|_| control(Control::Delegate(Some(other))))
    });
    run(within(vec![replaces, delegates(&seen, "outer"), answers(3)], performs("effect")));
    assert_eq!(*seen.borrow(), ["outer sees other"]);
}

#[test]
fn unhandled_delegated_effect_fails_where_performed() {
    let seen = Rc::default();
    let body = performs("effect").catch(|outcome| Act::Return(value_of(outcome)));
    assert_eq!(run(within(vec![delegates(&seen, "first")], body)).0, "unhandled".into());
}

#[test]
fn delegate_after_resume_is_refused() {
    let both = handler(|_, k| {
        program("handler")
            .then(|_| control(Control::Resume(k, 1.into())))
            .then(|_| control(Control::Delegate(None)))
            .catch(|outcome| Act::Return(value_of(outcome)))
    });
    assert_eq!(run(within(vec![both], performs("effect"))).0, "spent".into());
}

#[test]
fn only_handlers_may_delegate_or_get_a_continuation() {
    for operation in [Control::Delegate(None), Control::GetContinuation] {
        let main = program("main").then(|_| control(operation)).catch(|o| Act::Return(value_of(o)));
        assert_eq!(run(main).0, "outside a handler".into());
    }
}

#[test]
fn handler_gets_its_continuation() {
    let asks = handler(|_, _| {
        program("handler").then(|_| control(Control::GetContinuation)).then(|answer| match answer {
            Answer::Continuation(k) => control(Control::Resume(k, 6.into())),
            _ => Act::Raise("no continuation"),
        })
    });
    assert_eq!(run(within(vec![asks], performs("effect"))).0, 6.into());
}

#[test]
fn created_continuation_must_be_started_first() {
    for resume in [Control::Resume, Control::Transfer] {
        let body = performs("effect");
        let main = program("main")
            .then(|_| {
                let handlers = vec![answers(1), answers(2)];
                control(Control::CreateContinuation { program: body, handlers })
            })
            .then(move |answer| {
                let Answer::Continuation(k) = answer else { return Act::Raise("no continuation") };
                let tries = program("tries")
                    .then({
                        let k = k.clone();
                        move |_| control(resume(k, 0.into()))
                    })
                    .catch(|outcome| {
                        assert_eq!(value_of(outcome), "not started".into());
                        control(Control::ResumeContinuation(k, 0.into()))
                    });
                call(tries)
            });
        assert_eq!(run(main).0, 1.into(), "the first handler is the innermost");
    }
}

#[test]
fn get_handlers_returns_innermost_first() {
    let get = |answer: Answer<Value>| match answer {
        Answer::List(list) => Act::Return((list.len() as i64).into()),
        _ => Act::Raise("no list"),
    };
    let body = program("body").then(|_| control(Control::GetHandlers)).then(get);
    assert_eq!(run(within(vec![answers(1), answers(2)], body)).0, 2.into());
    let busy =
        handler(move |_, _| program("busy").then(|_| control(Control::GetHandlers)).then(get));
    assert_eq!(run(within(vec![busy, answers(2)], performs("effect"))).0, 1.into());
}

#[test]
fn builtin_effects_are_offered_to_handlers_first() {
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
        assert!(store.state.is_empty() && store.log.is_empty(), "the VM handled it, too");
        assert!(!events.contains(&"task starts".to_owned()));
    }
}

#[test]
fn invalid_handler_fails_the_body() {
    let main = within(vec![7.into()], performs("effect"));
    let (outcome, events) = run(main);
    assert_eq!(outcome, "not a handler".into());
    assert_eq!(events[2..], ["body closes", "with raises not a handler"]);
}

#[test]
fn continuation_held_after_the_run_is_closed() {
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
fn continuation_of_another_run_is_refused() {
    let kept = Rc::new(RefCell::new(None));
    let keep = kept.clone();
    let keeps = handler(move |_, k| {
        *keep.borrow_mut() = Some(k);
        program("handler").then(|_| Act::Return(1.into()))
    });
    run(within(vec![keeps], performs("effect")));
    let k = kept.borrow_mut().take().unwrap();
    let main = program("main").then(|_| control(Control::Resume(k, 1.into())));
    assert_eq!(run(main).0, "foreign continuation".into());
}

#[test]
fn segments_are_reused_and_freed() {
    let transfers =
        || handler(|_, k| program("handler").then(|_| control(Control::Transfer(k, 1.into()))));
    let body = (0..1000).fold(program("body"), |body, _| body.then(|_| perform("effect")));
    let (mut vm, mut mock) = (Vm::new(Store::default()), Mock::default());
    let outcome = vm.drive(within(vec![transfers()], body), &mut mock);
    assert_eq!(value_of(outcome), 1.into());
    assert_eq!(vm.arena.used(), 0);
    assert_eq!(vm.arena.capacity(), 3, "the main program, the prompt and the handler");
}
