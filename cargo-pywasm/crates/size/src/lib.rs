//! Attributes each byte of a WebAssembly module: to its section, its kind, and the Python module,
//! object, crate, function or variable that it comes from. Compares two modules, and checks budgets.
//!
//! Internal to cargo-pywasm; this crate promises no semver.
//!
//! The rows of a [`Breakdown`] add up to the size of the file; bytes of unknown origin are rows of
//! their own. The crate reads records and link maps beside a module. It writes no file, uses no
//! network, knows nothing of the store and prints nothing.

#![doc(hidden)]

mod archive;
mod breakdown;
mod budget;
mod data;
mod diff;
mod find;
mod frozen;
mod key;
mod map;
mod measure;
mod memory;
mod origin;
mod record;
pub mod report;
mod view;
mod whose;

pub use archive::Members;
pub use breakdown::{Breakdown, Kind, Labels, Row};
pub use budget::{Budget, Over};
pub use diff::{Change, Diff};
pub use find::{find_map, record_place};
pub use key::Key;
pub use map::LinkMap;
pub use measure::{Evidence, measure};
pub use measure::{is_as_linked, of_module};
pub use record::Record;
pub use view::{By, Entry, View};
