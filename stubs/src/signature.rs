//! Function types, written as `(i32, i64) -> i32`.

use std::fmt;
use std::str::FromStr;

use wasmparser::{BinaryReader, CompositeInnerType, FuncType, SubType};

use crate::val_type::ValType;

/// A function type, such as `(i32, i64) -> i32` or `() -> ()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The parameter types.
    pub params: Vec<ValType>,
    /// The types of the results.
    pub results: Vec<ValType>,
}

/// The error for a string that is not a function type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a function type such as `(i32, i64) -> i32` or `() -> ()`")]
pub struct ParseSignatureError(String);

impl Signature {
    /// Creates a function type with these parameters and results.
    #[must_use]
    pub fn new(params: &[ValType], results: &[ValType]) -> Self {
        Self { params: params.to_vec(), results: results.to_vec() }
    }

    /// Reads one entry of a type section from the start of `bytes`, and ignores the rest.
    ///
    /// Returns `None` if the entry is malformed or not a function type.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let ty = BinaryReader::new(bytes, 0).read::<SubType>().ok()?;
        match ty.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(Self::from_parsed(&ty)),
            _ => None,
        }
    }

    /// Returns the type of a `PyInit_NAME` function, which returns a pointer to a Python module.
    #[must_use]
    pub(crate) fn of_module_init() -> Self {
        Self::new(&[], &[ValType::I32])
    }

    pub(crate) fn from_parsed(ty: &FuncType) -> Self {
        let convert = |types: &[wasmparser::ValType]| {
            types.iter().copied().map(ValType::from_parsed).collect()
        };
        Self { params: convert(ty.params()), results: convert(ty.results()) }
    }

    /// Returns true if every type can be written to an object file.
    pub(crate) fn is_encodable(&self) -> bool {
        self.params.iter().chain(&self.results).all(|ty| ty.encodable().is_some())
    }
}

impl FromStr for Signature {
    type Err = ParseSignatureError;

    /// Parses the `Display` form. A single result may be in parentheses: `-> (i32)`.
    fn from_str(text: &str) -> Result<Self, ParseSignatureError> {
        let error = || ParseSignatureError(text.to_owned());
        let (params, results) = text.split_once("->").ok_or_else(error)?;
        let params = in_parentheses(params).ok_or_else(error)?;
        let results = match in_parentheses(results) {
            Some(results) => results,
            None if results.contains(',') => return Err(error()),
            None => results.trim(),
        };
        let list = |text: &str| -> Result<Vec<ValType>, ParseSignatureError> {
            if text.is_empty() {
                return Ok(Vec::new());
            }
            text.split(',').map(|name| name.trim().parse().map_err(|_| error())).collect()
        };
        Ok(Self { params: list(params)?, results: list(results)? })
    }
}

fn in_parentheses(text: &str) -> Option<&str> {
    Some(text.trim().strip_prefix('(')?.strip_suffix(')')?.trim())
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(&self.params, f)?;
        f.write_str(" -> ")?;
        match &self.results[..] {
            [result] => result.fmt(f),
            results => write_list(results, f),
        }
    }
}

fn write_list(types: &[ValType], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    for (index, ty) in types.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        write!(f, "{separator}{ty}")?;
    }
    f.write_str(")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_from_str_round_trip() {
        for text in ["() -> ()", "(i32) -> i32", "(i64, f32, f64) -> (i32, i32)", "() -> v128"] {
            assert_eq!(text.parse::<Signature>().unwrap().to_string(), text);
        }
        assert_eq!(
            "( i32,i64 )->( f64 )".parse::<Signature>().unwrap().to_string(),
            "(i32, i64) -> f64"
        );
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in
            ["", "i32", "(i32)", "(int) -> i32", "(i32 -> i32", "() -> i32, i32", "(,) -> ()"]
        {
            assert!(text.parse::<Signature>().is_err(), "{text}");
        }
    }

    #[test]
    fn binary_function_type_is_read() {
        let entry = [0x60, 2, 0x7f, 0x70, 1, 0x7e, 0xff];
        assert_eq!(Signature::read(&entry).unwrap().to_string(), "(i32, funcref) -> i64");
        assert!(Signature::read(&entry[..3]).is_none());
        assert!(Signature::read(&[0x5f, 0]).is_none(), "a struct type");
    }
}
