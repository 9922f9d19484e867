//! WebAssembly value types, independent of the crates that parse and encode them.

use std::fmt;
use std::str::FromStr;

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ValType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
    /// `funcref`
    FuncRef,
    /// `externref`
    ExternRef,
    /// `ref`: any other reference type. These types are not distinguished, because C has no values
    /// of these types and host functions do not use them.
    OtherRef,
}

/// The error for a string that is not a value type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a value type; expected one of i32, i64, f32, f64, v128, funcref, externref")]
pub struct ParseValTypeError(String);

impl ValType {
    const ALL: [Self; 8] = [
        Self::I32,
        Self::I64,
        Self::F32,
        Self::F64,
        Self::V128,
        Self::FuncRef,
        Self::ExternRef,
        Self::OtherRef,
    ];

    /// Returns the type's name in the WebAssembly text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::V128 => "v128",
            Self::FuncRef => "funcref",
            Self::ExternRef => "externref",
            Self::OtherRef => "ref",
        }
    }

    /// Returns the corresponding type in wasm-encoder, or `None` for [`ValType::OtherRef`], which
    /// represents several types.
    pub(crate) const fn encodable(self) -> Option<wasm_encoder::ValType> {
        Some(match self {
            Self::I32 => wasm_encoder::ValType::I32,
            Self::I64 => wasm_encoder::ValType::I64,
            Self::F32 => wasm_encoder::ValType::F32,
            Self::F64 => wasm_encoder::ValType::F64,
            Self::V128 => wasm_encoder::ValType::V128,
            Self::FuncRef => wasm_encoder::ValType::FUNCREF,
            Self::ExternRef => wasm_encoder::ValType::EXTERNREF,
            Self::OtherRef => return None,
        })
    }

    pub(crate) fn from_parsed(ty: wasmparser::ValType) -> Self {
        match ty {
            wasmparser::ValType::I32 => Self::I32,
            wasmparser::ValType::I64 => Self::I64,
            wasmparser::ValType::F32 => Self::F32,
            wasmparser::ValType::F64 => Self::F64,
            wasmparser::ValType::V128 => Self::V128,
            wasmparser::ValType::Ref(ty) if ty == wasmparser::RefType::FUNCREF => Self::FuncRef,
            wasmparser::ValType::Ref(ty) if ty == wasmparser::RefType::EXTERNREF => Self::ExternRef,
            wasmparser::ValType::Ref(_) => Self::OtherRef,
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ValType {
    type Err = ParseValTypeError;

    fn from_str(text: &str) -> Result<Self, ParseValTypeError> {
        let found = Self::ALL.into_iter().find(|ty| ty.as_str() == text);
        found.ok_or_else(|| ParseValTypeError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_from_str_round_trip() {
        for ty in ValType::ALL {
            assert_eq!(ty.to_string().parse(), Ok(ty));
        }
        assert!("int".parse::<ValType>().is_err() && "I32".parse::<ValType>().is_err());
    }
}
