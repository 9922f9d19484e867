//! How the tool ends. The codes are permanent and documented in `docs/guide/cli.md`.

use std::process::ExitCode;

/// What the process says to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Success,
    /// 1: done, and there is something to look at: failed tests, a bad recipe, a failed check.
    Findings,
    /// 2: the tool could not do its job, or did not understand what to do.
    Failure,
    /// The code of the Python program that `run` ran.
    Program(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Failure => Self::from(2),
            Exit::Program(code) => Self::from(code),
        }
    }
}
