//! `run` in a crate: whether its words are for `cargo run` or for Python.

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

/// The words for `cargo run`: none at all, or what begins with one of its options or with `--`,
/// which the command line's parser has dropped. Anything else is a program for Python.
pub(super) fn for_cargo(words: &[String], after_dashes: bool) -> Option<Vec<String>> {
    if after_dashes {
        return Some(["--".to_owned()].iter().chain(words).cloned().collect());
    }
    let first = words.first().map(|word| word.split_once('=').map_or(&**word, |(name, _)| name));
    first.is_none_or(|word| CARGO.contains(&word)).then(|| words.to_vec())
}

/// Whether `--` stood before the words, which are the end of what the process was called with.
pub(super) fn after_dashes(called_with: &[String], words: &[String]) -> bool {
    let before = called_with.len().checked_sub(words.len() + 1);
    before.is_some_and(|index| called_with[index] == "--" && called_with[index + 1..] == *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_program_is_pythons_and_the_rest_is_cargos() {
        for text in ["", "--release -- x", "--bin=demo", "-p demo"] {
            assert_eq!(for_cargo(&words(text), false), Some(words(text)), "{text}");
        }
        for text in ["script.py --release", "-c 1", "-m json.tool", "-", "-i"] {
            assert_eq!(for_cargo(&words(text), false), None, "{text}");
        }
        assert_eq!(for_cargo(&words("-V"), true), Some(words("-- -V")));
    }

    #[test]
    fn dashes_before_the_words_are_seen() {
        let called = |text: &str| words(&format!("cargo-pywasm run {text}"));
        assert!(after_dashes(&called("--fuel 9 -- a b"), &words("a b")));
        assert!(after_dashes(&called("--"), &[]));
        assert!(!after_dashes(&called("--release -- a"), &words("--release -- a")));
        assert!(!after_dashes(&called("a.py"), &words("a.py")));
    }
}
