//! A stub, which is an object file that defines one weak symbol with exactly the type that its
//! callers use.

use crate::behaviour::Behaviour;
use crate::object::SymbolKind;
use crate::signature::Signature;
use crate::val_type::ValType;
use crate::writer::{Binding, Code, Data, SymbolId, Writer};

/// WASI's `ENOSYS`, "function not supported".
///
/// Source: `errno` in the preview1 interface. wasi-libc uses the same numbers.
pub const ENOSYS: i32 = 52;

/// The function that trapping stubs call with the address and length of their message.
const REPORT: &str = "__pywasm_stub_was_called";

/// The minimum size and the alignment of a variable stub. The real size of the variable is unknown.
const VARIABLE: u32 = 16;

/// The way in which a trapping stub reports the symbol's name before it traps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrapReporter {
    /// Writes to standard error through WASI.
    #[default]
    Wasi,
    /// Calls the Internet Computer's `ic0.trap`.
    Ic,
    /// Traps without a message. Hosts print the name of the trapping function if the module has a
    /// name section.
    Silent,
}

/// A stub to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    /// The symbol.
    pub name: String,
    /// The kind of the symbol.
    pub kind: SymbolKind,
    /// The action that the stub performs when it is called.
    pub behaviour: Behaviour,
    /// The minimum size of a variable in bytes.
    pub size: u32,
}

/// Returns the message that a trapping stub prints.
#[must_use]
pub fn trap_message(symbol: &str) -> String {
    format!("stub `{symbol}` was called: the real function was not linked")
}

impl Stub {
    /// Writes the object file. Returns `None` for a shim, which is compiled from C, and for a
    /// function whose type cannot be written.
    #[must_use]
    pub(crate) fn object(&self) -> Option<Vec<u8>> {
        if self.kind == SymbolKind::Data {
            return Some(self.variable());
        }
        let mut writer = Writer::new();
        let (Signature { params, results }, code) = self.function(&mut writer)?;
        writer.function(&self.name, Binding::Weak, params, results, code);
        Some(writer.finish())
    }

    /// Returns the function's type and code. Adds to `writer` the symbols and data that the code
    /// refers to.
    pub(crate) fn function(&self, writer: &mut Writer) -> Option<(&Signature, Code)> {
        let SymbolKind::Function(signature) = &self.kind else { return None };
        if !signature.is_encodable() {
            return None;
        }
        let code = match self.behaviour {
            Behaviour::Trap => {
                let report = writer.undefined_function(REPORT, &[ValType::I32, ValType::I32], &[]);
                let text = format!("{}\n", trap_message(&self.name));
                let length = i32::try_from(text.len()).unwrap_or(0);
                let text = writer.text(&text);
                Code::new().address(text).i32_const(length).call(report).unreachable()
            }
            Behaviour::Errno => {
                let errno = writer.undefined_function("__errno_location", &[], &[ValType::I32]);
                let set_errno = Code::new().call(errno).i32_const(ENOSYS).store();
                return_value(signature, -1, set_errno)
            }
            Behaviour::Null => return_value(signature, 0, Code::new()),
            Behaviour::Value(value) => return_value(signature, value, Code::new()),
            Behaviour::PythonError(value) => {
                let message = trap_message(&self.name);
                let raise = raise(writer, "PyExc_NotImplementedError", &message);
                return_value(signature, value, raise)
            }
            Behaviour::Shim => return None,
            Behaviour::ImportError => {
                let module = self.name.strip_prefix("PyInit_").unwrap_or(&self.name);
                let message = format!("module '{module}' was left out of this Python");
                return_value(signature, 0, raise(writer, "PyExc_ImportError", &message))
            }
        };
        Some((signature, code))
    }

    fn variable(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let value = if let Behaviour::Value(value) = self.behaviour { value } else { 0 };
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.resize(self.size.max(VARIABLE) as usize, 0);
        let mut data = Data::default();
        data.push(&bytes);
        writer.data(&self.name, Binding::Weak, VARIABLE, data);
        writer.finish()
    }
}

/// Returns code that calls `PyErr_SetString(exception, message)`.
fn raise(writer: &mut Writer, exception: &str, message: &str) -> Code {
    let set = writer.undefined_function("PyErr_SetString", &[ValType::I32, ValType::I32], &[]);
    let exception = writer.undefined_data(exception);
    let message = writer.text(&format!("{message}\0"));
    Code::new().address(exception).load().address(message).call(set)
}

fn return_value(signature: &Signature, value: i64, code: Code) -> Code {
    signature.results.iter().fold(code, |code, result| code.constant(*result, value))
}

/// Writes the object that defines the function that trapping stubs call. The function reports the
/// message and then traps.
#[must_use]
pub(crate) fn reporter_object(reporter: TrapReporter) -> Vec<u8> {
    let mut writer = Writer::new();
    let i32s = [ValType::I32; 4];
    let code = match reporter {
        TrapReporter::Wasi => {
            let module = "wasi_snapshot_preview1";
            let write = writer.imported_function(module, "fd_write", &i32s, &i32s[..1]);
            // An iovec (address and length), followed by the number of bytes written.
            let mut iovec = Data::default();
            iovec.push(&[0; 12]);
            let iovec = writer.data("__pywasm_stub_iovec", Binding::Local, 4, iovec);
            let code = Code::new().address(iovec).local_get(0).store();
            let code = code.address(iovec).local_get(1).store_at(4);
            let code = code.i32_const(2).address(iovec).i32_const(1);
            code.address(iovec).i32_const(8).i32_add().call(write).drop().unreachable()
        }
        TrapReporter::Ic => {
            let trap = writer.imported_function("ic0", "trap", &i32s[..2], &[]);
            Code::new().local_get(0).local_get(1).call(trap).unreachable()
        }
        TrapReporter::Silent => Code::new().unreachable(),
    };
    writer.function(REPORT, Binding::Weak, &i32s[..2], &[], code);
    writer.finish()
}

impl Writer {
    /// Adds bytes that only this object refers to.
    fn text(&mut self, text: &str) -> SymbolId {
        let mut data = Data::default();
        data.push(text.as_bytes());
        self.data("__pywasm_stub_text", Binding::Local, 1, data)
    }
}
