//! `quote apple=3 melon=2`: Rust asks rules written in Python, which ask prices of Rust.

mod tariff;

use std::io::{self, Write};
use std::process::ExitCode;

use capi::{Config, Dict, Error, Interpreter, Kind, Object, Python, Result, Scope, Tuple};

const RULES: &str = include_str!("rules.py");

/// What is ordered where nothing is said.
const SAMPLE: [&str; 2] = ["apple=3", "melon=2"];

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Where stderr is closed, there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> std::result::Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::new().argument("quote").module::<tariff::Tariff>();
    let interpreter = Interpreter::start(&config)?;
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() {
        words.extend(SAMPLE.map(String::from));
    }
    let answer = match quote(interpreter.python(), &words) {
        Ok(text) => Ok(text),
        // As text, for an exception does not outlive its interpreter.
        Err(error) => Err(error.traceback().unwrap_or_else(|_| format!("{error}\n"))),
    };
    // Python's own output comes first.
    interpreter.finalize()?;
    Ok(match answer {
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

/// The quote for words like `apple=3`, a line for each article and one for the total.
fn quote<'py>(py: Python<'py>, words: &[String]) -> Result<'py, String> {
    let order = Dict::new(py)?;
    for word in words {
        let (article, count) = word.split_once('=').unwrap_or((word, "1"));
        let count: i64 = count
            .parse()
            .map_err(|error| Error::new(py, Kind::Value, &format!("{word}: {error}")))?;
        if order.contains(article)? {
            return Err(Error::new(py, Kind::Value, &format!("{article} is ordered twice")));
        }
        order.set(article, count)?;
    }
    let rules = Scope::new(py)?;
    rules.exec_file(RULES, "rules.py")?;
    let answer: Tuple<'_> = rules.eval("quote")?.call((order,))?.extract()?;
    let (total, lines) = (answer.get_item(0)?, answer.get_item(1)?);
    let mut text = String::new();
    for line in lines.iter()? {
        text.push_str(&row(&line?.extract()?)?);
    }
    text.push_str(&format!("{:>16}\n", total.extract::<i64>()?));
    Ok(text)
}

/// One line of the answer: article, count, price.
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

    /// The quote, or the exception.
    fn told(words: &[&str]) -> String {
        let interpreter =
            Interpreter::start(&Config::new().module::<super::tariff::Tariff>()).unwrap();
        let words: Vec<String> = words.iter().map(|&word| word.into()).collect();
        quote(interpreter.python(), &words).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn rules_in_python_and_prices_in_rust_make_a_quote() {
        assert_eq!(
            told(&["melon", "apple=3"]),
            "  3 apple    105\n  1 melon    420\n            1015\n"
        );
    }

    #[test]
    fn an_order_that_is_none_is_an_exception() {
        assert_eq!(told(&["kiwi"]), "KeyError: 'kiwi'");
        assert_eq!(told(&["pear=x"]), "ValueError: pear=x: invalid digit found in string");
        assert_eq!(told(&["pear", "pear=2"]), "ValueError: pear is ordered twice");
        assert!(told(&["pear=9223372036854775807"]).starts_with("OverflowError: "));
    }
}
