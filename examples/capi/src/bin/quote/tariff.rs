//! The native module `tariff`: read-only prices for the rules.

use capi::ToPython;
use capi::{Arguments, Definition, Error, Function, Kind, Method, Module, Object, Python, Result};
use std::ffi::CStr;

/// The module `tariff`.
pub(crate) struct Tariff;

impl Module for Tariff {
    const NAME: &'static CStr = c"tariff";
    const DOC: &'static CStr = c"Prices of articles.";
    const METHODS: &'static [Method] = &[Method::of::<Price>(), Method::END];

    fn definition() -> &'static Definition {
        static DEFINITION: Definition = Definition::of::<Tariff>();
        &DEFINITION
    }

    fn fill<'py>(module: &Object<'py>) -> Result<'py, ()> {
        module.set_attr("CURRENCY", "euro cents")
    }
}

struct Price;

impl Function for Price {
    const NAME: &'static CStr = c"price";
    const DOC: &'static CStr =
        c"price(article, /)\n--\n\nReturns the price of one article in cents.";

    fn call<'py>(py: Python<'py>, arguments: Arguments<'_, 'py>) -> Result<'py, Object<'py>> {
        let [article] = arguments.exactly()?;
        let cents: i64 = match article.as_str()? {
            "apple" => 35,
            "melon" => 420,
            "pear" => 45,
            unknown => return Err(Error::new(py, Kind::Key, unknown)),
        };
        cents.to_python(py)
    }
}
