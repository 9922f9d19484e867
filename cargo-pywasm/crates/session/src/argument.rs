//! Arguments that are either the name of a built-in item or the path of a file.

/// Returns true if a `NAME|PATH` argument is the path of a recipe or policy rather than a name. A
/// path contains a `/` or ends in `.toml`.
#[must_use]
pub fn is_path(argument: &str) -> bool {
    argument.contains('/') || argument.ends_with(".toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_has_a_slash_or_the_extension() {
        assert!(is_path("./ic") && is_path("mine.toml"));
        assert!(!is_path("ic"));
    }
}
