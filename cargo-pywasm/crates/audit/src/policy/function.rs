//! The types of a host's functions.

use std::str::FromStr;

use anyhow::Context;
use pywasm_stubs::Signature;
use serde::{Deserialize, Deserializer, de};

/// The type of a host's function, which can depend on the module's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionType {
    for_32_bits: Signature,
    for_64_bits: Signature,
}

impl FunctionType {
    /// Returns the type that a module must use.
    #[must_use]
    pub fn signature(&self, has_64_bit_memory: bool) -> &Signature {
        if has_64_bit_memory { &self.for_64_bits } else { &self.for_32_bits }
    }
}

impl FromStr for FunctionType {
    type Err = anyhow::Error;

    /// Parses a function type in which `I` stands for the type of addresses and sizes, as in the
    /// interface specification of the Internet Computer.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        // The names of all value types are lowercase, so each `I` is a whole name.
        let parse = |address: &str| text.replace('I', address).parse::<Signature>();
        let error = || {
            format!(
                "`{text}` is not a function type such as `(i32) -> i32`; `I` stands for `i64` in \
                 modules with a 64-bit memory, and for `i32` in others"
            )
        };
        let (for_32_bits, for_64_bits) = (parse("i32"), parse("i64"));
        Ok(Self {
            for_32_bits: for_32_bits.with_context(error)?,
            for_64_bits: for_64_bits.with_context(error)?,
        })
    }
}

impl<'de> Deserialize<'de> for FunctionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_type_of_the_memory() {
        let ty: FunctionType = "(I, i32, i64) -> I".parse().unwrap();
        assert_eq!(ty.signature(false).to_string(), "(i32, i32, i64) -> i32");
        assert_eq!(ty.signature(true).to_string(), "(i64, i32, i64) -> i64");
        assert!("(I32) -> ()".parse::<FunctionType>().is_err());
        assert!("(J) -> ()".parse::<FunctionType>().is_err());
    }
}
