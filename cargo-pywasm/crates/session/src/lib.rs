//! One run of the tool, as seen from outside: its environment variables and its output.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! Nothing else in the workspace reads the process's environment or writes to its streams. This
//! crate reads no file and uses no network.

#![doc(hidden)]

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
