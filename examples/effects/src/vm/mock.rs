//! A language for tests. Programs are lists of closures, and values are numbers, words and
//! functions. The interpreter records all events.

use std::collections::VecDeque;
use std::rc::Rc;

use super::{
    Answer, Builtin, Continuation, Control, Effect, Failure, Fault, Interpreter, Outcome, Progress,
    Store, Task, Vm, Yielded,
};

type Handler = dyn Fn(Value, Continuation) -> Program;

#[derive(Clone)]
pub(super) enum Value {
    Number(i64),
    Word(&'static str),
    Handler(Rc<Handler>),
    Function(fn(i64) -> Result<i64, &'static str>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Value::Word(word)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Word(word) => write!(f, "{word}"),
            Value::Handler(_) => write!(f, "handler"),
            Value::Function(_) => write!(f, "function"),
        }
    }
}

pub(super) fn handler(make: impl Fn(Value, Continuation) -> Program + 'static) -> Value {
    Value::Handler(Rc::new(make))
}

/// The action of a program at one of its lines.
pub(super) enum Act {
    Yield(Yielded<Mock>),
    Return(Value),
    Raise(&'static str),
}

type Line = Box<dyn FnOnce(Outcome<Mock>) -> Act>;

/// A program. Each line receives the answer to the previous line, and the answer to the last line
/// is the result.
pub(super) struct Program {
    name: &'static str,
    lines: VecDeque<(bool, Line)>,
}

pub(super) fn program(name: &'static str) -> Program {
    Program { name, lines: VecDeque::new() }
}

impl Program {
    /// Adds a line that is skipped after a failure.
    pub(super) fn then(mut self, line: impl FnOnce(Answer<Value>) -> Act + 'static) -> Self {
        let line = |outcome: Outcome<Mock>| match outcome {
            Ok(answer) => line(answer),
            Err(_) => Act::Raise("a failure reached a line without `catch`"),
        };
        self.lines.push_back((false, Box::new(line)));
        self
    }

    /// Adds a line that also receives failures.
    pub(super) fn catch(mut self, line: impl FnOnce(Outcome<Mock>) -> Act + 'static) -> Self {
        self.lines.push_back((true, Box::new(line)));
        self
    }
}

/// The interpreter and the events that it recorded.
#[derive(Default)]
pub(super) struct Mock {
    pub(super) events: Vec<String>,
}

impl Mock {
    fn advance(&mut self, mut program: Program, outcome: Outcome<Mock>) -> Progress<Mock> {
        let catches = program.lines.front().is_some_and(|(catches, _)| *catches);
        let act = match (outcome, catches) {
            (Err(failure), false) => Act::Raise(failure_name(&failure)),
            (outcome, _) => match program.lines.pop_front() {
                Some((_, line)) => line(outcome),
                None => Act::Return(value_of(outcome)),
            },
        };
        match act {
            Act::Yield(yielded) => Progress::Yielded(program, yielded),
            Act::Return(value) => {
                self.events.push(format!("{} returns {value:?}", program.name));
                Progress::Returned(value)
            }
            Act::Raise(error) => {
                self.events.push(format!("{} raises {error}", program.name));
                Progress::Raised(error)
            }
        }
    }
}

impl Interpreter for Mock {
    type Value = Value;
    type Error = &'static str;
    type Program = Program;

    fn start(&mut self, program: Program) -> Progress<Self> {
        self.events.push(format!("{} starts", program.name));
        self.advance(program, Ok(Answer::Unit))
    }

    fn resume(&mut self, program: Program, answer: Answer<Value>) -> Progress<Self> {
        self.advance(program, Ok(answer))
    }

    fn throw(&mut self, program: Program, failure: Failure<Self>) -> Progress<Self> {
        self.advance(program, Err(failure))
    }

    fn handle(
        &mut self,
        handler: &Value,
        effect: Value,
        continuation: Continuation,
    ) -> Result<Program, &'static str> {
        match handler {
            Value::Handler(make) => Ok(make(effect, continuation)),
            _ => Err("not a handler"),
        }
    }

    fn call(&mut self, function: &Value, argument: Value) -> Result<Value, &'static str> {
        match (function, argument) {
            (Value::Function(function), Value::Number(number)) => function(number).map(Value::from),
            _ => Err("expected a function and a number"),
        }
    }

    fn close(&mut self, program: Program) {
        self.events.push(format!("{} closes", program.name));
    }

    fn report(&mut self, failure: Failure<Self>) {
        self.events.push(format!("reported {}", failure_name(&failure)));
    }
}

pub(super) fn failure_name(failure: &Failure<Mock>) -> &'static str {
    match failure {
        Failure::Raised(error) => error,
        Failure::Fault(Fault::Unhandled(_)) => "unhandled",
        Failure::Fault(Fault::Spent) => "spent",
        Failure::Fault(Fault::NotStarted) => "not started",
        Failure::Fault(Fault::Cancelled) => "cancelled",
        Failure::Fault(Fault::Deadlock) => "deadlock",
        Failure::Fault(Fault::OutsideHandler(_)) => "outside a handler",
        Failure::Fault(Fault::NoState(_)) => "no state",
        Failure::Fault(Fault::NoEnvironment(_)) => "no environment",
        Failure::Fault(Fault::ForeignContinuation) => "foreign continuation",
        Failure::Fault(Fault::ForeignTask) => "foreign task",
        Failure::Fault(Fault::WaitsForItself) => "waits for itself",
    }
}

/// Converts an outcome to one value: the value itself, the sum of a list, a word for a failure, or
/// 0 for any other answer.
pub(super) fn value_of(outcome: Outcome<Mock>) -> Value {
    match outcome {
        Ok(Answer::Value(value)) => value,
        Ok(Answer::List(answers)) => {
            Value::Number(answers.into_iter().map(|answer| i64::from(value_of(Ok(answer)))).sum())
        }
        Ok(Answer::Unit | Answer::Task(_) | Answer::Continuation(_)) => Value::Number(0),
        Err(failure) => Value::Word(failure_name(&failure)),
    }
}

impl From<Value> for i64 {
    fn from(value: Value) -> i64 {
        match value {
            Value::Number(number) => number,
            _ => 0,
        }
    }
}

pub(super) fn perform(name: &'static str) -> Act {
    Act::Yield(Yielded::Effect(Effect { value: name.into(), builtin: None }))
}

pub(super) fn builtin(builtin: Builtin<Mock>) -> Act {
    Act::Yield(Yielded::Effect(Effect { value: "builtin".into(), builtin: Some(builtin) }))
}

pub(super) fn control(operation: Control<Mock>) -> Act {
    Act::Yield(Yielded::Control(operation))
}

pub(super) fn call(program: Program) -> Act {
    Act::Yield(Yielded::Program(program))
}

pub(super) fn with_handler(handler: Value, program: Program) -> Act {
    control(Control::WithHandler { handler, program })
}

pub(super) fn task(answer: Answer<Value>) -> Task {
    match answer {
        Answer::Task(task) => task,
        _ => panic!("the answer is not a task"),
    }
}

/// Runs a program and returns its outcome as a value, and the recorded events.
pub(super) fn run(program: Program) -> (Value, Vec<String>) {
    let (outcome, _, events) = run_in(Store::default(), program);
    (outcome, events)
}

pub(super) fn run_in(store: Store<Value>, program: Program) -> (Value, Store<Value>, Vec<String>) {
    let mut mock = Mock::default();
    let (outcome, store) = Vm::new(store).run(program, &mut mock);
    (value_of(outcome), store, mock.events)
}
