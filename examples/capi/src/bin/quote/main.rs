//! The command `quote`: rules written in Python compute a quote from prices defined in Rust.
//! Example: `quote apple=3 melon=2`.

mod tariff;

use std::io::{self, Write};
use std::process::ExitCode;

use capi::{Config, Dict, Error, Interpreter, Kind, Object, Python, Result, Scope, Tuple};

const RULES: &str = include_str!("rules.py");

/// The order that is used if the command line is empty.
const SAMPLE: [&str; 2] = ["apple=3", "melon=2"];

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // If stderr is closed, the error cannot be reported.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> std::result::Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::new().argument("quote").module::<tariff::Tariff>();
    let interpreter = Interpreter::start(&config)?;
    let mut items: Vec<String> = std::env::args().skip(1).collect();
    if items.is_empty() {
        items.extend(SAMPLE.map(String::from));
    }
    let outcome = match quote(interpreter.python(), &items) {
        Ok(text) => Ok(text),
        // Convert the exception to text, because it cannot outlive the interpreter.
        Err(error) => Err(error.traceback().unwrap_or_else(|_| format!("{error}\n"))),
    };
    // Finalize Python first, so that its output comes before Rust's output.
    interpreter.finalize()?;
    Ok(match outcome {
        Ok(text) => {
            io::stdout().write_all(text.as_bytes())?;
            ExitCode::SUCCESS
        }
        Err(traceback) => {
            io::stderr().write_all(traceback.as_bytes())?;
            ExitCode::FAILURE
        }
    })
}

/// Returns the quote for items like `apple=3`: one line for each article and one for the total.
fn quote<'py>(py: Python<'py>, items: &[String]) -> Result<'py, String> {
    let order = Dict::new(py)?;
    for item in items {
        let (article, count) = item.split_once('=').unwrap_or((item, "1"));
        let count: i64 = count
            .parse()
            .map_err(|error| Error::new(py, Kind::Value, &format!("{item}: {error}")))?;
        if order.contains(article)? {
            return Err(Error::new(py, Kind::Value, &format!("{article} is ordered twice")));
        }
        order.set(article, count)?;
    }
    let rules = Scope::new(py)?;
    rules.exec_file(RULES, "rules.py")?;
    let result: Tuple<'_> = rules.eval("quote")?.call((order,))?.extract()?;
    let (total, lines) = (result.get_item(0)?, result.get_item(1)?);
    let mut text = String::new();
    for line in lines.iter()? {
        text.push_str(&row(&line?.extract()?)?);
    }
    text.push_str(&format!("{:>16}\n", total.extract::<i64>()?));
    Ok(text)
}

/// Formats one line of the quote: count, article, price.
fn row<'py>(line: &Tuple<'py>) -> Result<'py, String> {
    let cell = |index: i64| -> Result<'py, Object<'py>> { line.get_item(index) };
    let (article, count, price) = (cell(0)?, cell(1)?, cell(2)?);
    let (count, price) = (count.extract::<i64>()?, price.extract::<i64>()?);
    Ok(format!("{count:>3} {:<6} {price:>5}\n", article.as_str()?))
}

#[cfg(test)]
mod tests {
    use capi::{Config, Interpreter};

    use super::quote;

    /// Returns the quote, or the message of the exception.
    fn quote_or_error(items: &[&str]) -> String {
        let interpreter =
            Interpreter::start(&Config::new().module::<super::tariff::Tariff>()).unwrap();
        let items: Vec<String> = items.iter().map(|&item| item.into()).collect();
        quote(interpreter.python(), &items).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn python_rules_use_rust_prices() {
        assert_eq!(
            quote_or_error(&["melon", "apple=3"]),
            "  3 apple    105\n  1 melon    420\n            1015\n"
        );
    }

    #[test]
    fn invalid_orders_are_exceptions() {
        assert_eq!(quote_or_error(&["kiwi"]), "KeyError: 'kiwi'");
        assert_eq!(
            quote_or_error(&["pear=x"]),
            "ValueError: pear=x: invalid digit found in string"
        );
        assert_eq!(quote_or_error(&["pear", "pear=2"]), "ValueError: pear is ordered twice");
        assert!(quote_or_error(&["pear=9223372036854775807"]).starts_with("OverflowError: "));
    }
}
