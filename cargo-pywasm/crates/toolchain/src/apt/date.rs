//! Dates in release files.

/// Parses a date such as `Sat, 28 Nov 2026 08:13:45 UTC` into seconds since 1970:
/// <https://wiki.debian.org/DebianRepository/Format#Date.2C_Valid-Until>.
pub(super) fn seconds(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, clock, "UTC" | "GMT" | "+0000"] = words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year) = (day.parse::<u64>().ok()?, year.parse::<u64>().ok()?);
    let clock: Vec<u64> =
        clock.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<_>>>()?;
    let [hours, minutes, seconds] = clock.as_slice() else { return None };
    // These bounds keep the following subtractions from underflowing.
    if !(1970..10_000).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    // Let years begin in March, so that the leap day is the last day of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_parsed_and_other_texts_are_not() {
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(seconds("Thu, 29 Feb 2024 12:00:00 UTC"), Some(1_709_208_000));
        for text in ["", "soon", "Thu, 01 Jun 1970 00:00 UTC", "Thu, 99 Jan 0 00:00:00 UTC"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
