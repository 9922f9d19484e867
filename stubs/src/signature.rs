//! The type of a function, as the text format writes it.

use std::fmt;
use std::str::FromStr;

use wasm_encoder::ValType;
use wasmparser::FuncType;

/// The type of a function: `(i32, i64) -> i32`, `() -> ()`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The types of its parameters.
    pub params: Vec<String>,
    /// The types of its results.
    pub results: Vec<String>,
}

/// A text that is no type of a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a function's type, as `(i32, i64) -> i32` and `() -> ()` are")]
pub struct NotASignature(String);

impl Signature {
    /// Parameters and results as they are written into an object; `None` for types that C has no
    /// values of.
    #[must_use]
    pub fn types(&self) -> Option<(Vec<ValType>, Vec<ValType>)> {
        let of = |names: &[String]| -> Option<Vec<ValType>> {
            names.iter().map(|name| value_type(name)).collect()
        };
        Some((of(&self.params)?, of(&self.results)?))
    }
}

fn value_type(name: &str) -> Option<ValType> {
    Some(match name {
        "i32" => ValType::I32,
        "i64" => ValType::I64,
        "f32" => ValType::F32,
        "f64" => ValType::F64,
        "v128" => ValType::V128,
        "funcref" => ValType::FUNCREF,
        "externref" => ValType::EXTERNREF,
        _ => return None,
    })
}

impl From<&FuncType> for Signature {
    fn from(ty: &FuncType) -> Self {
        let text = |types: &[wasmparser::ValType]| types.iter().map(ToString::to_string).collect();
        Self { params: text(ty.params()), results: text(ty.results()) }
    }
}

impl FromStr for Signature {
    type Err = NotASignature;

    /// Reads what `Display` writes; `-> i32` and `-> (i32)` are the same.
    fn from_str(text: &str) -> Result<Self, NotASignature> {
        let wrong = || NotASignature(text.to_owned());
        let (params, results) = text.split_once("->").ok_or_else(wrong)?;
        let list = |text: &str, bare: bool| {
            let text = text.trim();
            let inside = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
                Some(inside) => inside,
                None if bare && !text.contains(',') => text,
                None => return Err(wrong()),
            };
            let names = inside.split(',').map(str::trim);
            let names: Vec<String> = if inside.trim().is_empty() {
                Vec::new()
            } else {
                names.map(str::to_owned).collect()
            };
            let known = names.iter().all(|name| value_type(name).is_some());
            if known { Ok(names) } else { Err(wrong()) }
        };
        Ok(Self { params: list(params, false)?, results: list(results, true)? })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) -> ", self.params.join(", "))?;
        match &self.results[..] {
            [one] => f.write_str(one),
            results => write!(f, "({})", results.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["() -> ()", "(i32) -> i32", "(i64, f32, f64) -> (i32, i32)", "() -> v128"] {
            assert_eq!(text.parse::<Signature>().unwrap().to_string(), text);
        }
        assert_eq!(
            "( i32,i64 )->( f64 )".parse::<Signature>().unwrap().to_string(),
            "(i32, i64) -> f64"
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        for text in
            ["", "i32", "(i32)", "(int) -> i32", "(i32 -> i32", "() -> i32, i32", "(,) -> ()"]
        {
            assert!(text.parse::<Signature>().is_err(), "{text}");
        }
    }
}
