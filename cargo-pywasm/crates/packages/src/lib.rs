//! Python packages from the Python Package Index: locks, wheels, and the call of `uv`, which resolves
//! requirements.
//!
//! This crate never runs code of a package. In a project, it writes only the lock.
//!
//! Specifications: pylock.toml is PEP 751, environment markers are PEP 508, wheels are
//! <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>.

mod install;
mod lock;
mod name;
mod pip;
mod requirements;
mod script;
mod tree;
mod uv;
mod wheel;

pub use install::{Installed, install, installed};
pub use lock::{Chosen, Lock, Source};
pub use name::Name;
pub use requirements::{Requirements, resolve};
pub use script::Script;
pub use tree::{Node, tree};
pub use wheel::WheelName;
