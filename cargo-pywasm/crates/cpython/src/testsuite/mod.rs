//! CPython's own test suite, run on an installed interpreter.
//!
//! Every test file runs in its own instance of the interpreter, with its own scratch directory.
//! Several test files run in parallel. Excluded tests are listed in
//! `recipes/testsuite/exclusions.toml`, each with a reason.

mod parse;
mod run;
mod select;
mod summary;

pub use parse::{Counts, Outcome};
pub use run::{Job, prepare, run_all};
pub use select::{Selection, TestFile, UnknownTest, select};
pub use summary::{FileResult, Summary};
