//! What every link for wasm32-wasip1 has, whatever else it has.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The list, a name a line.
const LIST: &str = include_str!("../data/libc.txt");

static NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// Whether libc, libm or the compiler's own library has a symbol of this name.
#[must_use]
pub fn is_of_libc(symbol: &str) -> bool {
    NAMES.contains(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_is_known_and_its_emulations_are_not_part_of_it() {
        for name in ["malloc", "printf", "__wasi_fd_write", "sin", "__multi3"] {
            assert!(is_of_libc(name), "{name}");
        }
        for name in ["getpid", "signal", "dlopen", "mpd_add", "#"] {
            assert!(!is_of_libc(name), "{name}");
        }
    }
}
