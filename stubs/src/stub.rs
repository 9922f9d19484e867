//! One stub: an object with one weak symbol of exactly the type that its callers use.

use wasm_encoder::{Instruction, ValType};

use crate::behaviour::Behaviour;
use crate::object::Kind;
use crate::writer::{Binding, Code, Data, SymbolId, Writer};

/// ENOSYS of WASI: "function not supported".
///
/// Source: `errno` of the preview1 interface, whose numbers wasi-libc takes over.
pub const ENOSYS: i32 = 52;

/// The name of the function that says why a program ends.
const SAY: &str = "__pywasm_stub_was_called";

/// Sizes and alignment of a variable whose size nobody says.
const LEAST: u32 = 16;

/// How a program that calls a stub is told so before it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    /// On standard error, by WASI.
    #[default]
    Wasi,
    /// By the system interface of the Internet Computer: `ic0.trap`.
    Ic,
    /// By the function's name alone, which hosts print with a trap as long as a module has names.
    Name,
}

/// A stub that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    /// The symbol.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it does.
    pub behaviour: Behaviour,
    /// How many bytes a variable has at least.
    pub size: u32,
}

/// What the stub of a symbol says.
#[must_use]
pub fn was_called(symbol: &str) -> String {
    format!("stub `{symbol}` was called: the real one was not linked")
}

impl Stub {
    /// What a stub says.
    #[must_use]
    pub fn message(&self) -> String {
        was_called(&self.name)
    }

    /// The object; `None` where a parameter or result has a type that no C value has, and for a shim.
    #[must_use]
    pub fn object(&self) -> Option<Vec<u8>> {
        if self.kind == Kind::Data {
            return Some(self.variable());
        }
        let mut writer = Writer::new();
        let (params, results, code) = self.prepare(&mut writer)?;
        writer.function(&self.name, Binding::Weak, &params, &results, code);
        Some(writer.finish())
    }

    /// What the function needs of the object it stands in, written there, and the function itself.
    pub(crate) fn prepare(
        &self,
        writer: &mut Writer,
    ) -> Option<(Vec<ValType>, Vec<ValType>, Code)> {
        let Kind::Function(signature) = &self.kind else { return None };
        let (params, results) = signature.types()?;
        let code = match self.behaviour {
            Behaviour::Trap => {
                let say = writer.undefined_function(SAY, &[ValType::I32, ValType::I32], &[]);
                let text = format!("{}\n", self.message());
                let length = text.len();
                let text = writer.text(&text);
                Code::new()
                    .address(text)
                    .then(&Instruction::I32Const(i32::try_from(length).unwrap_or(0)))
                    .call(say)
                    .then(&Instruction::Unreachable)
            }
            Behaviour::Errno => {
                let errno = writer.undefined_function("__errno_location", &[], &[ValType::I32]);
                returned(&results, -1, set_errno(errno))
            }
            Behaviour::Null => returned(&results, 0, Code::new()),
            Behaviour::Value(value) => returned(&results, value, Code::new()),
            Behaviour::PythonError(value) => {
                let raised = self.raise(writer, "PyExc_NotImplementedError", &self.message());
                returned(&results, value, raised)
            }
            // Compiled, not written.
            Behaviour::Shim => return None,
            Behaviour::ImportError => {
                let module = self.name.strip_prefix("PyInit_").unwrap_or(&self.name);
                let text = format!("module '{module}' was left out of this Python");
                returned(&results, 0, self.raise(writer, "PyExc_ImportError", &text))
            }
        };
        Some((params, results, code))
    }

    fn variable(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let value = if let Behaviour::Value(value) = self.behaviour { value } else { 0 };
        let mut bytes = value.to_le_bytes().to_vec();
        bytes.resize(self.size.max(LEAST) as usize, 0);
        let mut data = Data::default();
        data.push(&bytes);
        writer.data(&self.name, Binding::Weak, LEAST, data);
        writer.finish()
    }

    /// `PyErr_SetString(exception, text)`.
    fn raise(&self, writer: &mut Writer, exception: &str, text: &str) -> Code {
        let set = writer.undefined_function("PyErr_SetString", &[ValType::I32, ValType::I32], &[]);
        let exception = writer.undefined_data(exception);
        let text = writer.text(&format!("{text}\0"));
        Code::new().address(exception).load().address(text).call(set)
    }
}

/// The object that trapping stubs need: it says the message, and ends the program.
#[must_use]
pub(crate) fn say_object(voice: Voice) -> Vec<u8> {
    let mut writer = Writer::new();
    let code = match voice {
        Voice::Wasi => {
            let write = writer.imported_function(
                "wasi_snapshot_preview1",
                "fd_write",
                &[ValType::I32; 4],
                &[ValType::I32],
            );
            let mut vector = Data::default();
            // Address, length, and how much was written.
            vector.push(&[0; 12]);
            let vector = writer.data("__pywasm_stub_says", Binding::Local, 4, vector);
            Code::new()
                .address(vector)
                .then(&Instruction::LocalGet(0))
                .store()
                .address(vector)
                .then(&Instruction::LocalGet(1))
                .store_at(4)
                .then(&Instruction::I32Const(2))
                .address(vector)
                .then(&Instruction::I32Const(1))
                .address(vector)
                .then(&Instruction::I32Const(8))
                .then(&Instruction::I32Add)
                .call(write)
                .then(&Instruction::Drop)
                .then(&Instruction::Unreachable)
        }
        Voice::Ic => {
            let trap = writer.imported_function("ic0", "trap", &[ValType::I32; 2], &[]);
            Code::new()
                .then(&Instruction::LocalGet(0))
                .then(&Instruction::LocalGet(1))
                .call(trap)
                .then(&Instruction::Unreachable)
        }
        Voice::Name => Code::new().then(&Instruction::Unreachable),
    };
    writer.function(SAY, Binding::Weak, &[ValType::I32, ValType::I32], &[], code);
    writer.finish()
}

fn set_errno(errno: SymbolId) -> Code {
    Code::new().call(errno).then(&Instruction::I32Const(ENOSYS)).store()
}

/// A number of each result's type. What does not fit an i32 is cut off, as in C.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "C's conversions")]
fn returned(results: &[ValType], value: i64, code: Code) -> Code {
    results.iter().fold(code, |code, result| match result {
        ValType::I64 => code.then(&Instruction::I64Const(value)),
        ValType::F32 => code.then(&Instruction::F32Const((value as f32).into())),
        ValType::F64 => code.then(&Instruction::F64Const((value as f64).into())),
        ValType::V128 => code.then(&Instruction::V128Const(i128::from(value))),
        ValType::Ref(reference) => code.then(&Instruction::RefNull(reference.heap_type)),
        ValType::I32 => code.then(&Instruction::I32Const(value as i32)),
    })
}

impl Writer {
    /// Bytes that only this object knows.
    fn text(&mut self, text: &str) -> SymbolId {
        let mut data = Data::default();
        data.push(text.as_bytes());
        self.data("__pywasm_stub_text", Binding::Local, 1, data)
    }
}
