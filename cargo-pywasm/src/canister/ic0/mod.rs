//! The functions of `ic0`: their types, where they may be called, and what they do.
//!
//! Source of all of it: the interface specification of the Internet Computer, "Overview of imports";
//! `policies/ic.toml` has the same types, and a test holds one against the other.

mod call;
mod message;
mod state;
mod system;

use wasmtime::{Caller, Engine, FuncType, Linker, Val, ValType};

use super::guest::{Answer, Guest, Stop};
use super::mode::Modes;
use super::system::System;

/// A type of a parameter or a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// An address or a size: of 32 bits, or of 64 in a canister with such a memory.
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
    /// Arguments and result have 64 bits here, whatever their types are.
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

    /// Its type in a module whose memory has addresses of 32 or of 64 bits.
    pub(super) fn ty(&self, engine: &Engine, is_64: bool) -> FuncType {
        let of = |ty: &Type| if ty.is_64(is_64) { ValType::I64 } else { ValType::I32 };
        FuncType::new(engine, self.params.iter().map(of), self.result.iter().map(of))
    }

    /// Makes it be what the module imports by its name.
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
                    // Sizes and small numbers, or -1.
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
            let message = format!("it may not be called in {}", mode.name());
            return Err(Stop::Wrong(self.name, message).into());
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
            let text = text.map_err(|problem| Stop::Wrong(self.name, problem))?;
            return Err(Stop::Asked(text).into());
        }
        let answer = (self.run)(&mut Guest::new(&mut caller), &words);
        answer.map_err(|problem| Stop::Wrong(self.name, problem).into())
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

/// All of them.
pub(super) fn functions() -> impl Iterator<Item = &'static Function> {
    [message::FUNCTIONS, call::FUNCTIONS, state::FUNCTIONS, system::FUNCTIONS].into_iter().flatten()
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}
