//! The `ic0` functions: their types, the modes that may call them, and their implementations.
//!
//! Source: the interface specification of the Internet Computer, "Overview of imports". A test
//! compares the types with `policies/ic.toml`.

mod call;
mod message;
mod state;
mod system;

use wasmtime::{Caller, Engine, FuncType, Linker, Val, ValType};

use super::guest::{Answer, Guest, Stop};
use super::mode::Modes;
use super::system::System;

/// The type of a parameter or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// An address or a size: 32 bits, or 64 bits in a canister with a 64-bit memory.
    Word,
    I32,
    I64,
}

/// A function of `ic0`.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) params: &'static [Type],
    pub(super) result: Option<Type>,
    modes: Modes,
    /// The implementation. Its arguments and result are 64-bit numbers.
    run: fn(&mut Guest<'_, '_>, &[u64]) -> Answer,
}

impl Function {
    const fn new(
        name: &'static str,
        params: &'static [Type],
        result: Option<Type>,
        modes: Modes,
        run: fn(&mut Guest<'_, '_>, &[u64]) -> Answer,
    ) -> Self {
        Self { name, params, result, modes, run }
    }

    /// Returns the type of the function in a module with a 32-bit or a 64-bit memory.
    pub(super) fn ty(&self, engine: &Engine, is_64: bool) -> FuncType {
        let of = |ty: &Type| if ty.is_64(is_64) { ValType::I64 } else { ValType::I32 };
        FuncType::new(engine, self.params.iter().map(of), self.result.iter().map(of))
    }

    /// Defines the function in a linker.
    pub(super) fn define(
        &'static self,
        linker: &mut Linker<System>,
        is_64: bool,
    ) -> wasmtime::Result<()> {
        let ty = self.ty(linker.engine(), is_64);
        linker.func_new("ic0", self.name, ty, move |caller, params, results| {
            let answer = self.call(caller, params)?;
            for (result, ty) in results.iter_mut().zip(&self.result) {
                *result = if ty.is_64(is_64) {
                    Val::I64(answer.cast_signed())
                } else {
                    // The value is a size, a small number or -1, so it fits in 32 bits.
                    Val::I32((answer as u32).cast_signed())
                };
            }
            Ok(())
        })?;
        Ok(())
    }

    fn call(&self, mut caller: Caller<'_, System>, params: &[Val]) -> wasmtime::Result<u64> {
        let mode = caller.data().mode;
        if !self.modes.contains(mode) {
            let message = format!("not allowed in {}", mode.name());
            return Err(Stop::Invalid(self.name, message).into());
        }
        let mut words = [0; 8];
        for (word, value) in words.iter_mut().zip(params) {
            *word = match value {
                Val::I32(value) => u64::from(value.cast_unsigned()),
                Val::I64(value) => value.cast_unsigned(),
                _ => 0,
            };
        }
        if self.name == "trap" {
            let text = Guest::new(&mut caller).text(words[0], words[1]);
            let text = text.map_err(|problem| Stop::Invalid(self.name, problem))?;
            return Err(Stop::Trap(text).into());
        }
        let answer = (self.run)(&mut Guest::new(&mut caller), &words);
        answer.map_err(|problem| Stop::Invalid(self.name, problem).into())
    }
}

impl Type {
    fn is_64(self, words: bool) -> bool {
        match self {
            Self::Word => words,
            Self::I32 => false,
            Self::I64 => true,
        }
    }
}

/// Returns all functions.
pub(super) fn functions() -> impl Iterator<Item = &'static Function> {
    [message::FUNCTIONS, call::FUNCTIONS, state::FUNCTIONS, system::FUNCTIONS].into_iter().flatten()
}

/// Returns the function with this name.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}
