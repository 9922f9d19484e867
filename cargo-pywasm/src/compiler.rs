//! The variables through which build scripts find the C compiler of an installation.

use std::collections::BTreeMap;

use camino::Utf8Path;

/// Returns the variables of the crates cc, cmake and bindgen for the target. `flags` are added to the
/// sysroot. Other targets are not affected, except by `CC_SHELL_ESCAPED_FLAGS` if a path contains
/// white space or quotes.
pub(crate) fn variables(toolchain: &Utf8Path, flags: &[String]) -> BTreeMap<&'static str, String> {
    let bin = toolchain.join("bin");
    let mut all = vec![format!("--sysroot={}", toolchain.join("share/wasi-sysroot"))];
    all.extend_from_slice(flags);
    let quoted: Vec<String> = all.iter().map(|flag| word(flag)).collect();
    let mut variables = BTreeMap::from([
        ("AR_wasm32_wasip1", bin.join("llvm-ar").into_string()),
        ("BINDGEN_EXTRA_CLANG_ARGS_wasm32_wasip1", quoted.join(" ")),
        ("CC_wasm32_wasip1", bin.join("clang").into_string()),
        ("CFLAGS_wasm32_wasip1", quoted.join(" ")),
        ("CXXFLAGS_wasm32_wasip1", quoted.join(" ")),
        ("CXX_wasm32_wasip1", bin.join("clang++").into_string()),
    ]);
    if quoted != all {
        // Without this variable, the cc crate splits flags at spaces and ignores quotes.
        variables.insert("CC_SHELL_ESCAPED_FLAGS", "1".to_owned());
    }
    variables
}

/// Quotes a flag in a list of flags if a shell would split the flag.
fn word(flag: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./+:,@%".contains(c);
    if flag.chars().all(plain) { flag.to_owned() } else { posix(flag) }
}

/// Quotes a value for POSIX shells, where only a single quote ends a quoted string.
pub(crate) fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_with_a_space_stays_one_flag() {
        assert_eq!(word("--sysroot=/a/b-1.0"), "--sysroot=/a/b-1.0");
        assert_eq!(word("-I/it's a/b"), r"'-I/it'\''s a/b'");
    }
}
