//! Attributes each byte of a WebAssembly module to its section, its kind, and the Python module,
//! object file, crate, function or variable that it comes from. Also compares two modules and
//! checks budgets.
//!
//! This crate is internal to cargo-pywasm and does not follow semver.
//!
//! The rows of a [`Breakdown`] add up to the size of the file. Bytes of unknown origin have
//! separate rows. The crate reads records and linker maps next to a module. It writes no files,
//! uses neither the network nor the store, and prints nothing.

mod archive;
mod breakdown;
mod budget;
mod data;
mod diff;
mod find;
mod frozen;
mod functions;
mod key;
mod map;
mod measure;
mod memory;
mod origin;
mod python;
mod record;
pub mod report;
mod section;
mod symbol;
mod table;
mod view;

pub use archive::Members;
pub use breakdown::{Breakdown, Kind, Row};
pub use budget::{Budget, Over};
pub use diff::{Change, Diff};
pub use find::{find_map, record_place};
pub use key::Key;
pub use map::LinkMap;
pub use measure::{Evidence, is_as_linked, measure, of_module};
pub use origin::{Object, Origin};
pub use record::Record;
pub use section::Section;
pub use view::{By, Entry, View};
