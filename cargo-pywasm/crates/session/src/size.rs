//! Sizes as text.

use bytesize::ByteSize;

/// Formats a size in decimal units: `999 B`, `1.5 kB`, `23.2 MB`, `2.0 GB`.
#[must_use]
pub fn display_size(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_has_a_decimal_unit() {
        let sizes = [0, 999, 1_500, 23_160_540, 2_000_000_000].map(display_size);
        assert_eq!(sizes, ["0 B", "999 B", "1.5 kB", "23.2 MB", "2.0 GB"]);
    }
}
