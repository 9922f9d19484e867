//! The symbols that are part of every link for wasm32-wasip1.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The symbols, one per line, below a comment.
const LIST: &str = include_str!("../data/libc.txt");

static NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// Returns true if libc, libm or the compiler's runtime library defines this symbol.
#[must_use]
pub fn is_libc_symbol(symbol: &str) -> bool {
    NAMES.contains(symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libc_excludes_emulation_libraries() {
        for name in ["malloc", "printf", "__wasi_fd_write", "sin", "__multi3"] {
            assert!(is_libc_symbol(name), "{name}");
        }
        for name in ["getpid", "signal", "dlopen", "mpd_add", "#"] {
            assert!(!is_libc_symbol(name), "{name}");
        }
    }
}
