//! Finds the symbols that a set of wasm objects and archives leaves undefined, by the linker's
//! rules, and writes stubs for them without a compiler.
//!
//! This crate works on bytes: it reads and writes no files, uses no network and runs no linker. It
//! is an internal crate of cargo-pywasm without a semver promise.
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
mod read_error;
mod refusal;
mod signature;
mod stub;
mod val_type;
mod writer;

pub use archive::{Member, archive};
pub use behaviour::{Behaviour, ParseBehaviourError, RuleError, Rules};
pub use defined::defined_functions;
pub use emit::{Stubs, stubs};
pub use families::{Family, family, find_macro};
pub use leave_out::{LeaveOutError, leave_out};
pub use libc::is_libc_symbol;
pub use link::{Closure, Conflict, Link, Undefined, members};
pub use macros::{Macro, macros};
pub use object::{ImportedFunction, Object, Symbol, SymbolKind};
pub use read_error::{ReadError, foreign_format};
pub use refusal::{Reason, Refusal, Stage, refuse};
pub use signature::{ParseSignatureError, Signature};
pub use stub::{ENOSYS, Stub, TrapReporter, trap_message};
pub use val_type::{ParseValTypeError, ValType};
pub use writer::{Binding, Code, Data, SymbolId, Writer};
