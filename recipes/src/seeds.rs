//! Seeds: answers of CPython's configure that were measured once and are true
//! for one CPython series and one wasi-libc.

use crate::MinorVersion;

/// A file of `name=value` lines in the form of autoconf's `CONFIG_SITE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The CPython series whose configure asked.
    pub series: MinorVersion,
    /// The first 8 digits of the SHA-256 of the sysroot's `libc.a`.
    pub libc: &'static str,
    /// The answers.
    pub answers: &'static str,
}

macro_rules! seed {
    ($minor:literal, $libc:literal) => {
        Seed {
            series: MinorVersion { major: 3, minor: $minor },
            libc: $libc,
            answers: include_str!(concat!("../seeds/3.", $minor, "-", $libc, ".site")),
        }
    };
}

const SEEDS: &[Seed] = &[
    // wasi-libc 20241209.574b88d, of Debian 13's package.
    seed!(13, "a4874785"),
    seed!(14, "a4874785"),
    // wasi-libc 20260423.161b319, of Debian testing's package.
    seed!(13, "952ffbb2"),
];

/// Every seed there is. `cargo xtask seed` writes them, `cargo xtask e2e` proves them.
#[must_use]
pub const fn seeds() -> &'static [Seed] {
    SEEDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_hold_sorted_answers_and_nothing_of_a_machine() {
        for seed in seeds() {
            let answers: Vec<_> =
                seed.answers.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(answers.is_sorted(), "{} {}", seed.series, seed.libc);
            for answer in answers {
                let (name, _) = answer.split_once('=').unwrap();
                assert!(!answer.contains('/'), "{answer}");
                for machine in ["ac_cv_env_", "ac_cv_prog_", "ac_cv_path_"] {
                    assert!(!name.starts_with(machine), "{answer}");
                }
            }
        }
    }
}
