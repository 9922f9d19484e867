//! Debian's version ordering.

use std::cmp::Ordering;

/// Compares two versions: <https://www.debian.org/doc/debian-policy/ch-controlfields.html#version>.
/// In runs of non-digits, letters sort before all other characters, and `~` sorts even before the
/// end of the run. Runs of digits compare as numbers.
pub(super) fn compare_versions(a: &str, b: &str) -> Ordering {
    let epoch = |text: &str| -> (u64, String) {
        match text.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest.to_owned()),
            None => (0, text.to_owned()),
        }
    };
    let ((epoch_a, a), (epoch_b, b)) = (epoch(a), epoch(b));
    epoch_a.cmp(&epoch_b).then_with(|| {
        let (mut a, mut b) = (a.as_str(), b.as_str());
        while !a.is_empty() || !b.is_empty() {
            let (text_a, text_b) = (run(&mut a, false), run(&mut b, false));
            let weight = |text: &str| -> Vec<i32> {
                let weigh = |c: char| match c {
                    '~' => -1,
                    c if c.is_ascii_alphabetic() => c as i32,
                    c => c as i32 + 256,
                };
                text.chars().map(weigh).chain([0]).collect()
            };
            let order = weight(text_a).cmp(&weight(text_b)).then_with(|| {
                let number = |text: &str| text.parse::<u64>().unwrap_or(0);
                number(run(&mut a, true)).cmp(&number(run(&mut b, true)))
            });
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    })
}

/// Removes and returns the leading run of digits (if `digits` is true) or of other characters.
fn run<'a>(text: &mut &'a str, digits: bool) -> &'a str {
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_debian_policy() {
        for (less, greater) in [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0+b1"),
            ("1.9", "1.10"),
            ("2.0", "1:1.0"),
            ("1:22.1.8-1~deb12u1", "1:22.1.8-1"),
        ] {
            assert_eq!(compare_versions(less, greater), Ordering::Less, "{less} {greater}");
        }
    }
}
