//! Whether a host takes a module, and whether a link would leave anything undefined.
//!
//! Reads bytes and knows policies; it touches no network and writes no file. Modules are walked by
//! sections; names and code are read only where a finding is to be explained or a policy limits
//! functions.

mod baseline;
mod check;
mod contributors;
mod figures;
mod finding;
mod input;
mod known;
mod link;
mod origin;
mod policy;
pub mod report;

pub use baseline::Baseline;
pub use check::{Given, module};
pub use figures::{Figure, figures};
pub use finding::{Code, Finding};
pub use input::{Content, Input};
pub use link::link;
pub use policy::{DEFAULT, Limited, Policy};
