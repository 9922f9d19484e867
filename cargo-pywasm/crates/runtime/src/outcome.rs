//! The outcome of a program, and the limits that can end a program.

use std::fmt;
use std::time::Duration;

/// The limits of a program. Nothing is limited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The maximum number of executed wasm instructions, as counted by wasmtime.
    pub fuel: Option<u64>,
    /// The maximum wall-clock time.
    pub timeout: Option<Duration>,
    /// The maximum size of the linear memory in bytes. Growing the memory further fails, so Python
    /// raises `MemoryError`.
    pub memory: Option<u64>,
    /// The size of the stack for wasm calls in bytes. If unset, programs can recurse as deeply as on
    /// native hosts. Beyond the stack, the program traps.
    pub stack: Option<u64>,
}

/// The end of a program: an exit, a trap or a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The program returned, or called `exit`.
    Exit(i32),
    /// The program used up its fuel.
    OutOfFuel,
    /// The program exceeded its time limit.
    TimedOut,
    /// The program trapped, with this cause and backtrace.
    Trap(String),
}

/// The end of a program, and the resources that it used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The end of the program.
    pub end: End,
    /// The resources that the program used. They are unknown if the program was abandoned after a
    /// timeout.
    pub spent: Option<Spent>,
    /// The program's memory at its end, if the program asked for it and was not abandoned.
    pub memory: Option<Vec<u8>>,
}

impl Ran {
    /// The outcome of a program that was abandoned after a timeout.
    pub(super) const TIMED_OUT: Self = Self { end: End::TimedOut, spent: None, memory: None };
}

/// The resources that a program used while it ran. The compilation of the module is not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The wall-clock time from the program's instantiation to its end.
    pub time: Duration,
    /// The number of executed wasm instructions. Instructions are counted only if their number is
    /// limited.
    pub fuel: Option<u64>,
}

/// The end of a program, and its captured output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The end of the program.
    pub end: End,
    /// The output of both streams, in the order in which it was written.
    pub output: Vec<u8>,
}

impl End {
    /// Returns true if the program trapped or exceeded a limit.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        !matches!(self, Self::Exit(_))
    }

    /// Returns the exit code that this process should use for this outcome: the program's own code,
    /// 124 after a timeout (as the `timeout` command does), 125 for exhausted fuel, or 134 for a
    /// trap (as shells report an abort).
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            // On POSIX, a parent process gets only the low eight bits.
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
    /// Returns the output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}
