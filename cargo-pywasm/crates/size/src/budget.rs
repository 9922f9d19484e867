//! Size budgets: limits for a module and its parts, and reports of exceeded limits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytesize::ByteSize;
use camino::Utf8PathBuf;
use serde::Deserialize;

use crate::key::BASELINE;
use crate::report::grouped;
use crate::{Breakdown, Diff, Key, Kind, View};

/// Limits in bytes, and the baseline with which reports compare the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct Budget {
    /// The limits by key.
    pub limits: BTreeMap<Key, u64>,
    /// The path of a baseline. In Cargo.toml, the path is relative to the directory of that file.
    pub baseline: Option<Utf8PathBuf>,
}

/// The value of a key: a number of bytes, or a string that is a size (`"3.4MB"`) or a path.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a size is a whole number of bytes, or a string such as \"3.4MB\"")]
enum Value {
    Bytes(u64),
    Text(String),
}

impl TryFrom<BTreeMap<String, Value>> for Budget {
    type Error = String;

    fn try_from(table: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut budget = Self::default();
        for (key, value) in table {
            match (key.as_str(), value) {
                (BASELINE, Value::Text(path)) => budget.baseline = Some(path.into()),
                (BASELINE, Value::Bytes(_)) => {
                    return Err("the `baseline` of a size budget must be a file path".to_owned());
                }
                (key, Value::Bytes(bytes)) => {
                    budget.limits.insert(key.parse()?, bytes);
                }
                (key, Value::Text(text)) => {
                    let size: ByteSize = text.parse().map_err(|_| {
                        format!("`{key}`: `{text}` is not a size such as `3.4MB` or `900KiB`")
                    })?;
                    budget.limits.insert(key.parse()?, size.as_u64());
                }
            }
        }
        Ok(budget)
    }
}

/// A limit that is exceeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// The part of the module that the limit applies to.
    pub key: Key,
    /// The limit in bytes.
    pub limit: u64,
    /// The actual size in bytes.
    pub bytes: u64,
}

/// The maximum number of parts that a report lists.
const MAX_LINES: usize = 10;

impl Budget {
    /// Returns true if a limit applies to the compressed size.
    #[must_use]
    pub fn needs_gzip(&self) -> bool {
        self.limits.contains_key(&Key::Gzip)
    }

    /// Returns the limits that a module exceeds.
    #[must_use]
    pub fn over(&self, all: &Breakdown) -> Vec<Over> {
        let over = |(key, limit): (&Key, &u64)| {
            let (key, limit, bytes) = (key.clone(), *limit, key.bytes(all)?);
            (bytes > limit).then_some(Over { key, limit, bytes })
        };
        self.limits.iter().filter_map(over).collect()
    }

    /// Returns a warning for each key that applies to nothing in the module. The limit of such a
    /// key is never exceeded, and the key's name is probably misspelled.
    #[must_use]
    pub fn unused_keys(&self, all: &Breakdown) -> Vec<String> {
        let warning = |key: &Key| {
            let near = key.suggestions(all)?;
            let near = if near.is_empty() {
                String::new()
            } else {
                format!(", did you mean {}?", near.join(" or "))
            };
            Some(format!("the size budget limits `{key}`, which the module does not contain{near}"))
        };
        self.limits.keys().filter_map(warning).collect()
    }
}

impl Over {
    /// Returns a report that shows the excess and the parts that grew since an older breakdown.
    /// Without an older breakdown, the report lists the largest parts. Its text ends with a
    /// newline.
    #[must_use]
    pub fn report(&self, all: &Breakdown, old: Option<&Breakdown>) -> String {
        let mut text = format!(
            "error[size-budget]: {}: {} bytes exceed the budget of {} by {}\n",
            self.key,
            grouped(self.bytes),
            grouped(self.limit),
            grouped(self.bytes - self.limit)
        );
        let mine = all.only(|row| self.key.applies_to(all, row));
        let largest = |text: &mut String| {
            let view = View::of(&mine, self.key.table(true));
            for entry in view.entries.iter().take(MAX_LINES) {
                let _ = writeln!(text, "    {:>12}  {}", grouped(entry.bytes), entry.label);
            }
        };
        let Some(old) = old else {
            text.push_str("    there is no older build to compare with; the largest parts are\n");
            largest(&mut text);
            return text;
        };
        let is_named = old.rows.iter().any(|row| row.name.is_some() && row.kind != Kind::Python);
        let old = old.only(|row| self.key.applies_to(old, row));
        let diff = Diff::of(&old, &mine, self.key.table(is_named));
        let grown: Vec<_> = diff.grown().collect();
        if grown.is_empty() {
            // The module exceeds the budget although no part grew, for example because the budget
            // was lowered.
            text.push_str("    no part grew since the older build; the largest parts are\n");
            largest(&mut text);
        }
        for change in grown.iter().take(MAX_LINES) {
            let now = if change.before == 0 {
                "new".to_owned()
            } else {
                format!("{} -> {}", grouped(change.before), grouped(change.after))
            };
            let by = format!("+{}", grouped(change.after - change.before));
            let _ = writeln!(text, "    {by:>12}  {} ({now})", change.label);
        }
        if grown.len() > MAX_LINES {
            let _ = writeln!(text, "    {:>12}  … {} more", "", grown.len() - MAX_LINES);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::{breakdown, example};

    fn budget(text: &str) -> Result<Budget, String> {
        #[derive(Deserialize)]
        struct Table {
            budget: Budget,
        }
        toml::from_str::<Table>(&format!("budget = {text}"))
            .map(|it| it.budget)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn limit_has_bytes_or_a_unit() {
        let read = budget(
            r#"{ total = "3.4MB", gzip = 1000, "crate:ic-cdk" = "1KiB", baseline = "size.json" }"#,
        )
        .unwrap();
        let limits: Vec<(String, u64)> =
            read.limits.iter().map(|(key, limit)| (key.to_string(), *limit)).collect();
        assert_eq!(
            limits,
            [
                ("total".to_owned(), 3_400_000),
                ("gzip".to_owned(), 1000),
                ("crate:ic_cdk".to_owned(), 1024)
            ]
        );
        assert_eq!(read.baseline, Some("size.json".into()));
        assert!(read.needs_gzip());
    }

    #[test]
    fn malformed_budget_is_refused_with_a_suggestion() {
        for (text, message) in [
            (r#"{ totl = "1MB" }"#, "did you mean `total`?"),
            (r#"{ "modul:json" = 1 }"#, "did you mean `module`?"),
            (r#"{ "module:" = 1 }"#, "lacks a name"),
            (r#"{ total = "many" }"#, "`many` is not a size"),
            ("{ baseline = 3 }", "a file path"),
            ("{ total = 3.4 }", "a whole number of bytes"),
            ("{ total = -1 }", "a whole number of bytes"),
        ] {
            let error = budget(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn limit_applies_to_its_key() {
        let all = Breakdown { gzip: Some(70), ..example() };
        let of = |key: &str| key.parse::<Key>().unwrap().bytes(&all);
        for (key, bytes) in [
            ("total", 240),
            ("gzip", 70),
            ("code", 155),
            ("data", 37),
            ("python", 30),
            ("module:email", 30),
            ("module:email.mime", 20),
            ("module:ema", 0),
            ("crate:core", 50),
            ("object:call.o", 107),
            ("object:l.a(call.o)", 107),
            ("object:l.a", 0),
        ] {
            assert_eq!(of(key), Some(bytes), "{key}");
        }
        let kept = budget(r#"{ total = 240, python = 30 }"#).unwrap();
        assert!(kept.over(&all).is_empty());
        let over = budget(r#"{ total = 239, "module:emial" = 5 }"#).unwrap();
        assert_eq!(over.over(&all), [Over { key: Key::Total, limit: 239, bytes: 240 }]);
        assert_eq!(
            over.unused_keys(&all),
            ["the size budget limits `module:emial`, which the module does not contain, \
              did you mean `email`?"]
        );
    }

    #[test]
    fn report_has_the_parts_that_grew() {
        let new = breakdown(&[
            (Kind::Python, "data", "email", "", "email", 40),
            (Kind::Python, "data", "email.mime.text", "", "email.mime.text", 20),
            (Kind::Python, "data", "decimal", "", "decimal", 5000),
        ]);
        let over = Over { key: Key::Kind(Kind::Python), limit: 100, bytes: 5060 };
        assert_eq!(
            over.report(&new, Some(&example())),
            "error[size-budget]: python: 5,060 bytes exceed the budget of 100 by 4,960\n          \
             +5,000  decimal (new)\n             +30  email (10 -> 40)\n"
        );
        assert!(over.report(&new, None).contains("5,000  decimal\n"));
        let same = over.report(&new, Some(&new));
        assert!(same.contains("no part grew") && same.contains("5,000  decimal\n"), "{same}");
    }
}
