//! A call to an export, as written on the command line: `add(40, 2)`.

use std::str::FromStr;

use anyhow::Context;
use wasmtime::{Func, Val, ValType};

/// A call to an export of a reactor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the export.
    pub name: String,
    args: Vec<String>,
}

impl FromStr for Call {
    type Err = String;

    /// Parses `name` or `name(number, …)`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, args) = match text.split_once('(') {
            None => (text, ""),
            Some((name, rest)) => {
                let args = rest.trim_end().strip_suffix(')');
                (name, args.ok_or_else(|| format!("`{text}` does not end with `)`"))?)
            }
        };
        let (name, args) = (name.trim(), args.trim());
        if name.is_empty() {
            return Err("expected the name of an export, as in `add(40, 2)`".to_owned());
        }
        let args = args.split(',').filter(|_| !args.is_empty());
        let args = args.map(|arg| arg.trim().to_owned()).collect();
        Ok(Self { name: name.to_owned(), args })
    }
}

impl Call {
    /// Converts the arguments to values of these types.
    pub(super) fn values(&self, types: &[ValType]) -> anyhow::Result<Vec<Val>> {
        let Self { name, args } = self;
        let (actual, expected) = (args.len(), types.len());
        anyhow::ensure!(actual == expected, "`{name}` takes {expected} arguments, not {actual}");
        let pairs = args.iter().zip(types);
        pairs.map(|(arg, kind)| value(arg, kind).with_context(|| format!("`{name}`"))).collect()
    }
}

/// Returns placeholders for the results of a function.
pub(super) fn results(function: &Func, store: impl wasmtime::AsContext) -> Vec<Val> {
    vec![Val::I32(0); function.ty(store).results().len()]
}

/// Returns values as text, separated by spaces.
pub(super) fn text(values: &[Val]) -> String {
    let words: Vec<String> = values.iter().map(word).collect();
    words.join(" ")
}

fn word(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        other => format!("{other:?}"),
    }
}

fn value(text: &str, kind: &ValType) -> anyhow::Result<Val> {
    let parsed = match kind {
        ValType::I32 => text.parse().ok().map(Val::I32),
        ValType::I64 => text.parse().ok().map(Val::I64),
        ValType::F32 => text.parse().ok().map(|value: f32| Val::F32(value.to_bits())),
        ValType::F64 => text.parse().ok().map(|value: f64| Val::F64(value.to_bits())),
        other => {
            anyhow::bail!("it takes a value of type {other}, which cannot be written as a number")
        }
    };
    parsed.with_context(|| format!("`{text}` is not an {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_is_a_name_and_numbers() {
        let call = |name: &str, args: &[&str]| {
            Ok(Call { name: name.to_owned(), args: args.iter().map(|&arg| arg.into()).collect() })
        };
        assert_eq!("add(40, 2)".parse(), call("add", &["40", "2"]));
        assert_eq!("run".parse::<Call>(), "run( )".parse());
        for text in ["add(1", "(1)", ""] {
            assert!(text.parse::<Call>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_have_the_types_of_the_function() {
        let call: Call = "f(-1, 2.5)".parse().unwrap();
        let values = call.values(&[ValType::I64, ValType::F32]).unwrap();
        assert_eq!(text(&values), "-1 2.5");
        let error = |types: &[ValType]| format!("{:#}", call.values(types).unwrap_err());
        assert!(error(&[ValType::I64]).contains("takes 1 arguments, not 2"));
        assert!(error(&[ValType::I32, ValType::I32]).contains("`2.5`"));
    }
}
