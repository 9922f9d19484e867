//! Stub behaviours, and the rules that assign them to symbols.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use glob::Pattern;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The action that a stub performs when it is called. A stub for a variable contains zeros, except
/// that `Value(N)` sets its first eight bytes to N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// `trap`: reports the name of the symbol and then traps.
    #[default]
    Trap,
    /// `errno`: sets `errno` to ENOSYS and returns -1.
    Errno,
    /// `null`: returns zero.
    Null,
    /// `value=N`: returns the number.
    Value(i64),
    /// `python-error`, `python-error=N`: raises NotImplementedError with the symbol's name, and
    /// returns N, or NULL if there is no N. A C API function that returns an `int` reports an error
    /// with -1, so its stub needs `python-error=-1`.
    PythonError(i64),
    /// `shim`: links a small implementation in C, which exists for a few symbols.
    Shim,
    /// `import-error`: raises ImportError, as for a module that does not exist, so that Python code
    /// uses its fallback. For `PyInit_NAME` functions only.
    ImportError,
}

/// The error for a string that is not a stub behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a stub behaviour; expected one of trap, errno, null, value=N, python-error, \
     python-error=N, import-error, shim"
)]
pub struct ParseBehaviourError(String);

impl FromStr for Behaviour {
    type Err = ParseBehaviourError;

    fn from_str(text: &str) -> Result<Self, ParseBehaviourError> {
        let number = |text: &str| text.trim().parse().ok();
        let known = match text.split_once('=') {
            None => match text.trim() {
                "trap" => Some(Self::Trap),
                "errno" => Some(Self::Errno),
                "null" => Some(Self::Null),
                "python-error" => Some(Self::PythonError(0)),
                "shim" => Some(Self::Shim),
                "import-error" => Some(Self::ImportError),
                _ => None,
            },
            Some((word, value)) => match word.trim() {
                "value" => number(value).map(Self::Value),
                "python-error" => number(value).map(Self::PythonError),
                _ => None,
            },
        };
        known.ok_or_else(|| ParseBehaviourError(text.to_owned()))
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap => f.write_str("trap"),
            Self::Errno => f.write_str("errno"),
            Self::Null => f.write_str("null"),
            Self::Value(value) => write!(f, "value={value}"),
            Self::PythonError(0) => f.write_str("python-error"),
            Self::PythonError(value) => write!(f, "python-error={value}"),
            Self::Shim => f.write_str("shim"),
            Self::ImportError => f.write_str("import-error"),
        }
    }
}

impl<'de> Deserialize<'de> for Behaviour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Behaviour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Stub behaviours, keyed by symbol name or pattern (`mpd_*`). If several patterns match a symbol,
/// the most specific one applies, regardless of the order in which the rules were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<String, (Pattern, Behaviour)>);

/// The error for a malformed rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The behaviour is unknown.
    #[error(transparent)]
    Behaviour(#[from] ParseBehaviourError),
    /// The pattern is malformed.
    #[error("`{pattern}` is not a pattern: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The parser's message.
        message: String,
    },
    /// There is no `=`.
    #[error("`{0}` is not a rule such as `mpd_*=trap`")]
    Form(String),
}

impl Rules {
    /// Adds a rule, which replaces any earlier rule for the same pattern.
    ///
    /// # Errors
    /// If the pattern is malformed.
    pub fn add(&mut self, pattern: &str, behaviour: Behaviour) -> Result<(), RuleError> {
        let compiled = Pattern::new(pattern).map_err(|error| RuleError::Pattern {
            pattern: pattern.to_owned(),
            message: error.to_string(),
        })?;
        self.0.insert(pattern.to_owned(), (compiled, behaviour));
        Ok(())
    }

    /// Reads a table of patterns and behaviours, such as a recipe's `[stubs]`.
    ///
    /// # Errors
    /// If a pattern or a behaviour is invalid.
    pub fn from_table(table: &BTreeMap<String, String>) -> Result<Self, RuleError> {
        let mut rules = Self::default();
        for (pattern, behaviour) in table {
            rules.add(pattern, behaviour.parse()?)?;
        }
        Ok(rules)
    }

    /// Adds a rule in the form `PATTERN=BEHAVIOUR`, such as `mpd_*=trap`.
    ///
    /// # Errors
    /// If the text is not such a rule.
    pub fn add_text(&mut self, rule: &str) -> Result<(), RuleError> {
        let (pattern, behaviour) =
            rule.split_once('=').ok_or_else(|| RuleError::Form(rule.to_owned()))?;
        self.add(pattern.trim(), behaviour.parse()?)
    }

    /// Returns the pattern and behaviour that apply to a symbol.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(&str, Behaviour)> {
        let matching = self.0.iter().filter(|(_, (pattern, _))| pattern.matches(name));
        matching
            .max_by_key(|(text, _)| {
                (*text == name, specificity(text), std::cmp::Reverse(text.len()))
            })
            .map(|(text, (_, behaviour))| (text.as_str(), *behaviour))
    }

    /// Returns the pattern and behaviour that apply to an import such as `env.mpd_add`. A pattern
    /// that contains a dot is matched against the whole import, and any other pattern against the
    /// function name only.
    #[must_use]
    pub fn get_import(&self, module: &str, name: &str) -> Option<(&str, Behaviour)> {
        let whole = format!("{module}.{name}");
        let subject = |text: &str| if text.contains('.') { &whole } else { name };
        let matching = self.0.iter().filter(|(text, (it, _))| it.matches(subject(text)));
        let function = |text: &str| specificity(text.rsplit('.').next().unwrap_or(text));
        matching
            .max_by_key(|(text, _)| (**text == whole, function(text), specificity(text)))
            .map(|(text, (_, behaviour))| (text.as_str(), *behaviour))
    }

    /// Returns every pattern that matches a name, sorted, including those that a more specific
    /// pattern overrides.
    pub fn matching(&self, name: &str) -> impl Iterator<Item = &str> {
        let matching = self.0.iter().filter(move |(_, (pattern, _))| pattern.matches(name));
        matching.map(|(text, _)| text.as_str())
    }

    /// Returns the patterns, sorted.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns true if there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns the number of literal characters in a pattern.
fn specificity(pattern: &str) -> usize {
    pattern.chars().filter(|c| !matches!(c, '*' | '?')).count()
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rules = Self::default();
        for (pattern, behaviour) in BTreeMap::<String, Behaviour>::deserialize(deserializer)? {
            rules.add(&pattern, behaviour).map_err(de::Error::custom)?;
        }
        Ok(rules)
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(text, (_, behaviour))| (text, behaviour)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_from_str_round_trip() {
        let all = "trap errno null value=-3 python-error python-error=-1 import-error shim";
        for text in all.split(' ') {
            assert_eq!(text.parse::<Behaviour>().unwrap().to_string(), text);
        }
        for text in ["", "panic", "value", "value=x", "trap=1", "errno=2"] {
            assert!(text.parse::<Behaviour>().is_err(), "{text}");
        }
    }

    #[test]
    fn most_specific_rule_applies() {
        let mut rules = Rules::default();
        for rule in ["*=null", "mpd_*=trap", "mpd_q*=errno", "mpd_qnew=value=7"] {
            rules.add_text(rule).unwrap();
        }
        let of = |name| rules.get(name).unwrap().1.to_string();
        assert_eq!(of("other"), "null");
        assert_eq!(of("mpd_add"), "trap");
        assert_eq!(of("mpd_qadd"), "errno");
        assert_eq!(of("mpd_qnew"), "value=7");
        assert!(Rules::default().get("x").is_none());
    }

    #[test]
    fn import_rules_match_function_or_whole_name() {
        let mut rules = Rules::default();
        for rule in ["env.*=trap", "gone=null", "w*=errno", "wasi.fd_*=value=1"] {
            rules.add_text(rule).unwrap();
        }
        let of = |module, name| rules.get_import(module, name).map(|(pattern, _)| pattern);
        assert_eq!(of("env", "other"), Some("env.*"));
        assert_eq!(of("env", "gone"), Some("gone"));
        // `w*` matches function names, not module names.
        assert_eq!(of("wasi", "sock"), None);
        assert_eq!(of("wasi", "fd_read"), Some("wasi.fd_*"));
        assert_eq!(of("wasi", "wait"), Some("w*"));
    }

    #[test]
    fn rules_are_read_from_toml() {
        let rules: Rules = toml::from_str("\"mpd_*\" = \"trap\"\n").unwrap();
        assert_eq!(rules.get("mpd_add"), Some(("mpd_*", Behaviour::Trap)));
        let error = toml::from_str::<Rules>("x = \"panic\"\n").unwrap_err();
        assert!(error.to_string().contains("`panic`"), "{error}");
        assert!(toml::from_str::<Rules>("\"[\" = \"trap\"\n").is_err());
    }
}
