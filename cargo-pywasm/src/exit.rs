//! Exit codes. They are permanent and documented in `docs/guide/cli.md`.

use std::process::ExitCode;

/// The exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: success.
    Success,
    /// 1: the command ran and has findings, such as failed tests, an invalid recipe or a rejected
    /// module.
    Findings,
    /// 2: the command failed, or its arguments are invalid.
    Failure,
    /// The exit code of the program that `run` ran.
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
