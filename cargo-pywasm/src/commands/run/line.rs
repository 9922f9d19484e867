//! Finds the script in Python's command line.

/// The facts about a Python command line that `run` needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The index of the script, if there is one.
    pub(super) script: Option<usize>,
    /// True if Python starts a REPL when stdin is a terminal.
    pub(super) prompts: bool,
}

impl Line {
    /// Parses a command line. The options are those in `SHORT_OPTS` and `longopts` of CPython's
    /// `Python/getopt.c`.
    pub(super) fn of(args: &[String]) -> Self {
        let mut interactive = false;
        let mut words = args.iter().enumerate();
        while let Some((index, word)) = words.next() {
            match word.as_str() {
                "-" => break,
                "--" => {
                    let script = words.next().filter(|(_, word)| *word != "-");
                    let prompts = interactive || script.is_none();
                    return Self { script: script.map(|(index, _)| index), prompts };
                }
                "--check-hash-based-pycs" => {
                    words.next();
                    continue;
                }
                long if long.starts_with("--") => continue,
                _ => {}
            }
            let Some(options) = word.strip_prefix('-') else {
                return Self { script: Some(index), prompts: interactive };
            };
            for (at, option) in options.char_indices() {
                match option {
                    // The rest of this word, or the next word, is the code or the module. All later
                    // words are arguments of the program.
                    'c' | 'm' => return Self { script: None, prompts: interactive },
                    'W' | 'X' => {
                        if at + 1 == options.len() {
                            words.next();
                        }
                        break;
                    }
                    'i' => interactive = true,
                    _ => {}
                }
            }
        }
        Self { script: None, prompts: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_is_found_after_options() {
        for (line, script, prompts) in [
            ("script.py -c x", Some(0), false),
            ("-W error -X dev -u script.py arg", Some(5), false),
            ("-Wcommon script.py", Some(1), false),
            ("-BW error script.py", Some(2), false),
            ("--check-hash-based-pycs always script.py", Some(2), false),
            ("-- script.py", Some(1), false),
            ("-i script.py", Some(1), true),
            ("-c print(1) arg", None, false),
            ("-Im json.tool", None, false),
            ("-ic x=1", None, true),
            ("-", None, true),
            ("- script.py", None, true),
            ("-q", None, true),
            ("", None, true),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(Line::of(&words), Line { script, prompts }, "{line}");
        }
    }
}
