//! The end of a program, and the limits that can cause it.

use std::fmt;
use std::time::Duration;

/// Limits of a program. Nothing is limited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Number of wasm instructions, as wasmtime counts them.
    pub fuel: Option<u64>,
    /// Wall-clock time.
    pub timeout: Option<Duration>,
    /// Bytes of linear memory. Growth beyond it fails, and Python raises `MemoryError`.
    pub memory: Option<u64>,
}

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned, or called `exit`.
    Exit(i32),
    /// It used up its fuel.
    OutOfFuel,
    /// It exceeded its time limit.
    TimedOut,
    /// It trapped, with this cause and backtrace.
    Trap(String),
}

/// The end of a program, and the resources it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The end of the program.
    pub end: End,
    /// The resources it used; unknown for a program that was abandoned after a timeout.
    pub spent: Option<Spent>,
}

/// The resources that a program used, without its compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Wall-clock time from its instantiation to its end.
    pub time: Duration,
    /// wasm instructions; they are counted only if they are limited.
    pub fuel: Option<u64>,
}

/// The end of a captured program, and the output of both streams in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The end of the program.
    pub end: End,
    /// Its output.
    pub output: Vec<u8>,
}

impl End {
    /// Returns true if the program did not end by itself.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        !matches!(self, Self::Exit(_))
    }

    /// Returns the exit code for this process: the program's own; 124 after a timeout, as with the
    /// `timeout` command; 125 for exhausted fuel; 134 for a trap, as a shell reports an abort.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            // A POSIX parent gets the low eight bits.
            Self::Exit(code) => code.to_le_bytes()[0],
            Self::TimedOut => 124,
            Self::OutOfFuel => 125,
            Self::Trap(_) => 134,
        }
    }

    /// Returns true if the program exited with status 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Exit(0)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit status {code}"),
            Self::OutOfFuel => f.write_str("out of fuel (--fuel)"),
            Self::TimedOut => f.write_str("out of time (--timeout)"),
            Self::Trap(text) => write!(f, "trap: {text}"),
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µs", self.time.as_micros())?;
        self.fuel.map_or(Ok(()), |fuel| write!(f, ", {fuel} instructions"))
    }
}

impl Captured {
    /// Returns its output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}
