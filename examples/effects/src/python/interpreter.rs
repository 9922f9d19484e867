//! Implements the VM's [`Interpreter`] for Python generators. During a run, Python code is called
//! only from this file.

use std::sync::Arc;

use pyo3::exceptions::{PyStopIteration, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyIterator, PyList, PyNone};

use super::control::control;
use super::effect::effect;
use super::error::exception;
use super::handle::{Continuation, Task};
use super::program::{Program, generator, is_fresh};
use super::value::{Object, callable_name, type_name};
use crate::vm::{self, Answer, Failure, Interpreter, Outcome, Progress, Yielded};

/// The language in which programs are Python generators.
pub(super) struct Generators<'py>(pub(super) Python<'py>);

impl<'py> Generators<'py> {
    /// Converts an outcome to a Python result.
    pub(super) fn result(&self, outcome: Outcome<Self>) -> PyResult<Bound<'py, PyAny>> {
        match outcome {
            Ok(answer) => self.object(answer),
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn object(&self, answer: Answer<Object>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match answer {
            Answer::Unit => self.none(),
            Answer::Value(value) => value.bind(self.0).clone(),
            Answer::List(answers) => {
                let objects: PyResult<Vec<_>> =
                    answers.into_iter().map(|answer| self.object(answer)).collect();
                PyList::new(self.0, objects?)?.into_any()
            }
            Answer::Task(task) => Bound::new(self.0, Task(task))?.into_any(),
            Answer::Continuation(k) => Bound::new(self.0, Continuation(k))?.into_any(),
        })
    }

    fn none(&self) -> Bound<'py, PyAny> {
        PyNone::get(self.0).to_owned().into_any()
    }

    fn error(&self, failure: Failure<Self>) -> PyErr {
        match failure {
            Failure::Raised(error) => error.clone_ref(self.0),
            Failure::Fault(fault) => exception(self.0, fault),
        }
    }

    /// Resumes a program with the answer to its last yield.
    fn advance(&self, program: Program, answer: PyResult<Bound<'py, PyAny>>) -> Progress<Self> {
        match (&program, answer) {
            (Program::Generator(generator), answer) => {
                match self.send(generator.bind(self.0), answer) {
                    Ok(Advance::Yielded(yielded)) => Progress::Yielded(program, yielded),
                    Ok(Advance::Returned(value)) => Progress::Returned(value),
                    Err(error) => Progress::Raised(Arc::new(error)),
                }
            }
            (Program::Single(_), Ok(answer)) => Progress::Returned(Object::new(answer)),
            (Program::Single(_), Err(error)) => Progress::Raised(Arc::new(error)),
        }
    }

    /// Runs a generator to its next valid yield. An invalid yield raises an exception in the
    /// generator.
    fn send(
        &self,
        generator: &Bound<'py, PyIterator>,
        mut answer: PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Advance<'py>> {
        loop {
            let yielded = match answer {
                Ok(value) => match generator.send(&value)? {
                    PySendResult::Next(yielded) => yielded,
                    PySendResult::Return(value) => {
                        return Ok(Advance::Returned(Object::new(value)));
                    }
                },
                Err(error) => {
                    let error = error.into_value(self.0);
                    match generator.call_method1(intern!(self.0, "throw"), (error,)) {
                        Ok(yielded) => yielded,
                        // A `StopIteration` from `throw` means that the generator has returned,
                        // because PEP 479 keeps generators from raising `StopIteration`.
                        Err(end) if end.is_instance_of::<PyStopIteration>(self.0) => {
                            let value = end.value(self.0).getattr(intern!(self.0, "value"))?;
                            return Ok(Advance::Returned(Object::new(value)));
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            match self.classify(&yielded) {
                Ok(yielded) => return Ok(Advance::Yielded(yielded)),
                Err(error) => answer = Err(error),
            }
        }
    }

    /// Converts a yielded object to an effect, a control operation or a program.
    fn classify(&self, yielded: &Bound<'py, PyAny>) -> PyResult<Yielded<Self>> {
        if let Some(effect) = effect(yielded) {
            return Ok(Yielded::Effect(effect));
        }
        if let Some(control) = control(yielded) {
            return Ok(Yielded::Control(control));
        }
        if let Some(generator) = generator(yielded)? {
            return Ok(Yielded::Program(Program::Generator(generator)));
        }
        Err(PyTypeError::new_err(format!(
            "a program must yield an effect, a control operation or a program, not {}; effects are \
             derived from `Effect`",
            type_name(yielded)
        )))
    }

    /// Runs a program to its first yield.
    fn begin(&self, program: Program) -> PyResult<Progress<Self>> {
        if let Program::Single(object) = &program {
            let yielded = self.classify(object.bind(self.0))?;
            return Ok(Progress::Yielded(program, yielded));
        }
        if let Program::Generator(generator) = &program
            && !is_fresh(generator.bind(self.0))?
        {
            return Err(PyValueError::new_err(
                "this generator has already been started: call the generator function again",
            ));
        }
        Ok(self.advance(program, Ok(self.none())))
    }
}

/// The reaction of a generator to an answer.
enum Advance<'py> {
    Yielded(Yielded<Generators<'py>>),
    Returned(Object),
}

impl Interpreter for Generators<'_> {
    type Value = Object;
    type Error = Arc<PyErr>;
    type Program = Program;

    fn start(&mut self, program: Program) -> Progress<Self> {
        self.begin(program).unwrap_or_else(|error| Progress::Raised(Arc::new(error)))
    }

    fn resume(&mut self, program: Program, answer: Answer<Object>) -> Progress<Self> {
        self.advance(program, self.object(answer))
    }

    fn throw(&mut self, program: Program, failure: Failure<Self>) -> Progress<Self> {
        self.advance(program, Err(self.error(failure)))
    }

    fn handle(
        &mut self,
        handler: &Object,
        effect: Object,
        continuation: vm::Continuation,
    ) -> Result<Program, Arc<PyErr>> {
        let handler = handler.bind(self.0);
        let returned = handler.call1((effect, Continuation(continuation)))?;
        Program::of(&returned)?.ok_or_else(|| {
            Arc::new(PyTypeError::new_err(format!(
                "{} returned {}: a handler must be a generator function (use `yield`), or return \
                 an effect or a control operation",
                callable_name(handler),
                type_name(&returned)
            )))
        })
    }

    fn call(&mut self, function: &Object, argument: Object) -> Result<Object, Arc<PyErr>> {
        Ok(Object::new(function.bind(self.0).call1((argument,))?))
    }

    fn close(&mut self, program: Program) {
        let Program::Generator(generator) = program else { return };
        let generator = generator.bind(self.0);
        if let Err(error) = generator.call_method0(intern!(self.0, "close")) {
            error.write_unraisable(self.0, Some(generator));
        }
    }

    fn report(&mut self, failure: Failure<Self>) {
        let context = intern!(self.0, "a task that was not waited for");
        self.error(failure).write_unraisable(self.0, Some(context));
    }
}
