//! What a stub does when it is called, and the rules that choose it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use glob::Pattern;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What a stub does when it is called. A variable has zeros for all of these but `Value`, which is
/// its first word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// `trap`: ends the program, and says its name before.
    #[default]
    Trap,
    /// `errno`: returns -1, with `errno` set to ENOSYS.
    Errno,
    /// `null`: returns zero.
    Null,
    /// `value=N`: returns the number.
    Value(i64),
    /// `python-error`, `python-error=N`: sets NotImplementedError, which names the symbol, and
    /// returns NULL or the number (-1 is what functions of the C API return that give an `int`).
    PythonError(i64),
    /// `shim`: the small real function that this tool has for a few symbols, in C.
    Shim,
    /// `import-error`: for `PyInit_NAME`; sets ImportError, as Python expects of a module that is
    /// not there, so that code with a fall-back takes it.
    ImportError,
}

/// A text that is no behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not what a stub can do: trap, errno, null, value=N, python-error, python-error=N, \
     import-error, shim"
)]
pub struct NotABehaviour(String);

impl FromStr for Behaviour {
    type Err = NotABehaviour;

    fn from_str(text: &str) -> Result<Self, NotABehaviour> {
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
        known.ok_or_else(|| NotABehaviour(text.to_owned()))
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

/// Which symbols have which behaviour, by name or by pattern (`mpd_*`). Where several match, the
/// one that says most of the name counts: the order does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(BTreeMap<String, (Pattern, Behaviour)>);

/// A text that is no rule.
#[derive(Debug, thiserror::Error)]
pub enum NotARule {
    /// The behaviour.
    #[error(transparent)]
    Behaviour(#[from] NotABehaviour),
    /// The pattern.
    #[error("`{0}` is not a pattern: {1}")]
    Pattern(String, glob::PatternError),
    /// There is no `=`.
    #[error("`{0}` is not a rule, as `mpd_*=trap` is")]
    Form(String),
}

impl Rules {
    /// Adds one; a later one for the same pattern takes its place.
    ///
    /// # Errors
    /// When it is no pattern.
    pub fn add(&mut self, pattern: &str, behaviour: Behaviour) -> Result<(), NotARule> {
        let compiled =
            Pattern::new(pattern).map_err(|error| NotARule::Pattern(pattern.to_owned(), error))?;
        self.0.insert(pattern.to_owned(), (compiled, behaviour));
        Ok(())
    }

    /// Reads a table of patterns and behaviours, such as `[stubs]` of a recipe.
    ///
    /// # Errors
    /// When a pattern or a behaviour is invalid.
    pub fn from_table(table: &BTreeMap<String, String>) -> Result<Self, NotARule> {
        let mut rules = Self::default();
        for (pattern, behaviour) in table {
            rules.add(pattern, behaviour.parse()?)?;
        }
        Ok(rules)
    }

    /// Adds `mpd_*=trap`.
    ///
    /// # Errors
    /// When it is no rule.
    pub fn add_text(&mut self, rule: &str) -> Result<(), NotARule> {
        let (pattern, behaviour) =
            rule.split_once('=').ok_or_else(|| NotARule::Form(rule.to_owned()))?;
        self.add(pattern.trim(), behaviour.parse()?)
    }

    /// The pattern that decides for a name, and what it says.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<(&str, Behaviour)> {
        let matching = self.0.iter().filter(|(_, (pattern, _))| pattern.matches(name));
        matching
            .max_by_key(|(text, _)| (*text == name, said(text), std::cmp::Reverse(text.len())))
            .map(|(text, (_, behaviour))| (text.as_str(), *behaviour))
    }

    /// The same for an import, `env.mpd_add`: a pattern with a dot speaks of the whole of it, one
    /// without of the function's name.
    #[must_use]
    pub fn of_import(&self, module: &str, name: &str) -> Option<(&str, Behaviour)> {
        let whole = format!("{module}.{name}");
        let speaks_of =
            |text: &str| if text.contains('.') { whole.clone() } else { name.to_owned() };
        let matching = self.0.iter().filter(|(text, (it, _))| it.matches(&speaks_of(text)));
        let function = |text: &str| text.rsplit('.').next().unwrap_or(text).to_owned();
        matching
            .max_by_key(|(text, _)| (**text == whole, said(&function(text)), said(text)))
            .map(|(text, (_, behaviour))| (text.as_str(), *behaviour))
    }

    /// Every pattern that matches a name, whether it decides or not, sorted.
    pub fn matching(&self, name: &str) -> impl Iterator<Item = &str> {
        let matching = self.0.iter().filter(move |(_, (pattern, _))| pattern.matches(name));
        matching.map(|(text, _)| text.as_str())
    }

    /// The patterns, sorted.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How much of a name a pattern says.
fn said(pattern: &str) -> usize {
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
    fn what_is_written_is_read() {
        let all = "trap errno null value=-3 python-error python-error=-1 import-error shim";
        for text in all.split(' ') {
            assert_eq!(text.parse::<Behaviour>().unwrap().to_string(), text);
        }
        for text in ["", "panic", "value", "value=x", "trap=1", "errno=2"] {
            assert!(text.parse::<Behaviour>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_rule_that_says_most_of_a_name_counts() {
        let mut rules = Rules::default();
        for rule in ["*=null", "mpd_*=trap", "mpd_q*=errno", "mpd_qnew=value=7"] {
            rules.add_text(rule).unwrap();
        }
        let of = |name| rules.of(name).unwrap().1.to_string();
        assert_eq!(of("other"), "null");
        assert_eq!(of("mpd_add"), "trap");
        assert_eq!(of("mpd_qadd"), "errno");
        assert_eq!(of("mpd_qnew"), "value=7");
        assert!(Rules::default().of("x").is_none());
    }

    #[test]
    fn of_an_import_a_rule_names_the_function_or_the_whole() {
        let mut rules = Rules::default();
        for rule in ["env.*=trap", "gone=null", "w*=errno", "wasi.fd_*=value=1"] {
            rules.add_text(rule).unwrap();
        }
        let of = |module, name| rules.of_import(module, name).map(|(pattern, _)| pattern);
        assert_eq!(of("env", "other"), Some("env.*"));
        assert_eq!(of("env", "gone"), Some("gone"));
        // Of functions that begin with it, not of modules.
        assert_eq!(of("wasi", "sock"), None);
        assert_eq!(of("wasi", "fd_read"), Some("wasi.fd_*"));
        assert_eq!(of("wasi", "wait"), Some("w*"));
    }

    #[test]
    fn rules_are_a_table_of_toml() {
        let rules: Rules = toml::from_str("\"mpd_*\" = \"trap\"\n").unwrap();
        assert_eq!(rules.of("mpd_add"), Some(("mpd_*", Behaviour::Trap)));
        let error = toml::from_str::<Rules>("x = \"panic\"\n").unwrap_err();
        assert!(error.to_string().contains("`panic`"), "{error}");
        assert!(toml::from_str::<Rules>("\"[\" = \"trap\"\n").is_err());
    }
}
