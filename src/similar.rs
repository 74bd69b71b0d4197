//! Known words that are similar to a misspelt one.

/// The one of the `known` words that is nearest to `word`, if the Jaro-Winkler similarity is more than `least`, of 1.
pub(crate) fn nearest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str>,
    least: f64,
) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(known, word), known))
        .filter(|(similarity, _)| *similarity > least && !word.is_empty())
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}
