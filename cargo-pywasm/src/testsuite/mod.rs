//! CPython's own test suite on an installed interpreter: the judge of a build.
//!
//! Every test file runs in an instance of its own, several at once, with a directory of its own
//! to write to. What is left out is data with a reason (`recipes/testsuite/exclusions.toml`).

mod parse;
mod run;
mod select;
mod summary;

pub use parse::{Counts, Outcome};
pub use run::{Job, prepare, run_all};
pub use select::{Selection, TestFile, UnknownTest, select};
pub use summary::{FileResult, Summary};
