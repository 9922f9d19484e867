//! How large a module and its parts may be, as a project says it, and what to tell where one is too large.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytesize::ByteSize;
use camino::Utf8PathBuf;
use serde::Deserialize;

use super::key::BASELINE;
use super::report::grouped;
use super::{Breakdown, Diff, Key, Kind, View};

/// Limits in bytes, and with what a module that is too large is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct Budget {
    /// By what they are of.
    pub limits: BTreeMap<Key, u64>,
    /// A baseline, relative to the Cargo.toml.
    pub baseline: Option<Utf8PathBuf>,
}

/// `"3.4MB"`, `3400000`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a size is a whole number of bytes, or a text as `3.4MB`")]
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
                    return Err("`baseline` of a size budget is the path of a file".to_owned());
                }
                (key, Value::Bytes(bytes)) => {
                    budget.limits.insert(key.parse()?, bytes);
                }
                (key, Value::Text(text)) => {
                    let size: ByteSize = text.parse().map_err(|_| {
                        format!(
                            "`{key}`: `{text}` is not a size, as `3.4MB`, `900KiB` or `1000` are"
                        )
                    })?;
                    budget.limits.insert(key.parse()?, size.as_u64());
                }
            }
        }
        Ok(budget)
    }
}

/// A limit that is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// Of what.
    pub key: Key,
    /// The limit, in bytes.
    pub limit: u64,
    /// How much there is.
    pub bytes: u64,
}

/// How much of what grew is told.
const MOST: usize = 10;

impl Budget {
    /// Whether the compressed size has to be known for it.
    #[must_use]
    pub fn needs_gzip(&self) -> bool {
        self.limits.contains_key(&Key::Gzip)
    }

    /// The limits that are not kept.
    #[must_use]
    pub fn over(&self, all: &Breakdown) -> Vec<Over> {
        let over = |(key, limit): (&Key, &u64)| {
            let (key, limit, bytes) = (key.clone(), *limit, key.bytes(all)?);
            (bytes > limit).then_some(Over { key, limit, bytes })
        };
        self.limits.iter().filter_map(over).collect()
    }

    /// A sentence for each name that nothing is of: a limit that always holds is hardly meant.
    #[must_use]
    pub fn of_nothing(&self, all: &Breakdown) -> Vec<String> {
        let said = |key: &Key| {
            let near = key.near(all)?;
            let near = if near.is_empty() {
                String::new()
            } else {
                format!("; near is {}", near.join(" or "))
            };
            Some(format!("the size budget has `{key}`, of which the module has nothing{near}"))
        };
        self.limits.keys().filter_map(said).collect()
    }
}

impl Over {
    /// What is too much, and what of it grew since an older breakdown; without one, what is most of it.
    /// Ends with a newline.
    #[must_use]
    pub fn told(&self, all: &Breakdown, old: Option<&Breakdown>) -> String {
        let mut text = format!(
            "error[size-budget]: {}: {} bytes; the budget is {}, {} less\n",
            self.key,
            grouped(self.bytes),
            grouped(self.limit),
            grouped(self.bytes - self.limit)
        );
        let mine = all.only(|row| self.key.has(all, row));
        let largest = |text: &mut String| {
            let view = View::of(&mine, self.key.by(true));
            for entry in view.entries.iter().take(MOST) {
                let _ = writeln!(text, "    {:>12}  {}", grouped(entry.bytes), entry.label);
            }
        };
        let Some(old) = old else {
            text.push_str("    of no older build is known how large it was; the largest are\n");
            largest(&mut text);
            return text;
        };
        let is_named = old.rows.iter().any(|row| row.name != 0 && row.kind != Kind::Python);
        let old = old.only(|row| self.key.has(old, row));
        let diff = Diff::of(&old, &mine, self.key.by(is_named));
        let grown: Vec<_> = diff.grown().collect();
        if grown.is_empty() {
            // It is the budget that has become smaller.
            text.push_str(
                "    nothing of it grew since the build that it is compared with; the largest are\n",
            );
            largest(&mut text);
        }
        for change in grown.iter().take(MOST) {
            let now = if change.before == 0 {
                "new".to_owned()
            } else {
                format!("{} -> {}", grouped(change.before), grouped(change.after))
            };
            let by = format!("+{}", grouped(change.after - change.before));
            let _ = writeln!(text, "    {by:>12}  {} ({now})", change.label);
        }
        if grown.len() > MOST {
            let _ = writeln!(text, "    {:>12}  … {} more", "", grown.len() - MOST);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{breakdown, example};

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
    fn limits_are_read_in_bytes_or_with_a_unit() {
        let read = budget(
            r#"{ total = "3.4MB", gzip = 1000, "crate:ic-cdk" = "1KiB", baseline = "size.json" }"#,
        )
        .unwrap();
        let told: Vec<(String, u64)> =
            read.limits.iter().map(|(key, limit)| (key.to_string(), *limit)).collect();
        assert_eq!(
            told,
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
    fn a_key_or_a_size_that_is_none_is_refused_with_what_is_near() {
        for (text, said) in [
            (r#"{ totl = "1MB" }"#, "near is `total`"),
            (r#"{ "modul:json" = 1 }"#, "near is `module`"),
            (r#"{ "module:" = 1 }"#, "has no name"),
            (r#"{ total = "many" }"#, "`many` is not a size"),
            ("{ baseline = 3 }", "the path of a file"),
            ("{ total = 3.4 }", "a whole number of bytes"),
            ("{ total = -1 }", "a whole number of bytes"),
        ] {
            let error = budget(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn limits_hold_for_what_they_name() {
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
        let nothing = over.of_nothing(&all);
        assert!(
            nothing[0].contains("`module:emial`") && nothing[0].contains("near is `email`"),
            "{nothing:?}"
        );
    }

    #[test]
    fn what_is_too_large_is_told_with_what_grew() {
        let new = breakdown(&[
            (Kind::Python, "data", "email", "", "email", 40),
            (Kind::Python, "data", "email.mime.text", "", "email.mime.text", 20),
            (Kind::Python, "data", "decimal", "", "decimal", 5000),
        ]);
        let over = Over { key: Key::Kind(Kind::Python), limit: 100, bytes: 5060 };
        assert_eq!(
            over.told(&new, Some(&example())),
            "error[size-budget]: python: 5,060 bytes; the budget is 100, 4,960 less\n          \
             +5,000  decimal (new)\n             +30  email (10 -> 40)\n"
        );
        assert!(over.told(&new, None).contains("5,000  decimal\n"));
        let same = over.told(&new, Some(&new));
        assert!(same.contains("nothing of it grew") && same.contains("5,000  decimal\n"), "{same}");
    }
}
