//! Wheels, the archives of Python packages.

mod name;
mod record;
mod unpack;

pub use name::WheelName;
use record::check_record;
use unpack::Hostile;
pub(crate) use unpack::unpack;
