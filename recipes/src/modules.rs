//! The extension modules that CPython's `Modules/Setup*.in` files list, for each series.

use crate::MinorVersion;

/// Returns the extension modules of a series, sorted. For a series without a list, returns those of
/// the newest known series.
pub fn known_modules(series: MinorVersion) -> impl Iterator<Item = &'static str> {
    let list = match (series.major, series.minor) {
        (3, ..=13) => include_str!("../builtin/modules-3.13.txt"),
        (3, 14) => include_str!("../builtin/modules-3.14.txt"),
        _ => include_str!("../builtin/modules-3.15.txt"),
    };
    list.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Returns true if the CPython series has an extension module with this name.
#[must_use]
pub fn is_known_module(series: MinorVersion, name: &str) -> bool {
    known_modules(series).any(|module| module == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_contain_disabled_modules() {
        for text in ["3.13", "3.14", "3.15"] {
            let series: MinorVersion = text.parse().unwrap();
            let names: Vec<_> = known_modules(series).collect();
            assert!(names.is_sorted(), "{text}");
            for name in ["_decimal", "_elementtree", "_hashlib", "pyexpat"] {
                assert!(is_known_module(series, name), "{text} {name}");
            }
        }
    }
}
