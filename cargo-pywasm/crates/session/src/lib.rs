//! The environment variables and the output of one run of the tool.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! No other crate of the tool reads the environment of the process or writes to its standard
//! streams. This crate reads no file and uses no network.

mod argument;
mod environment;
mod hint;
mod message;
mod nearest;
mod reporter;
mod size;
pub mod variables;

pub use argument::is_path;
pub use environment::{Environment, NotUtf8};
pub use hint::{WithHint, cause_of, hint_of, hinted, one_line};
pub use message::Message;
pub use nearest::nearest;
pub use reporter::{MessageFormat, Reporter};
pub use size::display_size;
