//! How a program ended, and the limits it may have ended at.

use std::fmt;
use std::time::Duration;

/// What a program may use. Nothing is limited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// wasm instructions, as wasmtime counts them.
    pub fuel: Option<u64>,
    /// Time by the clock.
    pub timeout: Option<Duration>,
    /// Bytes of linear memory. Growth past it fails, which Python sees as `MemoryError`.
    pub memory: Option<u64>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned or called `exit`.
    Exit(i32),
    /// It used up its fuel.
    OutOfFuel,
    /// It ran longer than it may.
    TimedOut,
    /// It trapped; the text is wasmtime's, with its backtrace.
    Trap(String),
}

/// How a program ended, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What it took; of a program that was left behind nobody knows.
    pub spent: Option<Spent>,
}

/// What a program took, its compilation aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// By the clock, from before its instance was made to its end.
    pub time: Duration,
    /// wasm instructions, where they were limited; without a limit nobody counts.
    pub fuel: Option<u64>,
}

/// How a captured program ended, and all it wrote to both streams in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// How it ended.
    pub end: End,
    /// What it wrote.
    pub output: Vec<u8>,
}

impl End {
    /// Whether it was not the program that ended it.
    #[must_use]
    pub fn was_stopped(&self) -> bool {
        !matches!(self, Self::Exit(_))
    }

    /// The exit code this process ends with: the program's own; 124 for a timeout, as the
    /// `timeout` command has it; 125 for fuel; 134 for a trap, as a shell shows an abort.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            // What a POSIX parent would see of it: the low eight bits.
            Self::Exit(code) => code.to_le_bytes()[0],
            Self::TimedOut => 124,
            Self::OutOfFuel => 125,
            Self::Trap(_) => 134,
        }
    }

    /// Whether it ended as a program that did its job does.
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
    /// What it wrote, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}
