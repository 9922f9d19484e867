//! Decides whether the arguments of `run` in a crate are for `cargo run` or for Python.

/// Options of `cargo run` that Python does not have.
const CARGO: [&str; 20] = [
    "--all-features",
    "--bin",
    "--config",
    "--example",
    "--features",
    "--frozen",
    "--keep-going",
    "--locked",
    "--manifest-path",
    "--no-default-features",
    "--package",
    "--profile",
    "--release",
    "--target",
    "--target-dir",
    "--timings",
    "--verbose",
    "-F",
    "-p",
    "-r",
];

/// Returns the arguments for `cargo run`, or `None` if `words` is a Python command line. `words` is
/// for Cargo if it is empty, starts with an option of `cargo run`, or came after `--`. clap removes
/// the `--`; `after_dashes` is true if there was one.
pub(super) fn for_cargo(words: &[String], after_dashes: bool) -> Option<Vec<String>> {
    if after_dashes {
        return Some(["--".to_owned()].iter().chain(words).cloned().collect());
    }
    let first = words.first().map(|word| word.split_once('=').map_or(&**word, |(name, _)| name));
    first.is_none_or(|word| CARGO.contains(&word)).then(|| words.to_vec())
}

/// Returns true if the command line ends with `--` and these words.
pub(super) fn after_dashes(command_line: &[String], words: &[String]) -> bool {
    let before = command_line.len().checked_sub(words.len() + 1);
    before.is_some_and(|index| command_line[index] == "--" && command_line[index + 1..] == *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_of_cargo_run_are_recognized() {
        for text in ["", "--release -- x", "--bin=demo", "-p demo"] {
            assert_eq!(for_cargo(&words(text), false), Some(words(text)), "{text}");
        }
        for text in ["script.py --release", "-c 1", "-m json.tool", "-", "-i"] {
            assert_eq!(for_cargo(&words(text), false), None, "{text}");
        }
        assert_eq!(for_cargo(&words("-V"), true), Some(words("-- -V")));
    }

    #[test]
    fn dashes_before_the_words_are_recognized() {
        let called = |text: &str| words(&format!("cargo-pywasm run {text}"));
        assert!(after_dashes(&called("--fuel 9 -- a b"), &words("a b")));
        assert!(after_dashes(&called("--"), &[]));
        assert!(!after_dashes(&called("--release -- a"), &words("--release -- a")));
        assert!(!after_dashes(&called("a.py"), &words("a.py")));
    }
}
