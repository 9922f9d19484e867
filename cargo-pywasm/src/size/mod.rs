//! Where the bytes of a module are: by section, by Python module, by object, crate, function and data.
//!
//! Bytes in, a [`Breakdown`] out, whose rows add up to the file's size; it touches no network and
//! writes no file. What nothing is known of is a row of its own and says so.

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
pub(crate) use find::{find_map, record_place};
pub use key::Key;
pub use map::LinkMap;
pub use measure::{Evidence, measure};
pub(crate) use measure::{is_as_linked, of_module};
pub use record::Record;
pub use view::{By, Entry, View};
