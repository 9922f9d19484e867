//! Wheels, the archives of Python packages.

mod name;
mod record;
mod unpack;

pub use name::WheelName;
pub use record::check_record;
pub use unpack::Hostile;
pub(crate) use unpack::unpack;
