//! Seeds: recorded results of CPython's configure script, each for one CPython series and one
//! wasi-libc.

use crate::MinorVersion;

/// Recorded configure results in the format of an autoconf `CONFIG_SITE` file, which consists of
/// `name=value` lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seed {
    /// The CPython series.
    pub series: MinorVersion,
    /// The first 8 digits of the SHA-256 digest of the sysroot's `libc.a`.
    pub libc: &'static str,
    /// The recorded results.
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
    // wasi-libc 20241209.574b88d, as packaged in Debian 13.
    seed!(13, "a4874785"),
    seed!(14, "a4874785"),
    seed!(15, "a4874785"),
    // wasi-libc 20260423.161b319, as packaged in Debian testing.
    seed!(13, "952ffbb2"),
];

/// Returns all seeds. `cargo xtask seed` records them, and `cargo xtask e2e` verifies them.
#[must_use]
pub const fn seeds() -> &'static [Seed] {
    SEEDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_sorted_and_machine_independent() {
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
