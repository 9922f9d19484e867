//! Hints: an error can carry one line of advice in addition to its causes.

use std::error::Error as StdError;
use std::fmt;

/// An error with a hint. Its message and its causes are those of the wrapped error, so the messages
/// in an error chain never contain the hint.
#[derive(Debug)]
struct Hinted {
    hint: String,
    error: anyhow::Error,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl StdError for Hinted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.chain().nth(1)
    }
}

/// Adds a hint to an error.
pub trait WithHint<T> {
    /// Adds a hint: one line, without the prefix `hint:`, that tells the user what to do next.
    ///
    /// # Errors
    /// When `self` is an error.
    fn hint(self, text: impl FnOnce() -> String) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> WithHint<T> for Result<T, E> {
    fn hint(self, text: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| hinted(error, text()))
    }
}

/// Returns an error with a hint.
#[must_use]
pub fn hinted(error: impl Into<anyhow::Error>, hint: String) -> anyhow::Error {
    anyhow::Error::new(Hinted { hint, error: error.into() })
}

/// Returns the outermost hint of an error, which is the one that best fits the user's request.
#[must_use]
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    let mut hints = error.chain().filter_map(|cause| cause.downcast_ref::<Hinted>());
    hints.next().map(|hinted| hinted.hint.as_str())
}

/// Returns the outermost cause of type `T`, even if that cause carries a hint.
#[must_use]
pub fn cause_of<T: StdError + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&T> {
    error.downcast_ref().or_else(|| {
        error.chain().find_map(|cause| match cause.downcast_ref::<Hinted>() {
            Some(hinted) => cause_of(&hinted.error),
            None => cause.downcast_ref(),
        })
    })
}

/// Returns the messages of an error's chain, outermost first.
pub(crate) fn messages(error: &anyhow::Error) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // Skip a message that the previous one already contains.
        if messages.last().is_none_or(|last| !last.ends_with(&text)) {
            messages.push(text);
        }
    }
    messages
}

/// Returns an error's chain as one line, for use inside a larger message.
#[must_use]
pub fn one_line(error: &anyhow::Error) -> String {
    let text = messages(error).join(": ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn outermost_hint_wins_and_is_not_a_message() {
        let error = Err::<(), _>(std::io::Error::other("disk full"))
            .hint(|| "free some space".to_owned())
            .context("cannot write `x`")
            .hint(|| "choose another store".to_owned())
            .unwrap_err();
        assert_eq!(hint_of(&error), Some("choose another store"));
        assert_eq!(messages(&error), ["cannot write `x`", "disk full"]);
        assert_eq!(one_line(&error), "cannot write `x`: disk full");
    }

    #[test]
    fn cause_is_found_below_hints_and_contexts() {
        let error = Err::<(), _>(std::io::Error::other("disk full"))
            .hint(|| "free some space".to_owned())
            .context("cannot write `x`")
            .hint(|| "choose another store".to_owned())
            .unwrap_err();
        assert!(cause_of::<std::io::Error>(&error).is_some());
        assert!(cause_of::<std::fmt::Error>(&error).is_none());
    }
}
