//! Suggestions for misspelled names.

use strsim::levenshtein;

/// Returns the names that are most similar to a misspelled word, in backquotes. The result is empty
/// if none is similar.
#[must_use]
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let limit = word.chars().count() / 3 + 1;
    let measured =
        names.map(|name| (levenshtein(&word.to_lowercase(), &name.to_lowercase()), name));
    let near: Vec<(usize, &str)> = measured.filter(|(distance, _)| *distance <= limit).collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    let near = near.into_iter().filter(|(distance, _)| Some(*distance) == least);
    near.map(|(_, name)| format!("`{name}`")).collect()
}
