//! What a set of wasm objects and archives leaves undefined, by the linker's rules; and objects
//! written without a compiler, to be linked with them.
//!
//! Reads and makes bytes and knows names; it touches no network and no file, and runs no linker.
//!
//! ```no_run
//! let mut link = pywasm_stubs::Link::new();
//! link.whole_archive("libpython3.13.a", &std::fs::read("libpython3.13.a")?)?;
//! link.archive("libc.a", &std::fs::read("libc.a")?)?;
//! assert!(link.undefined().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod behaviour;
mod defined;
mod emit;
mod families;
mod leave_out;
mod libc;
mod link;
mod macros;
mod object;
mod signature;
mod stub;
mod writer;

pub use archive::{Member, archive};
pub use behaviour::{Behaviour, NotABehaviour, NotARule, Rules};
pub use defined::functions;
pub use emit::{Reason, Refusal, Stubs, stubs};
pub use families::{Family, family, macro_of, returns_a_structure, shim};
pub use leave_out::{LeaveOutError, leave_out};
pub use libc::is_of_libc;
pub use link::{Closure, Conflict, Link, Undefined, WANTED_BY_NAME, members};
pub use macros::{Macro, macros};
pub use object::{ImportedFunction, Kind, Object, ReadError, Symbol, made_for};
pub use signature::{NotASignature, Signature};
pub use stub::{ENOSYS, Stub, Voice, was_called};
pub use wasm_encoder::{Instruction, ValType};
pub use writer::{Binding, Code, Data, SymbolId, Writer};
