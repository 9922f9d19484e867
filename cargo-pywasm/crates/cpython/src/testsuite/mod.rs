//! CPython's own test suite, run on an installed interpreter.
//!
//! Every test file runs in its own instance with its own scratch directory, several in parallel.
//! Exclusions are data, each with a reason (`recipes/testsuite/exclusions.toml`).

mod parse;
mod run;
mod select;
mod summary;

pub use parse::{Counts, Outcome};
pub use run::{Job, prepare, run_all};
pub use select::{Selection, TestFile, UnknownTest, select};
pub use summary::{FileResult, Summary};
