//! Breakdown reports: tables, JSON, and a treemap.

mod html;
mod human;
mod json;

pub use html::html;
pub use human::{difference, table};
pub use json::document;

use camino::Utf8PathBuf;

use super::{Breakdown, Diff};

/// A measured module.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The path of its file.
    pub file: Utf8PathBuf,
    /// Its breakdown.
    pub all: Breakdown,
    /// The path of an older module or baseline, and the differences from it.
    pub diff: Option<(Utf8PathBuf, Diff)>,
}

/// Formats a number with separators: `4,012,345`.
pub fn grouped(value: impl TryInto<u64>) -> String {
    let digits = value.try_into().unwrap_or(u64::MAX).to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a part as a percentage of a whole: `12.3 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let permille = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0_u64, 999, 1_000, 4_012_345].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "4,012,345"]);
        assert_eq!((percent(1, 3), percent(1, 0)), ("33.3 %".to_owned(), "0.0 %".to_owned()));
    }
}
