//! Stanzas, the format of apt's indexes, release files and `.sources` files:
//! <https://manpages.debian.org/deb822.5>.
//!
//! A stanza borrows its text and is parsed only when it is used, because an index has 60,000
//! stanzas, of which eight are used.

/// One block of `Field: value` lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stanza<'a>(&'a str);

/// Returns the stanzas of a file, in order.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    text.split("\n\n").map(|block| Stanza(block.trim_matches('\n'))).filter(|it| !it.0.is_empty())
}

impl<'a> Stanza<'a> {
    /// Returns the value of a field with its continuation lines and without comments. Names are
    /// case-insensitive.
    pub(super) fn get(&self, field: &str) -> Option<String> {
        let mut lines = self.0.lines().filter(|line| !line.starts_with('#'));
        let first = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(field).then_some(value)
        })?;
        let mut value = first.trim().to_owned();
        for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
            value.push('\n');
            value.push_str(line.trim());
        }
        Some(value)
    }

    /// Returns the value of a field if the field is the first in the stanza, like `Package` in an
    /// index, so that a caller can skip a stanza after one comparison.
    pub(super) fn leading(&self, field: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix(field)?.strip_prefix(':')?;
        Some(rest.lines().next().unwrap_or_default().trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fold_and_comments_are_removed() {
        let text = "Package: a\nDepends: b,\n c\n# no\nVersion: 1\n\n\nPackage: d\n";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].leading("Package"), Some("a"));
        assert_eq!(all[0].get("depends").unwrap(), "b,\nc");
        assert_eq!(all[0].get("Version").unwrap(), "1");
        assert_eq!(all[1].get("Version"), None);
    }
}
