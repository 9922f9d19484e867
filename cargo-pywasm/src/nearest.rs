//! What somebody may have meant by a word that is not known.

use strsim::levenshtein;

/// The names that are most like a word, in backquotes, if any are.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let most = word.chars().count() / 3 + 1;
    let of = |name: &'a str| (levenshtein(&word.to_lowercase(), &name.to_lowercase()), name);
    let near: Vec<(usize, &str)> = names.map(of).filter(|(far, _)| *far <= most).collect();
    let least = near.iter().map(|(far, _)| *far).min();
    let near = near.into_iter().filter(|(far, _)| Some(*far) == least);
    near.map(|(_, name)| format!("`{name}`")).collect()
}
