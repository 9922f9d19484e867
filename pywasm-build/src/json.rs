//! Typed access to parsed JSON.

use std::collections::HashMap;

pub(crate) use tinyjson::JsonValue as Json;

/// Parses a document.
///
/// # Errors
/// When the bytes are not UTF-8 or not JSON; the message contains the position.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    text.parse().map_err(|error: tinyjson::JsonParseError| error.to_string())
}

/// Returns the value at a path of keys, such as `python.version`.
pub(crate) fn at<'a>(value: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(value, |value, key| value.get::<HashMap<String, Json>>()?.get(key))
}

/// Returns the string at a path.
pub(crate) fn text<'a>(value: &'a Json, path: &str) -> Option<&'a str> {
    at(value, path)?.get::<String>().map(String::as_str)
}

/// Returns the boolean at a path.
pub(crate) fn flag(value: &Json, path: &str) -> Option<bool> {
    at(value, path)?.get::<bool>().copied()
}

/// Returns the whole number at a path.
pub(crate) fn number(value: &Json, path: &str) -> Option<u32> {
    let number = *at(value, path)?.get::<f64>()?;
    // The conversion saturates, so the comparison is false if the number does not fit.
    Some(number as u32).filter(|whole| f64::from(*whole) == number)
}

/// Returns the elements of the array at a path, or an empty slice if there is no array.
pub(crate) fn list<'a>(value: &'a Json, path: &str) -> &'a [Json] {
    at(value, path).and_then(|value| value.get::<Vec<Json>>()).map_or(&[], Vec::as_slice)
}

/// Returns the strings in the array at a path, or an empty iterator if there is no array.
pub(crate) fn texts<'a>(value: &'a Json, path: &str) -> impl Iterator<Item = &'a str> {
    list(value, path).iter().filter_map(|value| value.get::<String>().map(String::as_str))
}

/// Checks the format version, which is the number at the key `version`.
///
/// # Errors
/// When the version is missing or is not the expected one.
pub(crate) fn check_version(value: &Json, expected: u32) -> Result<(), String> {
    match at(value, "version").and_then(|value| value.get::<f64>()) {
        Some(version) if *version == f64::from(expected) => Ok(()),
        Some(version) => {
            Err(format!("its format version is {version}, but {expected} is expected"))
        }
        None => Err("it has no `version`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_path_and_type() {
        let value =
            parse(br#"{"a": {"b": "c"}, "list": ["x", 1, "y"], "yes": true, "n": 7}"#).unwrap();
        assert_eq!(text(&value, "a.b"), Some("c"));
        assert_eq!(text(&value, "a"), None);
        assert_eq!(texts(&value, "list").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(flag(&value, "yes"), Some(true));
        assert_eq!(number(&value, "n"), Some(7));
        assert_eq!(list(&value, "none").len(), 0);
    }

    #[test]
    fn invalid_documents_are_errors() {
        for bytes in [&b"{"[..], b"", b"\xff", b"{} x"] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
