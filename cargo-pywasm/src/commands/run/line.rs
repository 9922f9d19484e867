//! Python's own command line, read only as far as to know which file it runs.

/// What Python's command line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where the script stands in it, if there is one.
    pub(super) script: Option<usize>,
    /// Whether Python asks for more on a terminal.
    pub(super) prompts: bool,
}

impl Line {
    /// Source of the options: `SHORT_OPTS` and `longopts` in CPython's `Python/getopt.c`.
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
                    // The rest of the word or the next one is code; what follows is its own.
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
    fn the_script_is_found_behind_pythons_own_options() {
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
